"""The reconstruction of a stream: frames in, three ortho-slices out."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tomostream.core.errors import ReconstructionError
from tomostream.core.geometry import Geometry
from tomostream.core.parameters import ReconParameters
from tomostream.core.ports import Errand
from tomostream.core.slices import Slices, unpack
from tomostream.recon.backend import (
    F32,
    AddReport,
    Backend,
    BackendName,
    MemoryPlan,
    RingDtype,
    select_backend,
)
from tomostream.recon.batch import check_center, checked_batch
from tomostream.recon.demands import Demands, FilterLack
from tomostream.recon.fields import FieldReport
from tomostream.recon.output import (
    packed_image,
    places_in,
    write_slices,
    written_oblique,
    written_rows,
    written_slices,
)
from tomostream.recon.processing import Processing
from tomostream.recon.ring_updates import Found
from tomostream.recon.snapshot import RingSnapshot

__all__ = ["Engine", "FieldReport"]


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
    errand
        Where corrections of rings are made; None: while `add` waits.
    """

    def __init__(
        self,
        *,
        backend: BackendName | Backend = "auto",
        isa: str = "auto",
        threads: int = 0,
        ring_dtype: RingDtype = "half",
        raw_slots: int | None = None,
        errand: Errand[Found] | None = None,
    ) -> None:
        if isinstance(backend, str):
            backend = select_backend(
                backend, isa=isa, threads=threads, ring_dtype=ring_dtype
            )
        self._backend: Backend = backend
        self._demands = Demands(backend)
        self._processing = Processing(
            backend, self._demands, raw_slots=raw_slots, errand=errand
        )
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
        """Parameters in use: without what lacks memory, planes within the volume."""
        return self._demands.met(self._configured()[1])

    @property
    def filter_lack(self) -> FilterLack | None:
        """Why another filter than the wanted one is in use; None: it is not so."""
        return self._demands.filter_lack

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
        return self._processing.raw.waiting

    @property
    def slots_outdated(self) -> int:
        """Slots whose frames are not kept: they keep the old filter and steps."""
        return self._processing.raw.outdated

    @property
    def problem(self) -> str:
        """What a step cannot do at present, and goes on without; empty: nothing."""
        return self._processing.problem

    @property
    def memory(self) -> MemoryPlan:
        """Bytes held."""
        return replace(self._backend.memory(), raw=self._processing.raw.nbytes)

    def configure(self, geometry: Geometry, parameters: ReconParameters) -> None:
        """Start a session with an empty ring.

        Fields are kept if the frames keep their shape.

        Raises
        ------
        ReconstructionError
            The ring does not fit into memory, or the centre is not finite.
        """
        check_center(parameters.center)
        old, processing = self._geometry, self._processing
        self._geometry = None
        # Given back before more is asked for.
        processing.raw.clear()
        self._demands.free()
        self._backend.allocate(geometry)
        processing.begin(geometry)
        if old is None or old.frame_shape != geometry.frame_shape:
            processing.fields.clear(geometry.frame_shape)
        self._demands.set_filter(parameters.filter_type)
        processing.set_steps(parameters.steps.effective(geometry.frame_shape))
        self._show(geometry, parameters)

    def reset(self) -> None:
        """Empty the ring; fields and parameters stay."""
        geometry, parameters = self._configured()
        self._processing.raw.clear()
        self._backend.clear()
        self._demands.set_filter(parameters.filter_type)
        self._processing.set_steps(parameters.steps.effective(geometry.frame_shape))

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
        self._configured()
        return self._processing.set_fields(dark, flat, refilter=refilter)

    def set_parameters(self, parameters: ReconParameters) -> None:
        """Follow the operator: remake the slices that a new plane or centre moves.

        After a change of filter or steps the frames of the ring wait for `refilter`;
        in half-acquisition also after one of the centre, which moves the weights. What
        lacks memory stays off, see `problem`, until filter or steps are changed; the
        filter before such a one stays in use, see `filter_lack`.

        Raises
        ------
        ReconstructionError
            The centre is not finite.
        """
        geometry, old = self._configured()
        check_center(parameters.center)
        is_stale = geometry.scan_range == 360 and parameters.center != old.center
        is_asked_anew = is_stale
        if parameters.filter_type != old.filter_type:
            is_stale |= self._demands.set_filter(parameters.filter_type)
            is_asked_anew = True
        steps = parameters.steps.effective(geometry.frame_shape)
        if steps != old.steps.effective(geometry.frame_shape) or (
            is_asked_anew and self._demands.lacks_steps
        ):
            self._processing.set_steps(steps)
            # Other steps may leave room for it.
            self._demands.set_filter(parameters.filter_type)
            is_stale = True
        self._show(geometry, parameters)
        if is_stale:
            self._processing.raw.mark_all()

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
        return self._processing.add(batch, shown=shown)

    def adopt_correction(self) -> None:
        """Use a correction of rings that an errand has brought since."""
        self._processing.adopt_correction()

    def refilter(self, limit: int) -> int:
        """Process up to ``limit`` waiting slots again; give how many still wait."""
        self._configured()
        self._processing.refilter(limit)
        return self.slots_waiting

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
        fields, frames = self._processing.fields, self._processing.raw.lend()
        return RingSnapshot(
            geometry=geometry, parameters=self._demands.met(parameters),
            dark=fields.dark, flat=fields.flat,
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

    def _show(self, geometry: Geometry, parameters: ReconParameters) -> None:
        parameters = replace(parameters, planes=parameters.planes.clipped(geometry))
        self._demands.show(parameters, geometry)
        self._geometry, self._parameters = geometry, parameters

    def _configured(self) -> tuple[Geometry, ReconParameters]:
        if self._geometry is None or self._parameters is None:
            raise ReconstructionError("engine: not configured yet")
        return self._geometry, self._parameters
