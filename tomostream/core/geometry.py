"""Where pixels, the rotation axis and the three planes lie.

A point of the sample at column ``ix``, row ``iy`` of a horizontal slice projects
onto detector column ``s = x cos(theta) - y sin(theta) + center`` with
``x = ix - n_out // 2``, ``y = iy - n_out // 2``; pixel centres are integers and y
points down. All planes share the detector's rows as z.
"""

from dataclasses import dataclass
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

    def __post_init__(self) -> None:
        for name, least in (("n_z", 1), ("n_x", 4), ("n_slots", 1), ("n_out", 4)):
            value = getattr(self, name)
            if value < least:
                raise ConfigurationError(
                    f"{name}: expected at least {least}, got {value}"
                )

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

    @classmethod
    def middle(cls, geometry: Geometry) -> "Planes":
        """Give the planes through the volume's centre."""
        half = geometry.n_out // 2
        return cls(x=half, y=half, z=geometry.n_z // 2)

    def clipped(self, geometry: Geometry) -> "Planes":
        """Give the nearest planes that lie inside the volume."""
        last = geometry.n_out - 1
        return Planes(
            x=min(max(self.x, 0), last),
            y=min(max(self.y, 0), last),
            z=min(max(self.z, 0), geometry.n_z - 1),
        )


def output_width(n_x: int, center: float, scan_range: ScanRange) -> int:
    """Give the width of the slices.

    With ScanRange 360 the axis may lie near an edge: the reconstructed disc reaches
    from the axis to the farther edge on both sides.
    """
    if scan_range == 180:
        return n_x
    reach = max(center, n_x - 1 - center)
    return max(n_x, 2 * round(reach) + 1)


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
