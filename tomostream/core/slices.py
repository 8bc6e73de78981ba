"""Three ortho-slices, how they pack into one image, and what a click in it means."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tomostream.core.geometry import Geometry, Planes
from tomostream.core.ortho_planes import PARALLEL, OrthoPlane, ortho_planes

F32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slices:
    """Attenuation per pixel in three planes."""

    z: F32
    """(n_out y, n_out x), 1/pixel."""
    y: F32
    """(n_z, n_out x), 1/pixel."""
    x: F32
    """(n_z, n_out y), 1/pixel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Click:
    """A place in the packed image, pixels."""

    column: int
    row: int


def pack(slices: Slices) -> F32:
    """Put Z | Y | X side by side, Y and X aligned to the top, unused pixels 0.

    Returns
    -------
    ndarray
        (max(n_out, n_z), 3 n_out), 1/pixel.
    """
    n_out, n_z = slices.z.shape[0], slices.y.shape[0]
    packed = np.zeros((max(n_out, n_z), 3 * n_out), np.float32)
    packed[:n_out, :n_out] = slices.z
    packed[:n_z, n_out : 2 * n_out] = slices.y
    packed[:n_z, 2 * n_out :] = slices.x
    return packed


def unpack(packed: F32, geometry: Geometry) -> Slices:
    """Give views of the three slices inside a packed image."""
    n, n_z = geometry.n_out, geometry.n_z
    return Slices(
        z=packed[:n, :n], y=packed[:n_z, n : 2 * n], x=packed[:n_z, 2 * n : 3 * n]
    )


def draw_crosshair(
    slices: Slices, planes: Planes, geometry: Geometry, *, width: int = 3
) -> None:
    """Mark in each slice where the other two planes cross it, by lines of NaN."""
    x, y, z = ortho_planes(planes, geometry)
    for image, shown, others in (
        (slices.z, z, (x, y)), (slices.y, y, (x, z)), (slices.x, x, (y, z))
    ):  # fmt: skip
        for other in others:
            _draw_crossing(image, shown, other, width)


def _draw_crossing(
    image: F32, shown: OrthoPlane, other: OrthoPlane, width: int
) -> None:
    per_row, per_column = other.slope(shown)
    slope = math.hypot(per_row, per_column)
    if slope < PARALLEL:
        return
    first = other.above(shown.point(0, 0))
    rows = np.arange(image.shape[0], dtype=np.float64)
    columns = np.arange(image.shape[1], dtype=np.float64)
    if abs(per_row) < PARALLEL * slope:
        image[:, abs(first + per_column * columns) < width / 2 * slope] = np.nan
    elif abs(per_column) < PARALLEL * slope:
        image[abs(first + per_row * rows) < width / 2 * slope, :] = np.nan
    else:
        above = first + per_row * rows[:, None] + per_column * columns
        image[abs(above) < width / 2 * slope] = np.nan


def planes_at_click(
    column: int, row: int, planes: Planes, geometry: Geometry
) -> Planes:
    """Give the planes after a click into the packed image.

    The other two planes go through the place of the sample that was clicked, turned as
    they are: in Z those of X and Y, in Y of X and Z, in X of Y and Z. A click into
    unused pixels changes nothing.
    """
    n = geometry.n_out
    image, place = divmod(column, n)
    rows = n if image == 0 else geometry.n_z
    if not (0 <= image <= 2 and 0 <= row < rows):
        return planes
    x, y, z = ortho_planes(planes, geometry)
    clicked = (z, y, x)[image]
    point = clicked.point(row, place)
    return replace(
        planes,
        x=planes.x + round(x.above(point)),
        y=planes.y + round(y.above(point)),
        z=planes.z + round(z.above(point)),
    ).clipped(geometry)
