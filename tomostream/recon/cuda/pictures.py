"""The planes on a device: sums of backprojections that follow the ring."""

import numpy as np
from numpy.typing import NDArray

from tomostream.core.geometry import PlaneGrid
from tomostream.recon.backend import F32
from tomostream.recon.cuda.device import DeviceArray, Event, portion
from tomostream.recon.cuda.shared import Shared
from tomostream.recon.cuda.source import BLOCK
from tomostream.recon.cuda.uses import Pass, fixed

I64 = NDArray[np.int64]


class Pictures:
    """Sums of one slab: its rows of the vertical planes, its part of the others."""

    def __init__(self, shared: Shared) -> None:
        self._device, self._geometry = shared.device, shared.geometry
        self._slab, self._kind, self._watch = shared.slab, shared.kind, shared.watch
        self._ring, self._work = shared.ring, shared.work
        self._tables = shared.tables
        device, ring = shared.device, shared.ring
        n_out, rows = shared.geometry.n_out, shared.slab.rows
        self._vertical = device.empty((2, n_out, shared.slab.pitch), np.float32)
        self._horizontal = device.empty((n_out, n_out), np.float32)
        self._oblique = device.empty((n_out, n_out), np.float32)
        self._lines = device.empty(ring.shape[:2], np.float32)
        self._out = device.empty((2 * rows * n_out + n_out**2,), np.float32)
        self._host = device.pinned(self._out.nbytes)
        self._arrived: Event = None
        self.clear()

    @property
    def accumulators(self) -> int:
        """Bytes of the sums."""
        sums = (self._vertical, self._horizontal, self._oblique)
        return sum(array.nbytes for array in sums)

    @property
    def nbytes(self) -> int:
        """Other bytes on the device."""
        return self._lines.nbytes + self._out.nbytes

    def clear(self) -> None:
        """Let all sums be zero."""
        for array in (self._vertical, self._horizontal, self._oblique):
            self._device.clear(array)

    def owns(self, z: int) -> bool:
        """Say whether a detector row is one of this slab."""
        return self._slab.first <= z < self._slab.first + self._slab.rows

    def take_rows(self, places: I64, z: int) -> None:
        """Copy the detector row z of projections for the horizontal plane."""
        if not self.owns(z) or not len(places):
            return
        with self._tables.sent(places) as (table,):
            size = (self._geometry.n_ring, len(places), 1)
            self._device.launch(f"take_row_{self._kind}", size, (
                self._lines, self._ring, table, np.int32(z - self._slab.first),
                np.int32(self._geometry.n_ring), np.int32(self._slab.pitch),
            ))  # fmt: skip

    def draw(self, p: Pass) -> None:
        """Add projections of the ring to the planes."""
        groups = [g for g in (p.vertical, p.horizontal, p.oblique) if g is not None]
        if not groups:
            return
        with self._tables.sent(*groups) as sent:
            tables = iter(sent)
            if p.vertical is not None:
                axis = 1 if p.is_y_only else 0
                with self._watch.stage("backproject"):
                    self._draw_vertical(self._vertical[axis:], next(tables), p)
            with self._watch.stage("z"):
                if p.horizontal is not None:
                    self._draw_horizontal(next(tables), p)
                if p.oblique is not None and p.grid is not None:
                    self._draw_tilted(self._oblique, next(tables), p, p.grid)

    def _span(self, p: Pass) -> tuple[int, int]:
        return p.lines or (0, self._geometry.n_out)

    def _draw_vertical(self, sums: DeviceArray, uses: DeviceArray, p: Pass) -> None:
        first, lines = self._span(p)
        planes, count = uses.shape[:2]
        g, pitch = self._geometry, self._slab.pitch
        numbers = (count, first, g.n_out, g.n_ring, pitch, int(p.is_new))
        self._device.launch(
            f"vertical_{self._kind}", (pitch // 2, lines, planes),
            (sums, self._ring, uses, *map(np.int32, numbers)),
        )  # fmt: skip

    def _draw_horizontal(self, uses: DeviceArray, p: Pass) -> None:
        if p.tilt is not None:
            self._draw_tilted(self._horizontal, uses, p, p.tilt)
        elif self.owns(p.z):
            self._draw_row(uses, p)

    def _draw_row(self, uses: DeviceArray, p: Pass) -> None:
        first, lines = self._span(p)
        g = self._geometry
        numbers = (uses.shape[0], first, g.n_out, g.n_ring, int(p.is_new))
        self._device.launch(
            "horizontal", (g.n_out, lines, 1),
            (self._horizontal, self._lines, uses, *map(np.int32, numbers)),
        )  # fmt: skip

    def _draw_tilted(
        self, sums: DeviceArray, uses: DeviceArray, p: Pass, grid: PlaneGrid
    ) -> None:
        first, lines = self._span(p)
        slab, g = self._slab, self._geometry
        z = (grid.origin[2] - slab.first, grid.column_step[2], grid.row_step[2])
        before = (uses.shape[0], first, grid.columns)
        after = (slab.rows, g.n_ring, slab.pitch, int(p.is_new))
        self._device.launch(
            f"tilted_{self._kind}", (grid.columns, lines, 1),
            (sums, self._ring, uses, *map(np.int32, before), *map(fixed, z),
             *map(np.int32, after)),
        )  # fmt: skip

    def start_writing(self, scale: float) -> None:
        """Start the way of the planes normal to x and y and of z to the host."""
        n_out = self._geometry.n_out
        self._finish_vertical(self._out, self._vertical, scale)
        flat = self._out[2 * self._slab.rows * n_out :]
        self._device.launch("finish_plane", (n_out**2, 1, 1), (
            flat, self._horizontal, np.float32(scale), np.int64(n_out**2)
        ))  # fmt: skip
        self._arrived = self._device.download(self._host, self._out)

    def start_writing_oblique(self, scale: float) -> None:
        """Start the way of the oblique plane to the host."""
        count = self._oblique.size
        out = self._out[:count]
        self._device.launch("finish_plane", (count, 1, 1), (
            out, self._oblique, np.float32(scale), np.int64(count)
        ))  # fmt: skip
        self._arrived = self._device.download(self._host[: out.nbytes], out)

    def start_writing_rows(self, uses: I64, scale: float) -> None:
        """Make one or two planes normal to y and start their way to the host."""
        g, pitch = self._geometry, self._slab.pitch
        planes = len(uses)
        size = planes * g.n_out * pitch
        sums = self._work.reshape(-1)[:size].reshape(planes, g.n_out, pitch)
        with self._tables.sent(uses) as (table,):
            self._draw_vertical(sums, table, Pass(is_new=True))
        out = self._out[: planes * self._slab.rows * g.n_out]
        self._finish_vertical(out, sums, scale)
        self._arrived = self._device.download(self._host[: out.nbytes], out)

    def _finish_vertical(
        self, out: DeviceArray, sums: DeviceArray, scale: float
    ) -> None:
        planes, n_out, pitch = sums.shape
        size = (self._slab.rows, -(-n_out // BLOCK), planes)
        self._device.launch("finish_vertical", size, (
            out, sums, np.float32(scale), np.int32(self._slab.rows), np.int32(n_out),
            np.int32(pitch),
        ))  # fmt: skip

    def written(self, first: int, shape: tuple[int, ...]) -> F32:
        """Give what came to the host, from value ``first`` on; wait for it."""
        self._device.wait(self._arrived)
        return portion(self._host, 4 * first, shape, np.float32)
