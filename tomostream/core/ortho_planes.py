"""The three slices as planes in the sample, turned and tilted: where they cross."""

import math
from dataclasses import dataclass

import numpy as np

from tomostream.core.geometry import Geometry, Planes, Vector

Place = tuple[float, float]
"""Row and column of an image, pixels."""
PARALLEL = 1e-6
"""Planes that rise by less for each pixel do not cross in an image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrthoPlane:
    """A slice, in pixels from the rotation axis and the detector's middle row."""

    normal: Vector
    distance: float
    """From the middle, along the normal."""
    column_step: Vector
    row_step: Vector
    middle_row: int
    middle_column: int
    """The pixel that shows ``distance * normal``."""

    def point(self, row: float, column: float) -> Vector:
        """Give the place in the sample that a pixel shows."""
        down, right = row - self.middle_row, column - self.middle_column
        x, y, z = (
            self.distance * n + right * c + down * r
            for n, c, r in zip(
                self.normal, self.column_step, self.row_step, strict=True
            )
        )
        return x, y, z

    def above(self, point: Vector) -> float:
        """Give the distance of a point from the plane, along the normal."""
        return float(np.dot(self.normal, point)) - self.distance

    def slope(self, other: "OrthoPlane") -> tuple[float, float]:
        """Give by how much a step to the next row and column of other rises here."""
        row, column = other.row_step, other.column_step
        return float(np.dot(self.normal, row)), float(np.dot(self.normal, column))

    def crossing(
        self, shown: "OrthoPlane", rows: int, columns: int
    ) -> tuple[Place, Place] | None:
        """Give the ends of the line in which this plane crosses another's image.

        Parameters
        ----------
        shown
            Whose image it is.
        rows, columns
            Of the image; its pixels reach half a pixel beyond their centres.

        Returns
        -------
        tuple or None
            Two places (row, column) on the image's edge; None where it is not crossed.
        """
        per_row, per_column = self.slope(shown)
        first = self.above(shown.point(0, 0))
        top, bottom, left, right = -0.5, rows - 0.5, -0.5, columns - 0.5
        ends: list[Place] = []
        if abs(per_column) > PARALLEL:
            ends += [(r, -(first + r * per_row) / per_column) for r in (top, bottom)]
        if abs(per_row) > PARALLEL:
            ends += [(-(first + c * per_column) / per_row, c) for c in (left, right)]
        inside = [
            (row, column)
            for row, column in ends
            if top <= row <= bottom and left <= column <= right
        ]
        return (min(inside), max(inside)) if len(inside) > 1 else None


def ortho_planes(
    planes: Planes, geometry: Geometry
) -> tuple[OrthoPlane, OrthoPlane, OrthoPlane]:
    """Give the planes of the slices normal to x, y and z."""
    half, middle = geometry.n_out // 2, geometry.n_z // 2
    down = 0.0, 0.0, 1.0
    c, s = _turn(planes.rot_x)
    x = OrthoPlane(
        normal=(c, -s, 0.0), distance=planes.x - half,
        column_step=(s, c, 0.0), row_step=down,
        middle_row=middle, middle_column=half,
    )  # fmt: skip
    c, s = _turn(planes.rot_y)
    y = OrthoPlane(
        normal=(s, c, 0.0), distance=planes.y - half,
        column_step=(c, -s, 0.0), row_step=down,
        middle_row=middle, middle_column=half,
    )  # fmt: skip
    c, s = _turn(planes.rot_z)
    z = OrthoPlane(
        normal=(s, 0.0, c), distance=planes.z - middle,
        column_step=(c, 0.0, -s), row_step=(0.0, 1.0, 0.0),
        middle_row=half, middle_column=half,
    )  # fmt: skip
    return x, y, z


def _turn(angle_deg: float) -> tuple[float, float]:
    return math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
