"""Where pixels, the rotation axis and the three planes lie.

A point of the sample at column ``ix``, row ``iy`` of a horizontal slice projects
onto detector column ``s = x cos(theta) - y sin(theta) + center`` with
``x = ix - n_out // 2``, ``y = iy - n_out // 2``; pixel centres are integers and y
points down. All planes share the detector's rows as z.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal

from tomostream.core.errors import ConfigurationError

ScanRange = Literal[180, 360]
"""Degrees of the ring; 360 is half-acquisition, the axis lies near an edge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """Sizes of one reconstruction session; a change of any of them empties the ring."""

    n_z: int
    """Detector rows."""
    n_x: int
    """Detector columns (perpendicular to the rotation axis)."""
    n_slots: int
    """Projections that the ring holds."""
    n_out: int
    """Width of the slices; n_x unless ScanRange is 360."""
    scan_range: ScanRange = 180
    """Degrees that the ring holds."""
    pad_x: int = 0
    """Empty columns before a frame's first in the ring; 0 unless ScanRange is 360."""

    def __post_init__(self) -> None:
        for name, least in (("n_z", 1), ("n_x", 4), ("n_slots", 1), ("n_out", 4)):
            value = getattr(self, name)
            if value < least:
                raise ConfigurationError(
                    f"{name}: expected at least {least}, got {value}"
                )
        room = self.n_ring - self.n_x
        if not 0 <= self.pad_x <= room:
            raise ConfigurationError(f"pad_x: expected 0 to {room}, got {self.pad_x}")

    @property
    def n_ring(self) -> int:
        """Columns of a filtered projection.

        With half-acquisition those of the whole object: the filtered projection does
        not end where the frame does.
        """
        return self.n_x if self.scan_range == 180 else max(self.n_out, self.n_x)

    @property
    def frame_shape(self) -> tuple[int, int]:
        """(n_z, n_x)."""
        return self.n_z, self.n_x

    @property
    def packed_shape(self) -> tuple[int, int]:
        """Rows and columns of the packed image Z | Y | X."""
        return max(self.n_out, self.n_z), 3 * self.n_out


