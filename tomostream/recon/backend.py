"""What an engine asks of the hardware, and which hardware there is."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from tomostream.core.errors import BackendUnavailableError
from tomostream.core.geometry import Geometry, PlaneGrid, Planes
from tomostream.core.health import RejectReason
from tomostream.core.parameters import FilterType
from tomostream.core.slices import Slices
from tomostream.core.steps import Steps

logger = logging.getLogger(__name__)

F32 = NDArray[np.float32]
Frames = Sequence[NDArray[Any]]
BackendName = Literal["auto", "cpu", "cuda"]
RingDtype = Literal["half", "float"]
"""Numbers of 16 bits (on a CPU words that share a unit, on a GPU halves), or of 32."""

GENERATIONS = 4
"""Dark and flat fields that a backend keeps at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddReport:
    """What became of a batch of frames."""

    accepted: NDArray[np.bool_]
    """(K), False where a frame cannot be used."""
    pixels_repaired: int
    """Pixels of the accepted frames that were interpolated."""
    reasons: tuple[RejectReason | None, ...] = ()
    """(K), why a frame was not accepted, None where it was; empty: all were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPlan:
    """Bytes that an engine holds."""

    ring: int
    """Filtered projections."""
    raw: int
    """Frames kept for a change of filter or fields."""
    accumulators: int
    """Running sums of the three slices."""
    fields: int
    """Darks and flats."""
    scratch: int
    """Everything else."""
    note: str = ""
    """How it was fitted to the hardware; empty if that was no question."""

    @property
    def total(self) -> int:
        """The sum."""
        return self.ring + self.raw + self.accumulators + self.fields + self.scratch


class Backend(Protocol):
    """The arithmetic of an engine on one kind of hardware.

    Arguments have been checked by the engine. Owned by the recon thread.
    """

    name: str
    """``cpu`` or ``cuda``."""

    @property
    def isa(self) -> str:
        """Instruction set or device architecture in use."""
        ...

    @property
    def threads(self) -> int:
        """CPU threads at work."""
        ...

    @property
    def device(self) -> str:
        """What computes, in words."""
        ...

    def allocate(self, geometry: Geometry) -> None:
        """Make an empty ring; keep the fields if frames keep their shape."""
        ...

    def clear(self) -> None:
        """Empty the ring."""
        ...

    def set_filter(self, filter_type: FilterType) -> None:
        """Filter later frames like this; without memory for it as before."""
        ...

    def set_fields(self, place: int, dark: F32, flat: F32) -> int:
        """Keep fields (n_z, n_x) at a place below GENERATIONS; give the dead pixels."""
        ...

    def set_steps(self, steps: Steps) -> None:
        """Process later frames like this."""
        ...

    def set_correction(self, correction: F32 | None) -> None:
        """Subtract (n_z, n_x) from later frames' line integrals; None: nothing."""
        ...

    def mean_lines(self) -> tuple[F32, int]:
        """Give the mean line integrals (n_z, n_x) since the last call, and their count.

        Before the correction of rings. They are collected while a method of ring
        removal is set; otherwise the count is 0.
        """
        ...

    def set_view(
        self, center: float, planes: Planes, oblique: PlaneGrid | None
    ) -> None:
        """Remake from the ring those slices that a new centre or plane changes."""
        ...

    def kept(self, frames: Frames, n_kept: int) -> Frames:
        """Give the frames in the memory where they should be kept to be added again.

        To be called before they are added for the first time. n_kept: how many are kept
        at a time.
        """
        ...

    def add(
        self,
        frames: Frames,
        angles_rad: list[float],
        *,
        slots: list[int],
        places: list[int],
        shown: Slices | None = None,
    ) -> AddReport:
        """Replace what slots hold by new frames, corrected by the fields at places.

        ``shown`` is written like by `write`, of all frames, which costs less at once.
        """
        ...

    def write(self, *, z: F32, y: F32, x: F32) -> None:
        """Write the slices (n_out, n_out), (n_z, n_out), (n_z, n_out), 1/pixel."""
        ...

    def write_oblique(self, out: F32) -> None:
        """Write the oblique plane (n_out, n_out), 1/pixel; zeros if none is set."""
        ...

    def write_rows(self, first: int, out: F32) -> None:
        """Write planes normal to y from y = first on, out of the ring.

        out: (count, n_z, n_out), 1/pixel. All rows together are the volume.
        """
        ...

    def slots_filled(self) -> int:
        """Give the slots that hold a projection."""
        ...

    def memory(self) -> MemoryPlan:
        """Give the bytes held; ``raw`` is 0."""
        ...

    def time_stages(self, on: bool) -> dict[str, float]:
        """Switch timing; give the ms of work per stage since the last call."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A backend, and why it was taken."""

    backend: Backend
    reason: str
    """In a line, for an operator."""


def select_backend(
    name: BackendName = "auto",
    *,
    isa: str = "auto",
    threads: int = 0,
    ring_dtype: RingDtype = "half",
) -> Backend:
    """Give the backend of this name, and say in the log which it is and why.

    Raises
    ------
    BackendUnavailableError
        It does not work here, or the CPU lacks the instruction set.
    """
    choice = choose_backend(name, isa=isa, threads=threads, ring_dtype=ring_dtype)
    logger.info("reconstruction: %s", choice.reason)
    return choice.backend


def choose_backend(
    name: BackendName = "auto",
    *,
    isa: str = "auto",
    threads: int = 0,
    ring_dtype: RingDtype = "half",
) -> Choice:
    """Give the backend of this name; ``auto`` takes a GPU if one works, else the CPU.

    An instruction set or threads ask for the CPU.

    Raises
    ------
    BackendUnavailableError
        It does not work here, or the CPU lacks the instruction set.
    """
    if name not in {"auto", "cpu", "cuda"}:
        raise BackendUnavailableError(f"backend {name}: expected auto, cpu or cuda")
    reason = "asked for"
    if name == "auto":
        reason = "an instruction set or threads were asked for"
    if name == "cuda" or (name == "auto" and isa == "auto" and threads == 0):
        try:
            return _on_gpu(ring_dtype)
        except BackendUnavailableError as exc:
            if name == "cuda":
                raise BackendUnavailableError(
                    f"backend cuda: {exc}; or use cpu, which is always there"
                ) from exc
            reason = str(exc)
    # Loads the extension, which a program that only asks for names does not need.
    from tomostream.recon.cpu.backend import CpuBackend

    cpu = CpuBackend(isa=isa, threads=threads, ring_dtype=ring_dtype)
    return Choice(
        backend=cpu, reason=f"on the CPU, {cpu.isa}, {cpu.threads} threads: {reason}"
    )


def _on_gpu(ring_dtype: RingDtype) -> Choice:
    # Loads CuPy, which takes a second.
    from tomostream.recon.cuda.backend import CudaBackend
    from tomostream.recon.cuda.selection import find_devices

    cuda = CudaBackend(find_devices(), ring_dtype=ring_dtype)
    return Choice(backend=cuda, reason=f"on the GPU: {', '.join(cuda.chips)}")
