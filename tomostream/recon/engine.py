"""The reconstruction of a stream: frames in, three ortho-slices out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tomostream.core.errors import (
    MalformedFieldError,
    MalformedFrameError,
    ReconstructionError,
)
from tomostream.core.geometry import Geometry
from tomostream.core.parameters import ReconParameters
from tomostream.core.slices import Slices, unpack
from tomostream.recon.backend import (
    F32,
    GENERATIONS,
    AddReport,
    BackendName,
    MemoryPlan,
    RingDtype,
    select_backend,
)
from tomostream.recon.raw_ring import RawRing

_REFILTER_BATCH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldReport:
    """What became of a dark and a flat field."""

    generation: int
    """Counts the fields of an engine; frames are corrected by the newest."""
    dead_pixels: int
    """Pixels where flat - dark <= 0; they are interpolated in every frame."""


class Engine:
    """A ring of filtered projections and three slices that follow it.

    Each new projection takes the place of an old one: its slices are kept up to date by
    adding the new and subtracting the old backprojection. A moved plane or centre is
    remade from the ring, without filtering. Owned by the recon thread.

    Parameters
    ----------
    backend
        ``auto`` takes the best there is.
    isa
        ``auto``, ``avx512``, ``avx2`` or ``baseline``.
    threads
        CPU threads; 0 takes all that the process may use.
    ring_dtype
        ``half`` takes half the memory of ``float``, is faster, and changes slices by
        about 2e-4.
    raw_slots
        Frames kept for a change of filter; None keeps one for every slot.
    """

    def __init__(
        self,
        *,
        backend: BackendName = "auto",
        isa: str = "auto",
        threads: int = 0,
        ring_dtype: RingDtype = "half",
        raw_slots: int | None = None,
    ) -> None:
        self._backend = select_backend(
            backend, isa=isa, threads=threads, ring_dtype=ring_dtype
        )
        self._raw_slots = raw_slots
        self._raw = RawRing(0)
        self._geometry: Geometry | None = None
        self._parameters: ReconParameters | None = None
        self._generation = 0

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
    def slots_without_raw(self) -> int:
        """Filled slots that keep their old filter until a new frame replaces them."""
        return self.slots_filled - len(self._raw)

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
        _check_center(parameters.center)
        old = self._geometry
        self._geometry = None
        self._raw.clear()
        self._backend.allocate(geometry)
        capacity = geometry.n_slots
        if self._raw_slots is not None:
            capacity = min(capacity, self._raw_slots)
        self._raw = RawRing(capacity)
        if old is None or old.frame_shape != geometry.frame_shape:
            shape = geometry.frame_shape
            self._generation = 0
            self._backend.set_fields(
                0, np.zeros(shape, np.float32), np.ones(shape, np.float32)
            )
        parameters = replace(parameters, planes=parameters.planes.clipped(geometry))
        self._backend.set_filter(parameters.filter_type)
        self._backend.set_view(parameters.center, parameters.planes)
        self._geometry, self._parameters = geometry, parameters

    def reset(self) -> None:
        """Empty the ring; fields and parameters stay."""
        self._configured()
        self._raw.clear()
        self._backend.clear()

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
        shape = self.geometry.frame_shape
        dark = _field("dark", dark, shape, default=0.0)
        flat = _field("flat", flat, shape, default=1.0)
        self._generation += 1
        place = self._generation % GENERATIONS
        dead = self._backend.set_fields(place, dark, flat)
        if refilter:
            self._raw.mark_all(generation=self._generation)
        return FieldReport(generation=self._generation, dead_pixels=dead)

    def set_parameters(self, parameters: ReconParameters) -> None:
        """Follow the operator: remake the slices that a new plane or centre moves.

        After a change of filter the frames of the ring wait for `refilter`.

        Raises
        ------
        ReconstructionError
            The centre is not finite.
        """
        geometry, old = self._configured()
        _check_center(parameters.center)
        parameters = replace(parameters, planes=parameters.planes.clipped(geometry))
        if parameters.filter_type != old.filter_type:
            self._backend.set_filter(parameters.filter_type)
            self._raw.mark_all()
        self._backend.set_view(parameters.center, parameters.planes)
        self._parameters = parameters

    def add(
        self,
        frames: Sequence[NDArray[Any]],
        angles_deg: NDArray[np.floating],
        slots: NDArray[np.integer],
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

        Raises
        ------
        MalformedFrameError
            A shape, type, slot or angle cannot be; nothing has been changed.
        """
        geometry = self.geometry
        pixels = [_pixels(f, i, geometry.frame_shape) for i, f in enumerate(frames)]
        # Lists: for a few numbers quicker than arrays.
        angles: list[float] = np.asarray(angles_deg, np.float64).tolist()
        numbers: list[int] = np.asarray(slots, np.int64).tolist()
        _check_batch(len(pixels), angles, numbers, geometry.n_slots)
        if not pixels:
            return AddReport(accepted=np.zeros(0, bool), pixels_repaired=0)
        newest = self._generation % GENERATIONS
        report = self._backend.add(
            pixels, _radians(angles), slots=numbers, places=[newest] * len(pixels)
        )
        for k, is_accepted in enumerate(report.accepted.tolist()):
            if is_accepted:
                self._raw.store(
                    numbers[k],
                    pixels[k],
                    angle_deg=angles[k],
                    generation=self._generation,
                )
        return report

    def refilter(self, limit: int) -> int:
        """Process up to ``limit`` waiting slots again; give how many still wait."""
        self._configured()
        oldest = max(0, self._generation - GENERATIONS + 1)
        while limit > 0 and self._raw.waiting:
            taken = self._raw.take(min(limit, _REFILTER_BATCH))
            limit -= len(taken)
            self._backend.add(
                [frame.pixels for _, frame in taken],
                _radians([frame.angle_deg for _, frame in taken]),
                slots=[slot for slot, _ in taken],
                places=[max(f.generation, oldest) % GENERATIONS for _, f in taken],
            )
        return self._raw.waiting

    def slices(self) -> Slices:
        """Give the three slices, normalised by the slots filled; zeros when empty."""
        g = self.geometry
        z = np.empty((g.n_out, g.n_out), np.float32)
        y = np.empty((g.n_z, g.n_out), np.float32)
        x = np.empty((g.n_z, g.n_out), np.float32)
        self._backend.write(z=z, y=y, x=x)
        return Slices(z=z, y=y, x=x)

    def packed(self, out: F32 | None = None) -> F32:
        """Give the slices as one image Z | Y | X, Y and X aligned to the top.

        Parameters
        ----------
        out
            (max(n_out, n_z), 3 n_out), float32, 1/pixel; a new array if None.
        """
        geometry = self.geometry
        if out is None:
            out = _aligned(geometry.packed_shape)
        elif out.shape != geometry.packed_shape or out.dtype != np.float32:
            raise ReconstructionError(
                f"packed: expected out {geometry.packed_shape} float32, "
                f"got {out.shape} {out.dtype}"
            )
        n_out, n_z = geometry.n_out, geometry.n_z
        out[n_out:, :n_out] = 0.0
        out[n_z:, n_out:] = 0.0
        places = unpack(out, geometry)
        self._backend.write(z=places.z, y=places.y, x=places.x)
        return out

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

    def _configured(self) -> tuple[Geometry, ReconParameters]:
        if self._geometry is None or self._parameters is None:
            raise ReconstructionError("engine: not configured yet")
        return self._geometry, self._parameters


