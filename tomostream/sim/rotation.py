"""How the simulated sample turns: an angle for every frame, a finite set of views."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

_GOLDEN = (5.0**0.5 - 1.0) / 2.0
_INTERLACES = 4


class RotationKind(StrEnum):
    """Ways to scan."""

    CONTINUOUS = "continuous"
    BACK_AND_FORTH = "backforth"
    """From the start through 180 degrees and back; both ends are taken twice."""
    INTERLACED = "interlaced"
    """Four coarse half-turns whose angles lie between each other's."""
    GOLDEN = "golden"
    """Steps of 180 degrees times the golden ratio, rounded to the angle grid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """Angles by frame index; every angle is start + position * step."""

    kind: RotationKind
    n_angles: int
    """Angles in 180 degrees."""
    start_deg: float = 0.0

    @property
    def step_deg(self) -> float:
        """Step of the angle grid."""
        return 180.0 / self.n_angles

    @property
    def n_views(self) -> int:
        """Views that differ: those that a movie has to hold."""
        if self.kind is RotationKind.CONTINUOUS:
            return 2 * self.n_angles
        return self.n_angles + (self.kind is RotationKind.BACK_AND_FORTH)

    @property
    def is_whole_turn(self) -> bool:
        """Whether the first view follows the last one."""
        return self.kind is RotationKind.CONTINUOUS

    @property
    def period(self) -> int:
        """Frames after which a table may start again without a jump."""
        if self.kind is RotationKind.BACK_AND_FORTH:
            return 2 * (self.n_angles + 1)
        return self.n_views

    def position(self, index: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give places on the angle grid; continuous scans leave 0..n_views-1."""
        if self.kind is RotationKind.CONTINUOUS:
            return index
        place = index % self.period
        if self.kind is RotationKind.BACK_AND_FORTH:
            return np.minimum(place, self.period - 1 - place)
        if self.kind is RotationKind.GOLDEN:
            return (index * _GOLDEN % 1.0 * self.n_angles).astype(np.int64)
        return self._interlaced()[place]

    def view(self, index: int) -> int:
        """Give which view a frame shows, 0..n_views-1."""
        return int(self.position(np.array([index]))[0]) % self.n_views

    def view_deg(self, view: int) -> float:
        """Give the angle of a view."""
        return self.start_deg + view * self.step_deg

    def nearest_view(self, angle_deg: float) -> int:
        """Give the view whose angle is nearest."""
        view = round((angle_deg - self.start_deg) / self.step_deg)
        if self.is_whole_turn:
            return view % self.n_views
        return min(max(view, 0), self.n_views - 1)

    def table(self, least: int) -> NDArray[np.float32]:
        """Give the angle table as tomoScan sends it.

        Parameters
        ----------
        least
            Fewest entries; whole periods are given.

        Returns
        -------
        ndarray
            (n_angles,), degrees.
        """
        count = -(-least // self.period) * self.period
        position = self.position(np.arange(count, dtype=np.int64))
        return (self.start_deg + position * self.step_deg).astype(np.float32)

    def _interlaced(self) -> NDArray[np.int64]:
        return np.concatenate([
            np.arange(first, self.n_angles, _INTERLACES) for first in (0, 2, 1, 3)
        ])  # fmt: skip
