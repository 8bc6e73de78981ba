"""Three ortho-slices, how they pack into one image, and what a click in it means."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tomostream.core.geometry import Geometry, Planes

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


def draw_crosshair(slices: Slices, planes: Planes, *, width: int = 3) -> None:
    """Mark the other two planes in each slice by NaN lines, centred and clipped."""
    for image, row, column in (
        (slices.z, planes.y, planes.x),
        (slices.y, planes.z, planes.x),
        (slices.x, planes.z, planes.y),
    ):
        half = width // 2
        image[max(row - half, 0) : row + half + 1, :] = np.nan
        image[:, max(column - half, 0) : column + half + 1] = np.nan


def planes_at_click(
    column: int, row: int, planes: Planes, geometry: Geometry
) -> Planes:
    """Give the planes after a click into the packed image.

    A click in Z sets X and Y, one in Y sets X and Z, one in X sets Y and Z; a click
    into unused pixels changes nothing. Planes stay turned as they are.
    """
    n = geometry.n_out
    image, place = divmod(column, n)
    rows = n if image == 0 else geometry.n_z
    if not (0 <= image <= 2 and 0 <= row < rows):
        return planes
    if image == 0:
        return replace(planes, x=place, y=row)
    if image == 1:
        return replace(planes, x=place, z=row)
    return replace(planes, y=place, z=row)
