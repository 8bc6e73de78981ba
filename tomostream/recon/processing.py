"""Frames on their way into a backend's ring: new ones, and those that are kept."""

from functools import partial

import numpy as np

from tomostream.core.errors import NotEnoughMemoryError
from tomostream.core.geometry import Geometry
from tomostream.core.ports import Errand
from tomostream.core.slices import Slices
from tomostream.core.steps import Steps
from tomostream.recon.backend import F32, AddReport, Backend
from tomostream.recon.batch import Batch, add_usable
from tomostream.recon.demands import Demands
from tomostream.recon.fields import FieldReport, Fields
from tomostream.recon.raw_ring import RawRing
from tomostream.recon.ring_updates import Found, RingUpdates, ring_correction

_REFILTER_BATCH = 64


class Processing:
    """Let a backend process frames by the fields and steps in use, and keep them.

    Owned by the recon thread.

    Parameters
    ----------
    raw_slots
        Frames that are kept to be processed again; None: one for every slot.
    errand
        Where corrections of rings are made; None: while `add` waits.
    """

    def __init__(
        self, backend: Backend, demands: Demands, *,
        raw_slots: int | None, errand: Errand[Found] | None,
    ) -> None:  # fmt: skip
        self._backend, self._demands = backend, demands
        self._raw_slots = raw_slots
        self._n_slots = 0
        self._rings = RingUpdates(backend, ring_correction, errand)
        self.fields = Fields(backend)
        """In use."""
        self.raw = RawRing(0)
        """The frames that are kept."""

    @property
    def problem(self) -> str:
        """What cannot be done at present, and is gone on without; empty: nothing."""
        problems = (self._demands.problem, self._rings.problem, self.raw.problem)
        return "; ".join(filter(None, problems))

    def begin(self, geometry: Geometry) -> None:
        """Keep the frames of a new ring, which is empty."""
        self._n_slots = capacity = geometry.n_slots
        if self._raw_slots is not None:
            capacity = min(capacity, self._raw_slots)
        self.raw = RawRing(capacity)

    def set_steps(self, steps: Steps) -> None:
        """Process later frames like this, as far as there is memory for it."""
        self._demands.set_steps(steps)
        self._restart_rings()

    def set_fields(
        self, dark: F32 | None, flat: F32 | None, *, refilter: bool
    ) -> FieldReport:
        """Correct later frames by these fields, and if wanted those that are kept."""
        report = self.fields.set(dark, flat)
        if refilter:
            self.raw.mark_all(generation=report.generation)
        if self._rings.is_on:
            # They were those of the old fields as well.
            self._restart_rings()
        return report

    def _restart_rings(self) -> None:
        self._rings.restart(self._demands.steps, self._n_slots)

    def add(self, batch: Batch, *, shown: Slices | None) -> AddReport:
        """Put frames into the ring, and keep them."""
        generation = self.fields.generation
        pixels = self._backend.kept(batch.pixels, self.raw.capacity)
        kept = Batch(
            pixels=list(pixels), angles_deg=batch.angles_deg, slots=batch.slots
        )
        report = self._process(kept, [generation] * len(pixels), shown=shown)
        for k, is_accepted in enumerate(report.accepted.tolist()):
            if is_accepted:
                self.raw.store(
                    batch.slots[k],
                    pixels[k],
                    angle_deg=batch.angles_deg[k],
                    generation=generation,
                )
        if self._rings.count(int(np.count_nonzero(report.accepted))):
            self.raw.mark_all()
        return report

    def refilter(self, limit: int) -> None:
        """Process up to ``limit`` waiting frames again."""
        while limit > 0 and self.raw.waiting:
            taken = self.raw.take(min(limit, _REFILTER_BATCH))
            limit -= len(taken)
            batch = Batch(
                pixels=[frame.pixels for _, frame in taken],
                angles_deg=[frame.angle_deg for _, frame in taken],
                slots=[slot for slot, _ in taken],
            )
            report = self._process(batch, [frame.generation for _, frame in taken])
            frames = int(np.count_nonzero(report.accepted))
            if self._rings.count(frames, is_pass_over=not self.raw.waiting):
                self.raw.mark_all()

    def adopt_correction(self) -> None:
        """Use a correction of rings that an errand has brought since."""
        if self._rings.adopt():
            self.raw.mark_all()

    def _process(
        self, batch: Batch, generations: list[int], *, shown: Slices | None = None
    ) -> AddReport:
        places = [self.fields.place(generation) for generation in generations]

        def add() -> AddReport:
            return add_usable(
                partial(self._backend.add, shown=shown), batch, places=places,
                is_transformed=self._demands.steps.phase is not None,
            )  # fmt: skip

        try:
            return add()
        except NotEnoughMemoryError as exc:
            if not self._demands.give_up_images(exc):
                raise
            self.raw.mark_all()
            return add()
