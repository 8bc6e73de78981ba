"""What the ring was made of at one moment, for work beside the stream."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tomostream.core.geometry import Geometry
from tomostream.core.parameters import ReconParameters
from tomostream.core.slices import F32


@dataclass(frozen=True, slots=True, kw_only=True)
class RingSnapshot:
    """The frames of the ring and the fields that correct the newest. Read only."""

    geometry: Geometry
    parameters: ReconParameters
    dark: F32
    """(n_z, n_x), counts."""
    flat: F32
    """(n_z, n_x), counts."""
    frames: tuple[NDArray[Any], ...]
    """Each (n_z, n_x), counts; the newest is the last."""
    angles_deg: NDArray[np.float64]
    """(n_frames,), not reduced to a turn."""

    def transmission(self, index: int, rows: slice | None = None) -> F32:
        """Give rows of one frame between dark and flat; where that is dead, 1."""
        rows = rows or slice(None)
        light = self.flat[rows] - self.dark[rows]
        alive = light > 0
        frame = self.frames[index][rows].astype(np.float32)
        shown = np.ones_like(light)
        np.divide(frame - self.dark[rows], light, out=shown, where=alive)
        return shown

    def lines(self, index: int, rows: slice | None = None) -> F32:
        """Give the line integrals of attenuation of rows of one frame."""
        shown = np.nan_to_num(self.transmission(index, rows), nan=1.0)
        return -np.log(np.maximum(shown, 1e-6))
