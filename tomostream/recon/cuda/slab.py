"""What one device does: its detector rows of every projection, from raw to planes."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from tomostream.core.errors import ReconstructionError
from tomostream.core.geometry import Geometry
from tomostream.core.steps import RingRemoval, Steps
from tomostream.recon.backend import F32, Frames, MemoryPlan
from tomostream.recon.cuda.device import Device, DeviceArray
from tomostream.recon.cuda.feed import Feed
from tomostream.recon.cuda.filtering import Filtering, LineSettings
from tomostream.recon.cuda.images import ImageSteps
from tomostream.recon.cuda.pictures import Pictures
from tomostream.recon.cuda.pixels import Exchange, Pixels, fetched
from tomostream.recon.cuda.plan import PLACES, RAW_BUFFERS, DevicePlan, kept_slots
from tomostream.recon.cuda.shared import Shared
from tomostream.recon.cuda.source import FRAME_WORDS, USE_WORDS
from tomostream.recon.cuda.stopwatch import Stopwatch
from tomostream.recon.filter_form import RecursiveFilter, SpectralFilter
from tomostream.recon.steps.phase import padding

_TABLES = 4
"""Buffers for small tables on their way."""


class SlabWorker:
    """The part of a CUDA backend that lives on one device.

    Nothing here waits for the device, but for settings and what is downloaded.
    """

    def __init__(
        self, device: Device, geometry: Geometry, plan: DevicePlan, *, is_half: bool
    ) -> None:
        self._device, self._geometry, self.plan = device, geometry, plan
        g, slab, batch = geometry, plan.slab, plan.batch
        self.slab = slab
        self.watch = Stopwatch(device)
        places = kept_slots(g, plan.decimation) + batch
        column = max(g.n_ring, g.n_out) * slab.pitch
        uses = 8 * USE_WORDS * 4 * (places + batch)
        frames = 4 * FRAME_WORDS * 2 * batch
        item = np.uint16 if is_half else np.float32
        shared = Shared(
            device=device, geometry=geometry, plan=plan, watch=self.watch,
            ring=device.empty((places, g.n_ring, slab.pitch), item),
            work=device.empty((2, batch * max(g.n_z * g.n_x, column)), np.float32),
            tables=Feed(device, uses + frames + 2048, buffers=_TABLES),
        )  # fmt: skip
        self._shared, self._tables = shared, shared.tables
        self._images = ImageSteps(shared)
        self._filtering = Filtering(shared)
        self.pictures = Pictures(shared)
        self._sum: DeviceArray = None
        """(rows, n_x), line integrals; while rings are removed."""
        self._bad = device.empty((batch, slab.rows), np.int32)
        self._raw: Feed | None = None
        self._seen = (0, 0)
        """First and last + 1 of the detector rows that are uploaded."""
        self._lines = LineSettings(
            fields=None, steps=device.empty((3,), np.float32),
            weight=device.empty((g.n_x,), np.float32),
            correction=device.empty((slab.rows, g.n_x), np.float32), top=0,
        )  # fmt: skip
        device.put(self._lines.weight, np.ones(g.n_x, np.float32))
        self.set_correction(None)

    def set_steps(self, steps: Steps) -> bool:
        """Process later frames like this; say whether fields must be given again."""
        g, slab = self._geometry, self.slab
        floor = max(steps.transmission_floor, float(np.finfo(np.float32).tiny))
        floor_and_hardening = [floor, *steps.hardening]
        self._device.put(self._lines.steps, np.array(floor_and_hardening, np.float32))
        has_rings = steps.ring_removal is not RingRemoval.NONE
        if has_rings != (self._sum is not None):
            self._device.synchronize()
            shape = (slab.rows, g.n_x)
            self._sum = self._device.empty(shape, np.float32) if has_rings else None
            self.clear_lines()
        # Windows and the phase filter reach into the rows of other devices.
        reach = steps.zinger_radius
        if steps.phase is not None:
            reach += padding(steps.phase.strength_px2, g.n_z)
        first = max(0, slab.first - reach)
        last = min(g.n_z, slab.first + slab.rows + reach)
        self._images.set(steps, last - first)
        if (first, last) == self._seen:
            return False
        self._see(first, last)
        return True

    def _see(self, first: int, last: int) -> None:
        device, n_x = self._device, self._geometry.n_x
        device.synchronize()
        # Given back before more is asked for.
        self._raw = self._lines.fields = None
        self._seen = (0, 0)
        fields = device.empty((PLACES, 2, last - first, n_x), np.float32)
        identity = np.zeros((2, last - first, n_x), np.float32)
        identity[1] = 1
        device.put(fields[PLACES - 1], identity)
        self._lines.fields = fields
        capacity = 4 * self.plan.batch * (last - first) * n_x
        self._raw = Feed(device, capacity, buffers=RAW_BUFFERS)
        # At the end: what lacked memory is not there.
        self._seen, self._lines.top = (first, last), self.slab.first - first

    def set_fields(self, place: int, dark: F32, gain: F32) -> None:
        """Keep fields (n_z, n_x) at a place, as `Row` of load.cu reads them."""
        rows = slice(*self._seen)
        self._device.put(self._lines.fields[place], np.stack([dark[rows], gain[rows]]))

    def set_filter(self, realised: RecursiveFilter | SpectralFilter) -> None:
        """Filter later frames like this."""
        self._filtering.set(realised)

    def set_weight(self, weight: F32) -> None:
        """Weigh later frames' columns (n_x,)."""
        self._device.put(self._lines.weight, weight)

    def set_correction(self, correction: F32 | None) -> None:
        """Subtract (n_z, n_x) from later frames' line integrals."""
        if correction is None:
            self._device.clear(self._lines.correction)
            return
        own = correction[self.slab.first : self.slab.first + self.slab.rows]
        self._device.put(self._lines.correction, np.ascontiguousarray(own, np.float32))

    def clear_lines(self) -> None:
        """Forget the line integrals collected."""
        if self._sum is not None:
            self._device.clear(self._sum)

    def line_sums(self) -> F32:
        """Give the sum (rows, n_x) of the line integrals collected."""
        return fetched(self._device, self._sum)

    @contextmanager
    def received(self, frames: Frames) -> Iterator[DeviceArray]:
        """Upload frames (n_z, n_x) of one type; give the rows seen of all."""
        if self._raw is None:
            raise ReconstructionError("cuda backend: steps must be set before frames")
        rows = slice(*self._seen)
        with self._raw.sent([frame[rows] for frame in frames]) as (raw,):
            yield raw

    def count_bad(self, raw: DeviceArray, fields: list[int]) -> NDArray[np.int64]:
        """Count each frame's own pixels that are neither finite nor dead."""
        count, rows, n_x = raw.shape
        all_of_them = Exchange(
            fields=fields, scales=[1.0] * count, places=[0] * count,
            raw=list(range(count)),
        )  # fmt: skip
        numbers = (self.slab.rows, self._lines.top, rows, n_x)
        sent = self._tables.sent(all_of_them.table())
        with sent as (table,), self.watch.stage("check"):
            pixels = Pixels(data=raw, table=table)
            self._device.launch("count_bad", (self.slab.rows, count, 1), (
                *pixels.arguments(self._lines.fields), self._bad,
                *map(np.int32, numbers),
            ))  # fmt: skip
        return fetched(self._device, self._bad[:count]).sum(axis=1, dtype=np.int64)

    def process(self, raw: DeviceArray, exchange: Exchange) -> None:
        """Turn frames received into filtered projections in the ring."""
        own = exchange.table()
        finished = own.copy()
        finished[:, 0], finished[:, 3] = PLACES - 1, np.arange(len(own))
        finished[:, 1] = np.float32(1).view(np.int32)
        with self._tables.sent(own, finished) as (table, finished_table):
            pixels = Pixels(data=raw, table=table)
            if self._images.are_wanted:
                with self.watch.stage("prepass"):
                    images = self._images.made(pixels, self._lines.fields)
                pixels = Pixels(data=images, table=finished_table)
            if self._sum is not None:
                with self.watch.stage("load"):
                    self._collect(pixels)
            with self.watch.stage("filter"):
                self._filtering.run(pixels, self._lines, exchange.places)

    def _collect(self, pixels: Pixels) -> None:
        rows, n_x = pixels.data.shape[1:]
        numbers = (pixels.count, self.slab.rows, self._lines.top, rows, n_x)
        self._device.launch("collect_lines", (n_x, self.slab.rows, 1), (
            *pixels.arguments(self._lines.fields), self._lines.steps, self._sum,
            *map(np.int32, numbers),
        ))  # fmt: skip

    def memory(self) -> MemoryPlan:
        """Give the bytes held on the device."""
        shared, lines = self._shared, self._lines
        fields = [lines.fields, lines.weight, lines.correction, self._sum]
        scratch = [
            shared.work, shared.tables, self._bad, self._images, self._filtering,
            self.pictures, self._raw,
        ]  # fmt: skip
        return MemoryPlan(
            ring=shared.ring.nbytes, raw=0, accumulators=self.pictures.accumulators,
            fields=sum(array.nbytes for array in fields if array is not None),
            scratch=sum(part.nbytes for part in scratch if part is not None),
        )  # fmt: skip
