"""What the ring was made of at one moment, for work beside the stream."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tomostream.core.geometry import Geometry
from tomostream.core.parameters import ReconParameters
from tomostream.core.slices import F32

_LEAST_TRANSMISSION = np.float32(1e-6)


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
        """Give rows of one frame between dark and flat; 1 where a pixel is unusable."""
        rows = rows or slice(None)
        return transmission(self.frames[index][rows], self.dark[rows], self.flat[rows])

    def lines(self, index: int, rows: slice | None = None) -> F32:
        """Give the line integrals of attenuation of rows of one frame."""
        return line_integrals(self.transmission(index, rows))


def transmission(counts: NDArray[Any], dark: F32, flat: F32) -> F32:
    """Give counts (..., n_x) between dark and flat, for pictures.

    1 where a pixel is dead or is no number, which would spoil the picture.
    """
    light = flat - dark
    alive = np.isfinite(light) & (light > 0)
    shown = np.ones(counts.shape, np.float32)
    np.divide(counts.astype(np.float32) - dark, light, out=shown, where=alive)
    return np.nan_to_num(shown, copy=False, nan=1.0, posinf=1.0, neginf=1.0)


def line_integrals(shown: F32) -> F32:
    """Give the line integrals that belong to transmissions."""
    return -np.log(np.maximum(shown, _LEAST_TRANSMISSION))
