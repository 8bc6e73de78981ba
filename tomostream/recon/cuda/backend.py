"""The CUDA backend: the facade over one or several devices."""

import logging
import math
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tomostream.core.errors import NotEnoughMemoryError, ReconstructionError
from tomostream.core.geometry import Geometry, PlaneGrid, Planes, overlap_weight
from tomostream.core.memory import total_bytes
from tomostream.core.parameters import FilterType
from tomostream.core.slices import Slices
from tomostream.core.steps import RingRemoval, Steps
from tomostream.recon.backend import (
    F32,
    AddReport,
    Frames,
    MemoryPlan,
    RingDtype,
)
from tomostream.recon.cuda.device import Device
from tomostream.recon.cuda.feed import PinnedFrames
from tomostream.recon.cuda.fields import HostFields
from tomostream.recon.cuda.filtering import RING_GAIN
from tomostream.recon.cuda.intake import Intake, Job, batches
from tomostream.recon.cuda.pixels import Exchange
from tomostream.recon.cuda.plan import kept_slots, plan_devices, report
from tomostream.recon.cuda.slab import SlabWorker
from tomostream.recon.cuda.slots import SlotTable
from tomostream.recon.cuda.uses import Projections, Shown, View
from tomostream.recon.filters import RecursiveFilter, SpectralFilter, realisation

logger = logging.getLogger(__name__)

STAGES = ("load", "filter", "backproject", "z", "check", "prepass")
"""As those of the CPU; what is loaded is filtered in one go, and counts as filter."""
_RENEWED_LINES = 64
"""Lines of the slices that are remade at once: enough threads for a device."""


