"""The Python face of the C++ kernels."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from tomostream.core.errors import (
    BackendUnavailableError,
    NotEnoughMemoryError,
    ReconstructionError,
)
from tomostream.core.geometry import (
    Geometry,
    PlaneGrid,
    Planes,
    overlap_weight,
    tilted_horizontal,
)
from tomostream.core.health import RejectReason
from tomostream.core.parameters import FilterType
from tomostream.core.slices import Slices
from tomostream.core.steps import RingRemoval, Steps
from tomostream.recon.backend import F32, AddReport, Frames, MemoryPlan, RingDtype
from tomostream.recon.cpu import _core
from tomostream.recon.filter_form import RecursiveFilter
from tomostream.recon.filters import realisation

_PIXEL_CODES = {
    np.dtype(code): number
    for number, code in enumerate(("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"))
} | {np.dtype("f4"): 8, np.dtype("f8"): 9}
"""The kernels' pixel types."""

_REASONS = (None, RejectReason.PIXELS, RejectReason.REGION)
"""The kernels' Fate -> why a frame was not accepted."""

_EMPTY = (0, 0, 0, 0)

STAGES = ("load", "filter", "backproject", "z", "check", "prepass")
"""Stages in the kernels' order: flat-field and -log; filter and store; vertical slices;
horizontal slice; search for pixels that are not finite; steps on whole
frames."""


def available_isas() -> list[str]:
    """Give the instruction sets that this CPU has, best first."""
    return list(_core.available())


