"""Darks and flats, as the kernels take them."""

import numpy as np
from numpy.typing import NDArray

from tomostream.core.steps import Region
from tomostream.recon.backend import F32

LEAST_LIGHT = 0.01
"""Of the flat's, in the region that it is scaled by."""
_FARTHEST = 0xFFFF
"""Columns that a distance can say."""


class HostFields:
    """Dark and gain of one generation; see `Row` of load.cu."""

    def __init__(self, dark: F32, flat: F32) -> None:
        with np.errstate(invalid="ignore", over="ignore"):
            light = flat - dark
            is_good = np.isfinite(flat) & np.isfinite(dark) & np.isfinite(light)
            is_good &= light > 0
            gain = (1 / np.maximum(light, np.float32(1e-6))).astype(np.float32)
        self.dead = int(is_good.size - np.count_nonzero(is_good))
        """Pixels that no frame can use."""
        self.dark = np.where(is_good, dark, np.float32(0)).astype(np.float32)
        self.gain = np.where(is_good, gain, np.float32(np.nan))
        if self.dead:
            rows = np.flatnonzero(~is_good.all(axis=1))
            distances = _distances(is_good[rows]).view(np.float32)
            self.dark[rows] = np.where(is_good[rows], self.dark[rows], distances)

    def bad(self, frame: NDArray[np.generic]) -> int:
        """Count the pixels that are dead, and the frame's that are not finite."""
        return int(np.count_nonzero(~np.isfinite(frame) | np.isnan(self.gain)))

    def light(self, frame: NDArray[np.generic], region: Region) -> float:
        """Give the mean transmission of a region that lies inside the frame.

        Not a number where no pixel can be used.
        """
        part = (
            slice(region.y, region.y + region.height),
            slice(region.x, region.x + region.width),
        )
        with np.errstate(invalid="ignore", over="ignore"):
            transmission = frame[part].astype(np.float64)
            # A dead pixel's gain is not a number, whatever its dark.
            transmission = (transmission - self.dark[part]) * self.gain[part]
        usable = transmission[np.isfinite(transmission)]
        return float(usable.mean()) if usable.size else float("nan")


def _distances(is_good: NDArray[np.bool_]) -> NDArray[np.uint32]:
    """Give the columns to the next good pixel on the left (high half) and right."""
    n_x = is_good.shape[1]
    column = np.arange(n_x)
    left = np.maximum.accumulate(np.where(is_good, column, -1), axis=1)
    flipped = np.where(is_good, column, n_x)[:, ::-1]
    right = np.minimum.accumulate(flipped, axis=1)[:, ::-1]
    to_left = np.where(left >= 0, np.minimum(column - left, _FARTHEST), 0)
    to_right = np.where(right < n_x, np.minimum(right - column, _FARTHEST), 0)
    return (to_left << 16 | to_right).astype(np.uint32)