class CudaBackend:
    """Kernels on NVIDIA GPUs; each holds a slab of the detector rows.

    A slice that gets "new minus old" for ever collects rounding errors. So it is remade
    from the ring, some lines at a time, once in every revolution.
    """

    name = "cuda"

    def __init__(
        self, devices: Sequence[Device], *, ring_dtype: RingDtype = "half"
    ) -> None:
        self._devices = list(devices)
        self._is_half = ring_dtype == "half"
        self._geometry: Geometry | None = None
        self._workers: list[SlabWorker] = []
        self._slots = SlotTable(0, 0)
        self._fields: dict[int, HostFields] = {}
        self._steps = Steps()
        self._correction: F32 | None = None
        self._view: View | None = None
        self._filter: RecursiveFilter | SpectralFilter | None = None
        self._pinned: PinnedFrames | None = None
        self._weighted_center: float | None = None
        self._collected = 0
        self._owed = 0.0
        """Lines that are due to be remade."""
        self._renewed = 0
        """Line at which the next renewal begins."""

    @property
    def isa(self) -> str:
        """Architecture of the devices."""
        return self._devices[0].isa

    @property
    def threads(self) -> int:
        """CPU threads at work."""
        return 1

    @property
    def device(self) -> str:
        """What computes, in words."""
        return ", ".join(self.chips)

    @property
    def chips(self) -> list[str]:
        """Names of the devices."""
        return [device.name for device in self._devices]

    def allocate(self, geometry: Geometry) -> None:
        """Make an empty ring; keep the fields if frames keep their shape."""
        old, self._geometry = self._geometry, None
        # What devices are at work on is given back after that, and before more is
        # asked for.
        for device in self._devices:
            device.synchronize()
        self._workers.clear()
        self._filter = None
        if old is None or old.frame_shape != geometry.frame_shape:
            self._fields.clear()
            self._correction = None
        plans = plan_devices(
            geometry, [device.free_bytes() for device in self._devices],
            item_bytes=2 if self._is_half else 4,
        )  # fmt: skip
        level = logging.WARNING if plans[0].decimation > 1 else logging.INFO
        logger.log(level, "%s", report(plans, geometry.n_slots))
        self._workers = [
            SlabWorker(device, geometry, plan, is_half=self._is_half)
            for device, plan in zip(self._devices, plans, strict=False)
        ]
        self._pinned = PinnedFrames(
            self._devices[0], limit_bytes=(total_bytes() or 0) // 2
        )
        self._geometry = geometry
        self._weighted_center = None
        self._collected = 0
        self._empty_slots()
        self._give_steps(again=True)
        for worker in self._workers:
            worker.set_correction(self._correction)

    def clear(self) -> None:
        """Empty the ring."""
        self._empty_slots()
        for worker in self._workers:
            worker.pictures.clear()

    def _empty_slots(self) -> None:
        kept = kept_slots(self._shape, self._decimation)
        self._slots = SlotTable(kept, kept + self._workers[0].plan.batch)
        self._owed, self._renewed = 0.0, 0

    def set_filter(self, filter_type: FilterType) -> None:
        """Filter later frames like this."""
        realised = realisation(filter_type, self._shape.n_ring)
        try:
            self._give_filter(realised)
        except NotEnoughMemoryError as exc:
            if self._filter is None:
                raise
            # The old one was given back before more was asked for.
            try:
                self._give_filter(self._filter)
            except NotEnoughMemoryError:
                raise ReconstructionError(f"no filter is left: {exc}") from exc
            raise
        self._filter = realised

    def _give_filter(self, realised: RecursiveFilter | SpectralFilter) -> None:
        for worker in self._workers:
            worker.set_filter(realised)

    def set_fields(self, place: int, dark: F32, flat: F32) -> int:
        """Keep fields (n_z, n_x) at a place; give the dead pixels."""
        fields = self._fields[place] = HostFields(dark, flat)
        for worker in self._workers:
            worker.set_fields(place, fields.dark, fields.gain)
        return fields.dead

    def set_steps(self, steps: Steps) -> None:
        """Process later frames like this."""
        if steps.ring_removal is RingRemoval.NONE:
            self._collected = 0
        self._steps = steps
        self._give_steps(again=False)

    def _give_steps(self, *, again: bool) -> None:
        for worker in self._workers:
            if worker.set_steps(self._steps) or again:
                for place, fields in self._fields.items():
                    worker.set_fields(place, fields.dark, fields.gain)

    def set_correction(self, correction: F32 | None) -> None:
        """Subtract (n_z, n_x) from later frames' line integrals; None: nothing."""
        self._correction = correction
        for worker in self._workers:
            worker.set_correction(correction)

    def mean_lines(self) -> tuple[F32, int]:
        """Give the mean line integrals (n_z, n_x) since the last call, and their count.

        Before the correction of rings.
        """
        count, self._collected = self._collected, 0
        if count == 0:
            return np.zeros(self._shape.frame_shape, np.float32), 0
        sums = np.concatenate([worker.line_sums() for worker in self._workers])
        for worker in self._workers:
            worker.clear_lines()
        return sums / np.float32(count), count

    def set_view(
        self, center: float, planes: Planes, oblique: PlaneGrid | None
    ) -> None:
        """Remake from the ring those slices that a new centre or plane changes."""
        g = self._shape
        if g.scan_range == 360 and center != self._weighted_center:
            weights = [overlap_weight(x, g.n_x, center) for x in range(g.n_x)]
            for worker in self._workers:
                worker.set_weight(np.array(weights, np.float32))
            self._weighted_center = center
        old = self._view
        view = self._view = View(center=center, planes=planes, oblique=oblique)
        if not self._slots.filled:
            return
        held = self._held()
        if view.row is not None and (old is None or view.row != old.row):
            self._take_rows(held.places, view.row)
        self._draw(held, view.moved(old) if old else Shown(), is_new=True)

    def kept(self, frames: Frames, n_kept: int) -> Frames:
        """Give copies in pinned memory, from which they are uploaded."""
        if not self._pinned or not n_kept:
            return frames
        return self._pinned.copies(frames, n_kept)

    def add(
        self,
        frames: Frames,
        angles_rad: list[float],
        *,
        slots: list[int],
        places: list[int],
        shown: Slices | None = None,
    ) -> AddReport:
        """Replace what the slots hold by new frames; write the slices."""
        intake = Intake(self._fields, self._steps)
        jobs = [
            intake.job(frame, angle, slot, place)
            for frame, angle, slot, place in zip(
                frames, angles_rad, slots, places, strict=True
            )
        ]
        wanted = [job for job in jobs if job and job.slot % self._decimation == 0]
        for batch in batches(wanted, self._workers[0].plan.batch):
            self._exchange(batch, intake)
        if shown is not None:
            self.write(z=shown.z, y=shown.y, x=shown.x)
        return intake.report()

    def _exchange(self, batch: list[Job], intake: Intake) -> None:
        with ExitStack() as uploads:
            pixels = [job.pixels for job in batch]
            raw = [uploads.enter_context(w.received(pixels)) for w in self._workers]
            kept = list(range(len(batch)))
            if pixels[0].dtype.kind == "f":
                places = [job.place for job in batch]
                bad = [
                    worker.count_bad(part, places)
                    for worker, part in zip(self._workers, raw, strict=True)
                ]
                kept = intake.judge(batch, np.sum(bad, axis=0).tolist())
            if kept:
                self._take_in([batch[i] for i in kept], kept, raw)

    def _take_in(self, jobs: list[Job], raw_numbers: list[int], raw: list[Any]) -> None:
        d, count = self._decimation, len(jobs)
        places, cosines, sines = self._slots.exchange(
            [job.slot // d for job in jobs], [job.angle_rad for job in jobs]
        )
        exchange = Exchange(
            fields=[job.place for job in jobs], scales=[1 / job.light for job in jobs],
            places=places[:count].tolist(), raw=raw_numbers,
        )  # fmt: skip
        is_collected = self._steps.ring_removal is not RingRemoval.NONE
        for worker, part in zip(self._workers, raw, strict=True):
            worker.process(part, exchange)
        self._collected += count if is_collected else 0
        if self._view is None:
            return
        if self._view.row is not None:
            self._take_rows(places[:count], self._view.row)
        signs = np.where(np.arange(len(places)) < count, 1, -1)
        both = Projections(places=places, cosines=cosines, sines=sines, signs=signs)
        self._draw(both, Shown(), is_new=False)
        self._renew(len(places) - count)

    def _renew(self, replaced: int) -> None:
        """Remake lines of the slices for projections that were replaced."""
        n_out = self._shape.n_out
        self._owed += replaced * n_out / kept_slots(self._shape, self._decimation)
        at_once = min(_RENEWED_LINES, n_out)
        while self._owed >= at_once:
            lines = min(at_once, n_out - self._renewed)
            self._draw(self._held(), Shown(), is_new=True, lines=(self._renewed, lines))
            self._renewed = (self._renewed + lines) % n_out
            self._owed -= lines

    def _take_rows(self, places: NDArray[np.int64], row: int) -> None:
        for worker in self._workers:
            worker.pictures.take_rows(places, row)

    def _draw(
        self, projections: Projections, shown: Shown,
        *, is_new: bool, lines: tuple[int, int] | None = None,
    ) -> None:  # fmt: skip
        if self._view is None:
            return
        drawn = projections.drawn(
            self._view, self._shape, shown, is_new=is_new, lines=lines
        )
        for worker in self._workers:
            worker.pictures.draw(drawn)

    def _held(self) -> Projections:
        places, cosines, sines = self._slots.all()
        return Projections(
            places=places, cosines=cosines, sines=sines, signs=np.ones_like(places)
        )

    def write(self, *, z: F32, y: F32, x: F32) -> None:
        """Write the slices."""
        n_out, view = self._shape.n_out, self._view
        for worker in self._workers:
            worker.pictures.start_writing(self._scale)
        z[:] = 0.0
        for worker in self._workers:
            slab, pictures = worker.slab, worker.pictures
            rows = slice(slab.first, slab.first + slab.rows)
            x[rows], y[rows] = pictures.written(0, (2, slab.rows, n_out))
            # A tilted plane is the sum of what the slabs saw of it.
            if view and (view.row is None or pictures.owns(view.row)):
                z += pictures.written(2 * slab.rows * n_out, (n_out, n_out))

    def write_oblique(self, out: F32) -> None:
        """Write the oblique plane (n_out, n_out), 1/pixel; zeros if none is set."""
        out[:] = 0.0
        if self._view is None or self._view.oblique is None:
            return
        for worker in self._workers:
            worker.pictures.start_writing_oblique(self._scale)
        for worker in self._workers:
            out += worker.pictures.written(0, out.shape)

    def write_rows(self, first: int, out: F32) -> None:
        """Write planes normal to y from y = first on, out of the ring.

        out: (count, n_z, n_out), 1/pixel.
        """
        out[:] = 0.0
        held = self._held()
        if self._view is None or not len(held):
            return
        for done in range(0, len(out), 2):
            part = out[done : done + 2]
            uses = held.rows(first + done, len(part), self._view, self._shape)
            for worker in self._workers:
                worker.pictures.start_writing_rows(uses, self._scale)
            for worker in self._workers:
                slab = worker.slab
                shape = (len(part), slab.rows, self._shape.n_out)
                rows = slice(slab.first, slab.first + slab.rows)
                part[:, rows] = worker.pictures.written(0, shape)

    def slots_filled(self) -> int:
        """Give the slots that hold a projection."""
        return self._slots.filled

    def memory(self) -> MemoryPlan:
        """Give the bytes held on the devices."""
        parts = [worker.memory() for worker in self._workers]
        plans = [worker.plan for worker in self._workers]
        problem = self._pinned.problem if self._pinned else ""
        raw = f"; raw frames are not pinned: {problem}" if problem else ""
        return MemoryPlan(
            ring=sum(part.ring for part in parts), raw=0,
            accumulators=sum(part.accumulators for part in parts),
            fields=sum(part.fields for part in parts),
            scratch=sum(part.scratch for part in parts),
            note=report(plans, self._shape.n_slots) + raw if plans else "",
        )  # fmt: skip

    def time_stages(self, on: bool) -> dict[str, float]:
        """Switch timing; give the ms of work per stage, of all devices together."""
        spent = [worker.watch.switch(on) for worker in self._workers]
        return {
            stage: sum(times.get(stage, 0.0) for times in spent) for stage in STAGES
        }

    @property
    def _shape(self) -> Geometry:
        if self._geometry is None:
            raise ReconstructionError("cuda backend: not allocated yet")
        return self._geometry

    @property
    def _decimation(self) -> int:
        return self._workers[0].plan.decimation

    @property
    def _scale(self) -> float:
        arc = math.radians(self._shape.scan_range)
        return arc / RING_GAIN / max(self._slots.filled, 1)
