"""The reconstruction of a stream: frames in, three ortho-slices out."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tomostream.core.errors import ReconstructionError
from tomostream.core.geometry import Geometry
from tomostream.core.parameters import ReconParameters
from tomostream.core.slices import Slices, unpack
from tomostream.recon.backend import (
    F32,
    AddReport,
    Backend,
    BackendName,
    Frames,
    MemoryPlan,
    RingDtype,
    select_backend,
)
from tomostream.recon.batch import add_usable, check_center, checked_batch
from tomostream.recon.fields import FieldReport, Fields
from tomostream.recon.output import (
    packed_image,
    places_in,
    write_slices,
    written_oblique,
    written_rows,
    written_slices,
)
from tomostream.recon.raw_ring import RawRing
from tomostream.recon.ring_updates import RingUpdates, ring_correction
from tomostream.recon.snapshot import RingSnapshot

__all__ = ["Engine", "FieldReport"]

_REFILTER_BATCH = 64


class Engine:
    """A ring of filtered projections and three slices that follow it.

    Each new projection takes the place of an old one: its slices are kept up to date by
    adding the new and subtracting the old backprojection. A moved plane or centre is
    remade from the ring, without filtering. Owned by the recon thread.

    Parameters
    ----------
    backend
        ``auto`` takes the best there is; one that was made elsewhere is used as it is.
    isa
        ``auto``, ``avx512``, ``avx2`` or ``baseline``.
    threads
        CPU threads; 0 takes all that the process may use.
    ring_dtype
        ``half`` (16 bits a value) takes half the memory of ``float``, is faster, and
        changes slices by less than 1e-4 of their range.
    raw_slots
        Frames kept for a change of filter; None keeps one for every slot.
    """

    def __init__(
        self,
        *,
        backend: BackendName | Backend = "auto",
        isa: str = "auto",
        threads: int = 0,
        ring_dtype: RingDtype = "half",
        raw_slots: int | None = None,
    ) -> None:
        if isinstance(backend, str):
            backend = select_backend(
                backend, isa=isa, threads=threads, ring_dtype=ring_dtype
            )
        self._backend: Backend = backend
        self._fields = Fields(self._backend)
        self._rings = RingUpdates(self._backend, ring_correction)
        self._raw_slots = raw_slots
        self._raw = RawRing(0)
        self._geometry: Geometry | None = None
        self._parameters: ReconParameters | None = None

    @property
    def backend(self) -> str:
        """``cpu`` or ``cuda``."""
        return self._backend.name

    @property
    def isa(self) -> str:
        """Instruction set in use."""
        return self._backend.isa

    @property
    def threads(self) -> int:
        """CPU threads at work."""
        return self._backend.threads

    @property
    def geometry(self) -> Geometry:
        """Sizes of the session."""
        return self._configured()[0]

    @property
    def parameters(self) -> ReconParameters:
        """Parameters in use; planes are clipped to the volume."""
        return self._configured()[1]

    @property
    def slots_filled(self) -> int:
        """Slots that hold a projection."""
        return self._backend.slots_filled() if self._geometry else 0

    @property
    def slots_total(self) -> int:
        """Slots of the ring."""
        return self._geometry.n_slots if self._geometry else 0

    @property
    def slots_waiting(self) -> int:
        """Slots marked to be processed again."""
        return self._raw.waiting

    @property
    def slots_outdated(self) -> int:
        """Slots whose frames are not kept: they keep the old filter and steps."""
        return self._raw.outdated

    @property
    def problem(self) -> str:
        """What a step cannot do at present, and goes on without; empty: nothing."""
        return self._rings.problem

    @property
    def memory(self) -> MemoryPlan:
        """Bytes held."""
        return replace(self._backend.memory(), raw=self._raw.nbytes)

    def configure(self, geometry: Geometry, parameters: ReconParameters) -> None:
        """Start a session with an empty ring.

        Fields are kept if the frames keep their shape.

        Raises
        ------
        ReconstructionError
            The ring does not fit into memory, or the centre is not finite.
        """
        check_center(parameters.center)
        old = self._geometry
        self._geometry = None
        self._raw.clear()
        self._backend.allocate(geometry)
        capacity = geometry.n_slots
        if self._raw_slots is not None:
            capacity = min(capacity, self._raw_slots)
        self._raw = RawRing(capacity)
        if old is None or old.frame_shape != geometry.frame_shape:
            self._fields.clear(geometry.frame_shape)
        self._backend.set_filter(parameters.filter_type)
        steps = parameters.steps.effective(geometry.frame_shape)
        self._backend.set_steps(steps)
        self._rings.restart(steps, geometry.n_slots)
        self._show(geometry, parameters)

    def reset(self) -> None:
        """Empty the ring; fields and parameters stay."""
        geometry, parameters = self._configured()
        self._raw.clear()
        self._backend.clear()
        self._rings.restart(parameters.steps, geometry.n_slots)

    def set_fields(
        self, dark: F32 | None, flat: F32 | None, *, refilter: bool = False
    ) -> FieldReport:
        """Correct later frames by new fields.

        Parameters
        ----------
        dark
            (n_z, n_x), detector counts without light; None is 0.
        flat
            (n_z, n_x), detector counts without a sample; None is 1.
        refilter
            Let the frames of the ring wait to be corrected by these fields too.

        Raises
        ------
        MalformedFieldError
            A field does not have the frames' shape.
        """
        geometry, parameters = self._configured()
        report = self._fields.set(dark, flat)
        if refilter:
            self._raw.mark_all(generation=report.generation)
        if self._rings.is_on:
            # They were those of the old fields as well.
            self._rings.restart(parameters.steps, geometry.n_slots)
        return report

    def set_parameters(self, parameters: ReconParameters) -> None:
        """Follow the operator: remake the slices that a new plane or centre moves.

        After a change of filter or steps the frames of the ring wait for `refilter`;
        in half-acquisition also after one of the centre, which moves the weights.

        Raises
        ------
        ReconstructionError
            The centre is not finite.
        """
        geometry, old = self._configured()
        check_center(parameters.center)
        is_stale = geometry.scan_range == 360 and parameters.center != old.center
        if parameters.filter_type != old.filter_type:
            self._backend.set_filter(parameters.filter_type)
            is_stale = True
        steps = parameters.steps.effective(geometry.frame_shape)
        if steps != old.steps.effective(geometry.frame_shape):
            self._backend.set_steps(steps)
            self._rings.restart(steps, geometry.n_slots)
            is_stale = True
        self._show(geometry, parameters)
        if is_stale:
            self._raw.mark_all()

    def add(
        self,
        frames: Sequence[NDArray[Any]],
        angles_deg: NDArray[np.floating],
        slots: NDArray[np.integer],
        *,
        packed: F32 | None = None,
    ) -> AddReport:
        """Put frames into the ring, each in the place of what its slot held.

        Parameters
        ----------
        frames
            K arrays (n_z, n_x), detector counts. Read-only ones are kept for a change
            of filter, writable ones are copied.
        angles_deg
            (K), degrees.
        slots
            (K), 0 .. n_slots - 1. Of several frames for one slot the last counts.
        packed
            Takes the slices then, as `packed` gives them, but sooner.

        Raises
        ------
        MalformedFrameError
            A shape, type, slot or angle cannot be; nothing has been changed.
        ReconstructionError
            ``packed`` has another shape or type; nothing has been changed.
        """
        batch = checked_batch(frames, angles_deg, slots, self.geometry)
        shown = places_in(packed, self.geometry)
        if not batch.pixels:
            if shown:
                write_slices(self._backend, shown)
            return AddReport(accepted=np.zeros(0, bool), pixels_repaired=0)
        generation = self._fields.generation
        pixels = self._backend.kept(batch.pixels, self._raw.capacity)
        report = self._process(
            pixels, batch.angles_deg, slots=batch.slots,
            generations=[generation] * len(pixels), shown=shown,
        )  # fmt: skip
        for k, is_accepted in enumerate(report.accepted.tolist()):
            if is_accepted:
                self._raw.store(
                    batch.slots[k],
                    pixels[k],
                    angle_deg=batch.angles_deg[k],
                    generation=generation,
                )
        if self._rings.count(int(np.count_nonzero(report.accepted))):
            self._raw.mark_all()
        return report

    def refilter(self, limit: int) -> int:
        """Process up to ``limit`` waiting slots again; give how many still wait."""
        self._configured()
        while limit > 0 and self._raw.waiting:
            taken = self._raw.take(min(limit, _REFILTER_BATCH))
            limit -= len(taken)
            report = self._process(
                [frame.pixels for _, frame in taken],
                [frame.angle_deg for _, frame in taken],
                slots=[slot for slot, _ in taken],
                generations=[frame.generation for _, frame in taken],
            )
            frames = int(np.count_nonzero(report.accepted))
            if self._rings.count(frames, is_pass_over=not self._raw.waiting):
                self._raw.mark_all()
        return self._raw.waiting

    def slices(self) -> Slices:
        """Give the three slices, normalised by the slots filled; zeros when empty."""
        return written_slices(self._backend, self.geometry)

    def packed(self, out: F32 | None = None) -> F32:
        """Give the slices as one image Z | Y | X, Y and X aligned to the top.

        Parameters
        ----------
        out
            (max(n_out, n_z), 3 n_out), float32, 1/pixel; a new array if None.

        Raises
        ------
        ReconstructionError
            `out` has another shape or type.
        """
        out = packed_image(self.geometry, out)
        write_slices(self._backend, unpack(out, self.geometry))
        return out

    def oblique(self) -> F32:
        """Give the oblique plane (n_out, n_out), 1/pixel; zeros if none is wanted."""
        return written_oblique(self._backend, self.geometry)

    def rows(self, first: int, count: int) -> F32:
        """Give planes normal to y from y = first on, out of the ring.

        Parameters
        ----------
        first, count
            Rows of the output grid; 0 and n_out give the whole volume.

        Returns
        -------
        ndarray
            (count, n_z, n_out): axes y, z, x; 1/pixel.

        Raises
        ------
        ReconstructionError
            A row lies outside the volume.
        """
        return written_rows(self._backend, self.geometry, first, count)

    def snapshot(self) -> RingSnapshot:
        """Give what the ring is made of, for work beside the stream; nothing is copied.

        Frames that are no longer kept for a change of filter are missing.
        """
        geometry, parameters = self._configured()
        frames = self._raw.lend()
        return RingSnapshot(
            geometry=geometry, parameters=parameters,
            dark=self._fields.dark, flat=self._fields.flat,
            frames=tuple(frame.pixels for frame in frames),
            angles_deg=np.array([frame.angle_deg for frame in frames], np.float64),
        )  # fmt: skip

    def stage_times(
        self,
        frames: Sequence[NDArray[Any]],
        angles_deg: NDArray[np.floating],
        slots: NDArray[np.integer],
    ) -> dict[str, float]:
        """Add frames and give the ms of work per projection and stage.

        Threads work at the same time, so the wall time is about the sum divided by
        their number.
        """
        self._backend.time_stages(True)
        try:
            self.add(frames, angles_deg, slots)
        finally:
            times = self._backend.time_stages(False)
        return {stage: ms / len(frames) for stage, ms in times.items()}

    def _process(
        self, pixels: Frames, angles_deg: list[float],
        *, slots: list[int], generations: list[int], shown: Slices | None = None,
    ) -> AddReport:  # fmt: skip
        return add_usable(
            partial(self._backend.add, shown=shown), pixels, angles_deg, slots=slots,
            places=[self._fields.place(generation) for generation in generations],
            is_transformed=self.parameters.steps.phase is not None,
        )  # fmt: skip

    def _show(self, geometry: Geometry, parameters: ReconParameters) -> None:
        planes, oblique = parameters.planes.clipped(geometry), parameters.oblique
        self._backend.set_view(
            parameters.center, planes, oblique.grid(geometry) if oblique else None
        )
        self._geometry, self._parameters = geometry, replace(parameters, planes=planes)

    def _configured(self) -> tuple[Geometry, ReconParameters]:
        if self._geometry is None or self._parameters is None:
            raise ReconstructionError("engine: not configured yet")
        return self._geometry, self._parameters
