"""The engine, the book of its ring, and the batch that goes in next."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from tomostream.core.arrivals import FieldArrival
from tomostream.core.errors import MalformedFrameError
from tomostream.core.frame import FrameKind
from tomostream.core.geometry import Geometry, Planes
from tomostream.core.health import UNUSABLE, RejectReason
from tomostream.core.parameters import Parameters, ReconParameters
from tomostream.core.ports import Clock
from tomostream.core.ring import RingLedger
from tomostream.core.slices import F32
from tomostream.recon.demands import FilterLack
from tomostream.recon.snapshot import RingSnapshot
from tomostream.service.fields import FieldBook, FieldChange
from tomostream.service.filling import DecodedFrame, Filling, Ring
from tomostream.service.intake import PlacedImage
from tomostream.service.layout import (
    FrameLayout,
    completed,
    misplaced,
    placed,
    rescaled,
)
from tomostream.service.reconstructor import AddReport, Reconstructor
from tomostream.service.refiltering import Refiltering
from tomostream.service.settings import ServiceSettings
from tomostream.service.slots import Place, SlotCounter
from tomostream.service.tally import FrameTally, counted_as


class Reconstruction:
    """Put frames into the ring, a batch at a time. Owned by the loop's thread."""

    def __init__(
        self, engine: Reconstructor, *, settings: ServiceSettings, clock: Clock,
        fields: FieldBook, tally: FrameTally,
    ) -> None:  # fmt: skip
        self._engine = engine
        self._settings = settings
        self._clock = clock
        self._fields = fields
        self._tally = tally
        self._ring: Ring | None = None
        self._layout: FrameLayout | None = None
        self._configured: Geometry | None = None
        self._in_hand: deque[DecodedFrame] = deque()
        self._batch: list[tuple[DecodedFrame, int]] = []
        self._refiltering = Refiltering(
            engine, clock, budget_s=settings.refilter_budget_s,
            most_slots=settings.batch_frames,
        )  # fmt: skip
        self._dead_pixels = 0
        self.parameters = Parameters()
        """In force; may have been changed by `enter`."""
        self.batch_limit = settings.batch_frames
        """Frames that go in at once."""
        self.fillings = 0
        """How often the ring was emptied; the published Session."""
        self.begun_s = -1e18
        """When the ring at hand was ready, monotonic seconds."""
        self.making_s = 0.0
        """Time for the ring at hand, in which no frame could be used."""
        self.all_making_s = 0.0
        """Time for all rings until now; it is no frame's cost."""
        self.newest: DecodedFrame | None = None
        """The newest frame in the ring."""
        self.unseen: list[tuple[float, float]] = []
        """(taken, arrived) of each frame since the last publication, seconds."""
        self.last_call_s = 0.0
        """Time of the last call that put frames in."""
        self.last_call_frames = 0
        self.is_cost_known = False
        """Whether frames have gone in since the steps were last changed."""
        self.is_changed = False
        """Whether the slices differ from those last published."""

    @property
    def geometry(self) -> Geometry | None:
        """Sizes of the ring at hand; None without one."""
        return self._ring.geometry if self._ring else None

    @property
    def ledger(self) -> RingLedger | None:
        """Book of the ring at hand; None without one."""
        return self._ring.ledger if self._ring else None

    @property
    def is_full(self) -> bool:
        """Whether every angle of the scan has come by once."""
        if self._ring is None or self.newest is None:
            return False
        ledger = self._ring.ledger
        seen = ledger.newest_id - ledger.oldest_id + 1
        return ledger.filled == ledger.n_slots or (
            seen >= self._ring.counter.renewal_frames
        )

    def place(self, image: PlacedImage) -> Place | None:
        """Give an image's place in the ring at hand; None where it needs another."""
        ring = self._ring
        if ring is None or ring.filling.scan != image.filling:
            return None
        if ring.filling.scan_range != self.parameters.scan_range:
            return None
        return ring.counter.place(image.assignment)

    def enter(self, frames: Iterable[DecodedFrame]) -> None:
        """Put frames into the batch.

        Where one does not fit the ring, the ring is made anew; a first frame and one
        of another size move Center and planes in `parameters`.
        """
        self._in_hand.extend(frames)
        while self._in_hand:
            decoded = self._in_hand[0]
            ring = self._ring_for(decoded)
            place = ring.counter.place(decoded.placed.assignment)
            self._batch.append((self._in_hand.popleft(), place.slot))
            if len(self._batch) >= self.batch_limit:
                self.flush()

    def flush(self) -> None:
        """Put the batch into the ring."""
        ring, batch = self._ring, self._batch
        if ring is None or not batch:
            return
        started_s = self._clock.monotonic_s()
        self.last_call_frames = 0
        self._put(ring, batch)
        # Only now: if the engine failed, the batch is still there to be counted.
        self._batch = []
        self.last_call_s = self._clock.monotonic_s() - started_s

    def take_field(self, arrival: FieldArrival) -> None:
        """Use a field from now on; the first of its kind for the ring as well."""
        change = self._fields.take(arrival)
        if self._ring is None or change is FieldChange.NONE:
            return
        self.flush()
        is_first = change is FieldChange.FIRST
        self._set_fields(refilter=is_first or self._settings.refilter_on_new_fields)
        self._refiltering.restart()

    def use_parameters(self, parameters: Parameters) -> None:
        """Move planes and axis at once; another filter or step waits for `refilter`."""
        old, self.parameters = self.parameters, parameters
        ring = self._ring
        if ring is None:
            return
        new, before = parameters.recon(), old.recon()
        if new.center != before.center and ring.outgrown_by(parameters):
            # Slices of another width: the next frame begins the ring anew.
            self.empty()
            return
        if new != before:
            self.flush()
            self._engine.set_parameters(_clipped(parameters, ring.geometry))
            if (new.filter_type, new.steps) != (before.filter_type, before.steps):
                self._refiltering.restart()
                self.is_cost_known = False
            self.is_changed = True
        if parameters.crosshair != old.crosshair:
            self.is_changed = True

    def refilter(self) -> None:
        """Process some slots again, within the time for it."""
        if self._ring is None:
            return
        self._engine.adopt_correction()
        if self._refiltering.work():
            self.is_changed = True

    @property
    def notes(self) -> list[str]:
        """What an operator should know about work in progress."""
        if self._ring is None:
            return []
        notes = [*filter(None, [self.problem, self._refiltering.note])]
        outdated = self._engine.slots_outdated
        if outdated:
            notes.append(f"{outdated} slots stay as they were until new frames come")
        if self._dead_pixels:
            notes.append(f"{self._dead_pixels} dead pixels interpolated")
        return notes

    @property
    def misplaced(self) -> list[str]:
        """Which of the operator's places lie outside of the frames."""
        return (
            misplaced(self.parameters, self._ring.filling.layout) if self._ring else []
        )

    @property
    def in_use(self) -> Parameters:
        """What the slices are made with: a filter that lacks memory is not used."""
        lack = self._filter_lack
        return (
            replace(self.parameters, filter_type=lack.in_use)
            if lack
            else self.parameters
        )

    @property
    def refused(self) -> Mapping[str, str]:
        """Why a parameter is not used, by its record's name."""
        lack = self._filter_lack
        return {"FilterType": f"FilterType: {lack.why}"} if lack else {}

    @property
    def _filter_lack(self) -> FilterLack | None:
        return self._engine.filter_lack if self._ring is not None else None

    @property
    def problem(self) -> str:
        """What the slices are made without, against the operator's wish, and why."""
        return self._engine.problem if self._ring is not None else ""

    def packed(self) -> F32:
        """Give the slices, packed."""
        return self._engine.packed()

    def oblique(self) -> F32 | None:
        """Give the oblique plane, (n_out, n_out); None where it is not wanted."""
        is_wanted = self.parameters.recon().oblique is not None
        return self._engine.oblique() if is_wanted else None

    def snapshot(self) -> RingSnapshot | None:
        """Give what the ring is made of; None without one, or without a frame."""
        if self._ring is None or self.newest is None:
            return None
        return self._engine.snapshot()

    @property
    def memory_bytes(self) -> int:
        """What the engine holds."""
        return self._engine.memory.total

    @property
    def planes(self) -> Planes:
        """The planes that are shown: the wanted ones, inside the volume."""
        wanted = self.parameters.recon().planes
        return wanted.clipped(self._ring.geometry) if self._ring else wanted

    def empty(self) -> None:
        """Empty the ring; the next frame begins it anew."""
        self.flush()
        if self._ring is not None:
            started_s = self._clock.monotonic_s()
            self._engine.reset()
            self.all_making_s += self._clock.monotonic_s() - started_s
        self._ring = None
        self.newest = None
        self.unseen = []

    def discard(self, reason: RejectReason, message: str) -> None:
        """Forget everything after a failure: nothing is known of the engine's state."""
        lost = len(self._batch) + len(self._in_hand)
        self._tally.reject(reason, message, count=lost)
        self._batch = []
        self._in_hand.clear()
        self._ring = None
        self._configured = None
        self.newest = None
        self.unseen = []

    def _ring_for(self, decoded: DecodedFrame) -> Ring:
        filling = Filling(
            layout=decoded.layout,
            pixel_type=decoded.frame.data.dtype,
            scan=decoded.placed.filling,
            scan_range=self.parameters.scan_range,
        )
        if self._ring is not None and self._ring.filling == filling:
            return self._ring
        self.flush()
        self._ring = None
        started_s = self._clock.monotonic_s()
        self._fit_parameters(filling.layout)
        self._ring = self._begun(filling, decoded)
        self._layout = filling.layout
        self.fillings += 1
        self.newest = None
        self.unseen = []
        self._refiltering.restart()
        self.begun_s = self._clock.monotonic_s()
        self.making_s = self.begun_s - started_s
        self.all_making_s += self.making_s
        return self._ring

    def _begun(self, filling: Filling, first: DecodedFrame) -> Ring:
        assignment, scan_range = first.placed.assignment, filling.scan_range
        counter = SlotCounter(assignment, scan_range=scan_range)
        geometry = filling.layout.geometry(
            assignment.table, center=self.parameters.center, scan_range=scan_range
        )
        self._fields.fit(geometry.frame_shape)
        if geometry == self._configured:
            self._engine.reset()
            self._engine.set_parameters(_clipped(self.parameters, geometry))
        else:
            self._configured = None
            self._engine.configure(geometry, _clipped(self.parameters, geometry))
            self._set_fields(refilter=False)
            self._configured = geometry
        ledger = RingLedger(
            counter.n_slots, scan_range=scan_range, renewal=counter.renewal_frames
        )
        return Ring(filling, geometry, ledger, counter)

    def _fit_parameters(self, layout: FrameLayout) -> None:
        if self._layout is None:
            self.parameters = completed(
                self.parameters, layout,
                are_planes_centred=self._settings.center_planes_on_first_frame,
            )  # fmt: skip
        else:
            moved = rescaled(self.parameters, self._layout, layout)
            self.parameters = placed(moved, layout, are_planes_centred=False)

    def _set_fields(self, *, refilter: bool) -> None:
        dark = self._fields.in_use(FrameKind.DARK)
        flat = self._fields.in_use(FrameKind.FLAT)
        report = self._engine.set_fields(dark, flat, refilter=refilter)
        self._dead_pixels = report.dead_pixels

    def _put(self, ring: Ring, batch: list[tuple[DecodedFrame, int]]) -> None:
        slots = np.array([slot for _, slot in batch], np.intp)
        try:
            report = self._engine.add(
                [decoded.frame.data for decoded, _ in batch],
                np.array([d.placed.assignment.angle_deg for d, _ in batch], np.float64),
                slots,
            )
        except MalformedFrameError as exc:
            # Raised before anything was changed: the batch is lost, the ring is not.
            self._tally.reject(counted_as(exc), str(exc), count=len(batch))
            return
        accepted = np.asarray(report.accepted, bool)
        ids = np.array([decoded.frame.id for decoded, _ in batch], np.int64)
        ring.ledger.enter(slots[accepted], ids[accepted])
        taken = [d for (d, _), is_in in zip(batch, accepted, strict=True) if is_in]
        self._note(taken, report)

    def _note(self, taken: list[DecodedFrame], report: AddReport) -> None:
        self._tally.entered += len(taken)
        self._tally.pixels_repaired += report.pixels_repaired
        for reason in filter(None, report.reasons):
            self._tally.reject(reason, UNUSABLE.get(reason, str(reason)))
        self.last_call_frames += len(taken)
        self.is_cost_known = True
        if taken:
            self.newest = taken[-1]
            self.is_changed = True
            self.unseen += [
                (d.placed.tracked.taken_s, d.frame.arrived_s) for d in taken
            ]


def _clipped(parameters: Parameters, geometry: Geometry) -> ReconParameters:
    wanted = parameters.recon()
    return replace(wanted, planes=wanted.planes.clipped(geometry))
