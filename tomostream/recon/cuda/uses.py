"""Where projections are sampled: the tables that the kernels of planes.cu take."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tomostream.core.geometry import (
    Geometry,
    PlaneGrid,
    Planes,
    tilted_horizontal,
)
from tomostream.recon.cuda.source import USE_WORDS

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

FIXED = 2.0**32
"""Of positions: as in `split` of common.cuh."""
_FARTHEST = 2.0**24
"""Columns; keeps positions within 64 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Centre and planes that are shown."""

    center: float
    planes: Planes
    oblique: PlaneGrid | None = None

    @property
    def row(self) -> int | None:
        """The detector row that the horizontal plane shows; None: it is tilted."""
        return self.planes.z if self.planes.rot_z == 0 else None

    def tilt(self, geometry: Geometry) -> PlaneGrid | None:
        """Give the points of the horizontal plane if it is tilted."""
        if self.row is not None:
            return None
        return tilted_horizontal(self.planes, geometry)

    def moved(self, old: "View") -> "Shown":
        """Say which planes another view had elsewhere."""
        a, b = self.planes, old.planes
        is_all = self.center != old.center
        return Shown(
            x=is_all or (a.x, a.rot_x) != (b.x, b.rot_x),
            y=is_all or (a.y, a.rot_y) != (b.y, b.rot_y),
            z=is_all or (a.z, a.rot_z) != (b.z, b.rot_z),
            oblique=is_all or self.oblique != old.oblique,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Some of the planes."""

    x: bool = True
    y: bool = True
    z: bool = True
    oblique: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """What to add to which planes; None: that plane stays."""

    vertical: I64 | None = None
    """(1 or 2, count, 5): uses of the planes normal to x and y, or of one of them."""
    is_y_only: bool = False
    """The one of `vertical` is the plane normal to y."""
    horizontal: I64 | None = None
    """(count, 5)"""
    tilt: PlaneGrid | None = None
    """Of the horizontal plane; None: it is one detector row, z."""
    z: int = 0
    oblique: I64 | None = None
    """(count, 5)"""
    grid: PlaneGrid | None = None
    """Of the oblique plane."""
    is_new: bool = False
    """Whether the sums begin with nothing."""
    lines: tuple[int, int] | None = None
    """Columns of the vertical planes and rows of the others: first and count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Projections:
    """Projections of the ring and the signs that they are added with."""

    places: I64
    cosines: F64
    sines: F64
    signs: I64

    def __len__(self) -> int:
        """Give how many."""
        return len(self.places)

    def along_axis(self, view: View, geometry: Geometry) -> I64:
        """Give the uses (2, count, 5) for the planes normal to x and to y."""
        half, planes = geometry.n_out // 2, view.planes
        center = view.center + geometry.pad_x
        cosines, sines = self._turned(planes.rot_x)
        start = (planes.x - half) * cosines + half * sines + center
        x = self._uses(start, -sines, 0.0)
        cosines, sines = self._turned(planes.rot_y)
        start = -half * cosines - (planes.y - half) * sines + center
        return np.stack([x, self._uses(start, cosines, 0.0)])

    def drawn(
        self, view: View, geometry: Geometry, shown: Shown,
        *, is_new: bool, lines: tuple[int, int] | None = None,
    ) -> Pass:  # fmt: skip
        """Give what to draw into some of the planes."""
        vertical = None
        if shown.x or shown.y:
            chosen = slice(0 if shown.x else 1, 2 if shown.y else 1)
            vertical = self.along_axis(view, geometry)[chosen]
        tilt = view.tilt(geometry)
        flat = tilt or untilted(view.planes, geometry)
        has_oblique = shown.oblique and view.oblique is not None
        return Pass(
            vertical=vertical, is_y_only=not shown.x,
            horizontal=self.on(flat, view, geometry) if shown.z else None,
            tilt=tilt, z=view.planes.z,
            oblique=self.on(view.oblique, view, geometry)
            if has_oblique and view.oblique else None,
            grid=view.oblique, is_new=is_new, lines=lines,
        )  # fmt: skip

    def rows(self, first: int, count: int, view: View, geometry: Geometry) -> I64:
        """Give the uses (count, len, 5) for planes normal to y, from y = first on."""
        half, center = geometry.n_out // 2, view.center + geometry.pad_x
        start = -half * self.cosines + center
        return np.stack([
            self._uses(start - (y - half) * self.sines, self.cosines, 0.0)
            for y in range(first, first + count)
        ])  # fmt: skip

    def on(self, grid: PlaneGrid, view: View, geometry: Geometry) -> I64:
        """Give the uses (count, 5) for a plane's points."""
        start, step, down = (
            point[0] * self.cosines - point[1] * self.sines
            for point in (grid.origin, grid.column_step, grid.row_step)
        )
        return self._uses(start + view.center + geometry.pad_x, step, down)

    def _turned(self, degrees: float) -> tuple[F64, F64]:
        """Give cosines and sines of the angles less some degrees."""
        c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        return self.cosines * c + self.sines * s, self.sines * c - self.cosines * s

    def _uses(self, start: F64, step: F64, down: F64 | float) -> I64:
        uses = np.empty((len(self), USE_WORDS), np.int64)
        uses[:, 0], uses[:, 1] = self.places, self.signs
        uses[:, 2] = fixed(np.clip(start, -_FARTHEST, _FARTHEST))
        uses[:, 3], uses[:, 4] = fixed(step), fixed(down)
        return uses


def untilted(planes: Planes, geometry: Geometry) -> PlaneGrid:
    """Give the points of a horizontal plane."""
    return tilted_horizontal(replace(planes, rot_z=0.0), geometry)


def fixed(value: F64 | float) -> NDArray[np.int64]:
    """Give a position or step as the kernels take it."""
    return np.rint(np.multiply(value, FIXED)).astype(np.int64)
