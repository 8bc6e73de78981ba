"""What an engine asks of the hardware, and which hardware there is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from tomostream.core.errors import BackendUnavailableError
from tomostream.core.geometry import Geometry, PlaneGrid, Planes
from tomostream.core.health import RejectReason
from tomostream.core.parameters import FilterType
from tomostream.core.steps import Steps

F32 = NDArray[np.float32]
Frames = Sequence[NDArray[Any]]
BackendName = Literal["auto", "cpu", "cuda"]
RingDtype = Literal["half", "float"]

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

    def allocate(self, geometry: Geometry) -> None:
        """Make an empty ring; keep the fields if frames keep their shape."""
        ...

    def clear(self) -> None:
        """Empty the ring."""
        ...

    def set_filter(self, filter_type: FilterType) -> None:
        """Filter later frames like this."""
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

    def add(
        self,
        frames: Frames,
        angles_rad: list[float],
        *,
        slots: list[int],
        places: list[int],
    ) -> AddReport:
        """Replace what slots hold by new frames, corrected by the fields at places."""
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


def select_backend(
    name: BackendName = "auto",
    *,
    isa: str = "auto",
    threads: int = 0,
    ring_dtype: RingDtype = "half",
) -> Backend:
    """Give the backend of this name.

    Raises
    ------
    BackendUnavailableError
        It is not in this version, or the CPU lacks the instruction set.
    """
    if name == "cuda":
        raise BackendUnavailableError(
            "backend cuda: not in this version; use cpu, which is always there"
        )
    if name not in {"auto", "cpu"}:
        raise BackendUnavailableError(f"backend {name}: expected auto, cpu or cuda")
    # Loads the extension, which a program that only asks for names does not need.
    from tomostream.recon.cpu.backend import CpuBackend

    return CpuBackend(isa=isa, threads=threads, ring_dtype=ring_dtype)