def _aligned(shape: tuple[int, int]) -> F32:
    # Whole cache lines can be written past the cache, which takes half the time.
    count, line = shape[0] * shape[1], 64
    memory = np.empty(4 * count + line, np.uint8)
    first = -memory.ctypes.data % line
    return memory[first : first + 4 * count].view(np.float32).reshape(shape)


def _check_center(center: float) -> None:
    if not math.isfinite(center):
        raise ReconstructionError(f"center: expected a finite number, got {center}")


def _radians(angles_deg: list[float]) -> list[float]:
    # Reduced before the conversion: a long continuous scan counts millions of degrees.
    return [math.radians(math.fmod(angle, 360.0)) for angle in angles_deg]


def _field(
    name: str, field: F32 | None, shape: tuple[int, int], *, default: float
) -> F32:
    if field is None:
        return np.full(shape, default, np.float32)
    if field.shape != shape:
        raise MalformedFieldError(f"{name}: expected {shape}, got {field.shape}")
    return np.ascontiguousarray(field, np.float32)


def _pixels(frame: NDArray[Any], index: int, shape: tuple[int, int]) -> NDArray[Any]:
    if frame.shape != shape:
        raise MalformedFrameError(
            f"frame {index} of the batch: expected {shape}, got {frame.shape}",
            reason="shape",
        )
    if frame.dtype.kind not in "biuf":
        raise MalformedFrameError(
            f"frame {index} of the batch: expected numbers, got {frame.dtype}",
            reason="dtype",
        )
    if frame.flags.c_contiguous and frame.dtype.isnative and _is_plain(frame.dtype):
        return frame
    dtype = frame.dtype.newbyteorder("=") if _is_plain(frame.dtype) else np.float32
    converted = np.ascontiguousarray(frame, dtype)
    converted.flags.writeable = False
    return converted


def _is_plain(dtype: np.dtype[Any]) -> bool:
    return dtype.kind in "iu" or (dtype.kind == "f" and dtype.itemsize in {4, 8})


def _check_batch(
    count: int, angles_deg: list[float], slots: list[int], n_slots: int
) -> None:
    if len(angles_deg) != count or len(slots) != count:
        raise MalformedFrameError(
            f"expected {count} angles and slots, one for each frame, "
            f"got {len(angles_deg)} and {len(slots)}"
        )
    if not all(map(math.isfinite, angles_deg)):
        raise MalformedFrameError("expected finite angles", reason="angle")
    if count and not 0 <= min(slots) <= max(slots) < n_slots:
        raise MalformedFrameError(
            f"expected slots 0 to {n_slots - 1}, got {min(slots)} to {max(slots)}",
            reason="slot",
        )
