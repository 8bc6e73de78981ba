"""How the camera looks at the rotation axis; applied once, when pixels are made."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tomostream.core.errors import ConfigurationError

MOST_ROLL_DEG = 10.0

_ROWS_AT_ONCE = 64
"""Rows that are interpolated at once: what is in between stays in the cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Orientation:
    """Turn a camera's image so that rows are z and columns lie across the axis.

    First rows and columns are exchanged where the axis lies along the camera's rows,
    then the result is mirrored, then turned by the roll. Quarter turns of the camera
    are said by `axis` and the two flips together.
    """

    axis: Literal["columns", "rows"] = "columns"
    """Which of the camera's lines run along the rotation axis; columns: vertical."""
    flip_x: bool = False
    """Mirror left and right, after `axis`."""
    flip_z: bool = False
    """Mirror top and bottom, after `axis`."""
    rotation_sign: Literal[1, -1] = 1
    """-1 where angles count the other way round than the stage turns."""
    roll_deg: float = 0.0
    """Tilt of the axis' image that is taken out: positive where the axis' column grows
    with the row. Pixels are interpolated, so frames become float32; it takes some ms
    per megapixel. Turning the camera is better."""

    def __post_init__(self) -> None:
        if self.axis not in {"columns", "rows"}:
            raise ConfigurationError(
                f"axis: expected columns or rows, got {self.axis!r}"
            )
        if self.rotation_sign not in {1, -1}:
            raise ConfigurationError(
                f"rotation_sign: expected 1 or -1, got {self.rotation_sign}"
            )
        if not abs(self.roll_deg) <= MOST_ROLL_DEG:
            raise ConfigurationError(
                f"roll_deg: expected -{MOST_ROLL_DEG:g} to {MOST_ROLL_DEG:g}, got "
                f"{self.roll_deg:g}; for quarter turns set axis, flip_x and flip_z"
            )

    def apply(self, image: NDArray[np.generic]) -> NDArray[np.generic]:
        """Give the oriented image, C-contiguous; the image itself where it is one.

        Parameters
        ----------
        image
            (camera rows, camera columns), counts. Not modified.

        Returns
        -------
        ndarray
            (n_z, n_x), counts; float32 where there is a roll.
        """
        if self.axis == "rows":
            image = image.T
        if self.flip_z:
            image = image[::-1]
        if self.flip_x:
            image = image[:, ::-1]
        image = np.ascontiguousarray(image)
        return _turned(image, self.roll_deg) if self.roll_deg else image

    def camera_shape(self, shape: tuple[int, int]) -> tuple[int, int]:
        """Give (camera rows, camera columns) of what is (n_z, n_x) when oriented."""
        n_z, n_x = shape
        return (n_x, n_z) if self.axis == "rows" else (n_z, n_x)

    def angle_deg(self, angle_deg: float) -> float:
        """Give the angle in the sense in which the reconstruction turns."""
        return self.rotation_sign * angle_deg


def _turned(image: NDArray[np.generic], roll_deg: float) -> NDArray[np.float32]:
    """Take a roll out by bilinear interpolation; outside the image its edge goes on."""
    n_z, n_x = image.shape
    counts = image.ravel()
    first, part_x, part_z = _sources((n_z, n_x), roll_deg)
    right, below = int(n_x > 1), n_x * int(n_z > 1)
    turned = np.empty(image.shape, np.float32)
    for top in range(0, n_z, _ROWS_AT_ONCE):
        rows = slice(top, top + _ROWS_AT_ONCE)
        at, x, z = first[rows], part_x[rows], part_z[rows]
        corners = [
            counts.take(at + step).astype(np.float32)
            for step in (0, right, below, below + right)
        ]
        upper = corners[0] + x * (corners[1] - corners[0])
        lower = corners[2] + x * (corners[3] - corners[2])
        turned[rows] = upper + z * (lower - upper)
    return turned


@lru_cache(maxsize=2)
def _sources(
    shape: tuple[int, int], roll_deg: float
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """Give the flat index of each pixel's upper left source, and what is beyond it."""
    n_z, n_x = shape
    cosine, sine = math.cos(math.radians(roll_deg)), math.sin(math.radians(roll_deg))
    z = np.arange(n_z)[:, None] - (n_z - 1) / 2
    x = np.arange(n_x)[None, :] - (n_x - 1) / 2
    column, part_x = _split(x * cosine + z * sine + (n_x - 1) / 2, n_x)
    row, part_z = _split(z * cosine - x * sine + (n_z - 1) / 2, n_z)
    return row * n_x + column, part_x, part_z


def _split(
    at: NDArray[np.float64], size: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    inside = np.clip(at, 0, size - 1)
    whole = np.minimum(inside.astype(np.int64), max(size - 2, 0))
    return whole, (inside - whole).astype(np.float32)