@dataclass(frozen=True, slots=True, kw_only=True)
class Planes:
    """Positions of the three ortho-slices, in pixels of the output grid."""

    x: int
    """Column whose plane normal to x is shown, 0..n_out-1."""
    y: int
    """Row whose plane normal to y is shown, 0..n_out-1."""
    z: int
    """Detector row of the horizontal slice, 0..n_z-1."""
    rot_x: float = 0.0
    """Degrees that the plane normal to x is turned about the vertical axis: its point
    (x, y) shows ``(x cos r + y sin r, -x sin r + y cos r)``."""
    rot_y: float = 0.0
    """The same for the plane normal to y."""
    rot_z: float = 0.0
    """Degrees that the horizontal plane is tilted about y: its point (x, z) shows
    ``(x cos r + z sin r, -x sin r + z cos r)``."""

    @classmethod
    def middle(cls, geometry: Geometry) -> "Planes":
        """Give the planes through the volume's centre."""
        half = geometry.n_out // 2
        return cls(x=half, y=half, z=geometry.n_z // 2)

    def clipped(self, geometry: Geometry) -> "Planes":
        """Give the nearest planes that lie inside the volume."""
        last = geometry.n_out - 1
        return replace(
            self,
            x=min(max(self.x, 0), last),
            y=min(max(self.y, 0), last),
            z=min(max(self.z, 0), geometry.n_z - 1),
        )


Vector = tuple[float, float, float]
"""x, y, z in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaneGrid:
    """The points of a tilted plane, one for each pixel of its image.

    Pixel (row, column) shows ``origin + column * column_step + row * row_step``. One of
    the steps is horizontal, so that every line of the image along it needs two detector
    rows only.
    """

    origin: Vector
    """Of pixel (0, 0); x and y from the rotation axis, z from detector row 0."""
    column_step: Vector
    row_step: Vector
    rows: int
    columns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ObliquePlane:
    """A plane of any direction; its image has n_out x n_out pixels."""

    x: float
    """Column of the point in the image's middle, pixels of the output grid."""
    y: float
    z: float
    """Detector row of that point."""
    normal: Vector
    """Of any length but 0."""

    def __post_init__(self) -> None:
        values = (self.x, self.y, self.z, *self.normal)
        if not all(map(math.isfinite, values)) or not any(self.normal):
            raise ConfigurationError(
                f"oblique plane: expected a finite point and a normal, got {values}"
            )

    def grid(self, geometry: Geometry) -> PlaneGrid:
        """Give the image's points: columns run horizontally, rows downhill or down."""
        half = geometry.n_out // 2
        length = math.hypot(*self.normal)
        a, b, c = (part / length for part in self.normal)
        level = math.hypot(a, b)
        column = (-b / level, a / level, 0.0) if level > 1e-9 else (1.0, 0.0, 0.0)
        # normal x column
        row = (-c * column[1], c * column[0], a * column[1] - b * column[0])
        middle = (self.x - half, self.y - half, self.z)
        origin = tuple(
            m - half * (i + j) for m, i, j in zip(middle, column, row, strict=True)
        )
        return PlaneGrid(
            origin=(origin[0], origin[1], origin[2]), column_step=column, row_step=row,
            rows=geometry.n_out, columns=geometry.n_out,
        )  # fmt: skip


def tilted_horizontal(planes: Planes, geometry: Geometry) -> PlaneGrid:
    """Give the points of the horizontal plane, tilted by rot_z about y."""
    half, middle = geometry.n_out // 2, geometry.n_z // 2
    cosine = math.cos(math.radians(planes.rot_z))
    sine = math.sin(math.radians(planes.rot_z))
    z = planes.z - middle
    return PlaneGrid(
        origin=(
            -half * cosine + z * sine, float(-half), half * sine + z * cosine + middle
        ),
        column_step=(cosine, 0.0, -sine), row_step=(0.0, 1.0, 0.0),
        rows=geometry.n_out, columns=geometry.n_out,
    )  # fmt: skip


def output_width(n_x: int, center: float, scan_range: ScanRange) -> int:
    """Give the width of the slices.

    With ScanRange 360 the axis may lie near an edge: the reconstructed disc reaches
    from the axis to the farther edge on both sides. An axis outside the frames, a
    mistake at the record Center, makes it no wider than one at their edge.
    """
    if scan_range == 180:
        return n_x
    reach = min(max(center, n_x - 1 - center), n_x - 1)
    return max(n_x, 2 * round(reach) + 1)


def output_pad(n_x: int, center: float, scan_range: ScanRange) -> int:
    """Give the empty columns before a frame's first, so that the axis is amid n_out."""
    if scan_range == 180 or center >= (n_x - 1) / 2:
        return 0
    return output_width(n_x, center, scan_range) - n_x


def overlap_weight(column: float, n_x: int, center: float) -> float:
    """Give the weight of a detector column in half-acquisition.

    Columns as near to the axis as the near edge are seen twice in a turn: their weight
    goes smoothly from 0 at that edge to 1, and mirror columns share 1.

    References
    ----------
    Wang, X-ray micro-CT with a displaced detector array, Med. Phys. 29 (2002) 1634,
    doi:10.1118/1.1489043.
    """
    is_left = center < (n_x - 1) / 2
    # Half a pixel beyond the last centre: there the weight is 0.
    reach = (center if is_left else n_x - 1 - center) + 0.5
    if reach <= 0:
        return 1.0
    t = (column - center if is_left else center - column) / reach
    return 0.5 + 0.5 * math.sin(0.5 * math.pi * min(max(t, -1.0), 1.0))


def rescale_center(
    center: float,
    *,
    binning_old: float,
    binning_new: float,
    offset_old: float = 0.0,
    offset_new: float = 0.0,
) -> float:
    """Give the rotation centre after a change of binning or region.

    Offsets are in binned pixels. Pixel centres are integers, so the half pixel must
    travel along: 295.5 binned by 2 is 147.5.
    """
    unbinned = (center + 0.5 + offset_old) * binning_old
    return unbinned / binning_new - 0.5 - offset_new


def rescale_center_by_width(center: float, *, width_old: int, width_new: int) -> float:
    """Give the rotation centre when only the widths are known."""
    return rescale_center(center, binning_old=1.0, binning_new=width_old / width_new)


def rescale_index(index: int, *, size_old: int, size_new: int) -> int:
    """Give the plane index that shows the same place after a change of size."""
    scaled = (index + 0.5) * size_new / size_old - 0.5
    return min(max(round(scaled), 0), size_new - 1)