class CpuBackend:
    """The kernels of one instruction set, their ring and their threads."""

    name = "cpu"

    def __init__(
        self, *, isa: str = "auto", threads: int = 0, ring_dtype: RingDtype = "half"
    ) -> None:
        known = available_isas()
        if isa not in {"auto", *known}:
            raise BackendUnavailableError(
                f"instruction set {isa}: expected auto or one of {', '.join(known)}"
            )
        self._core = _core.Reconstructor(isa, threads, ring_dtype == "half")
        self._geometry: Geometry | None = None
        self._weighted_center: float | None = None

    @property
    def isa(self) -> str:
        """Instruction set in use."""
        return self._core.isa

    @property
    def threads(self) -> int:
        """CPU threads at work."""
        return self._core.threads

    @property
    def device(self) -> str:
        """What computes, in words."""
        return f"CPU, {self.threads} thread{'s' if self.threads > 1 else ''}"

    def allocate(self, geometry: Geometry) -> None:
        """Make an empty ring; keep the fields if frames keep their shape."""
        with _memory_errors():
            self._core.allocate(
                geometry.n_z, geometry.n_x, geometry.n_slots, geometry.n_out,
                geometry.n_ring, geometry.pad_x, math.radians(geometry.scan_range),
            )  # fmt: skip
            self._core.set_weights([])
        self._geometry, self._weighted_center = geometry, None

    def clear(self) -> None:
        """Empty the ring."""
        self._core.clear()

    def set_filter(self, filter_type: FilterType) -> None:
        """Filter later frames like this."""
        with _memory_errors():
            f = realisation(filter_type, self._shape.n_ring)
            if isinstance(f, RecursiveFilter):
                self._core.set_recursive(f.poles, f.weights, f.taps, f.odd)
            else:
                self._core.set_spectral(f.response.tolist(), f.tail.tolist())

    def set_fields(self, place: int, dark: F32, flat: F32) -> int:
        """Keep fields at a place; give the dead pixels."""
        with _memory_errors():
            return self._core.set_fields(place, dark, flat)

    def set_view(
        self, center: float, planes: Planes, oblique: PlaneGrid | None
    ) -> None:
        """Remake from the ring those slices that a new centre or plane changes."""
        geometry = self._shape
        if geometry.scan_range == 360 and center != self._weighted_center:
            columns = range(geometry.n_x)
            weights = [overlap_weight(x, geometry.n_x, center) for x in columns]
            self._core.set_weights(weights)
            self._weighted_center = center
        tilted = tilted_horizontal(planes, geometry) if planes.rot_z else None
        with _memory_errors():
            self._core.set_view(
                center, planes.x, planes.y, planes.z,
                math.radians(planes.rot_x), math.radians(planes.rot_y),
                _numbers(tilted), _numbers(oblique),
            )  # fmt: skip

    def set_steps(self, steps: Steps) -> None:
        """Process later frames like this."""
        region = steps.region
        strength = steps.phase.strength_px2 if steps.phase else 0.0
        with _memory_errors():
            self._core.set_prepass(
                steps.zinger_radius, steps.zinger_threshold, strength
            )
            self._core.set_steps(
                steps.transmission_floor,
                steps.exposure_ratio,
                (region.x, region.y, region.width, region.height) if region else _EMPTY,
                steps.hardening,
                steps.ring_removal is not RingRemoval.NONE,
            )

    def set_correction(self, correction: F32 | None) -> None:
        """Subtract (n_z, n_x) from later frames' line integrals; None: nothing."""
        if correction is not None:
            correction = np.ascontiguousarray(correction, np.float32)
        with _memory_errors():
            self._core.set_correction(correction)

    def mean_lines(self) -> tuple[F32, int]:
        """Give the mean line integrals (n_z, n_x) since the last call, and their count.

        Before the correction of rings. They are collected while a method of ring
        removal is set; otherwise the count is 0.
        """
        mean = np.empty(self._shape.frame_shape, np.float32)
        return mean, self._core.mean_lines(mean)

    def kept(self, frames: Frames, n_kept: int) -> Frames:
        """Give the frames as they are: any memory will do."""
        del n_kept
        return frames

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
        types = [_PIXEL_CODES[frame.dtype] for frame in frames]
        images = (shown.z, shown.y, shown.x) if shown else None
        with _memory_errors():
            fates, repaired = self._core.add(
                list(frames), types, angles_rad, slots, places, images
            )
        reasons = tuple([_REASONS[fate] for fate in fates])
        accepted = np.array([reason is None for reason in reasons], bool)
        return AddReport(accepted=accepted, pixels_repaired=repaired, reasons=reasons)

    def write(self, *, z: F32, y: F32, x: F32) -> None:
        """Write the slices."""
        self._core.write(z, y, x)

    def write_oblique(self, out: F32) -> None:
        """Write the oblique plane (n_out, n_out), 1/pixel; zeros if none is set."""
        self._core.write_oblique(out)

    def write_rows(self, first: int, out: F32) -> None:
        """Write planes normal to y from y = first on, out of the ring.

        out: (count, n_z, n_out), 1/pixel.
        """
        self._core.write_rows(first, out)

    def slots_filled(self) -> int:
        """Give the slots that hold a projection."""
        return self._core.slots_filled

    def memory(self) -> MemoryPlan:
        """Give the bytes held."""
        ring, accumulators, fields, scratch = self._core.memory()
        return MemoryPlan(
            ring=ring, raw=0, accumulators=accumulators, fields=fields, scratch=scratch
        )

    @property
    def _shape(self) -> Geometry:
        if self._geometry is None:
            raise ReconstructionError("cpu backend: not allocated yet")
        return self._geometry

    def time_stages(self, on: bool) -> dict[str, float]:
        """Switch timing; give the ms of work per stage, of all threads together."""
        ns = self._core.time_stages(on)
        return {stage: t * 1e-6 for stage, t in zip(STAGES, ns, strict=True)}


def _numbers(grid: PlaneGrid | None) -> tuple[float, ...]:
    return (*grid.origin, *grid.column_step, *grid.row_step) if grid else ()


@contextmanager
def _memory_errors() -> Iterator[None]:
    try:
        yield
    except MemoryError as exc:
        raise NotEnoughMemoryError(f"not enough memory: {exc}") from exc
