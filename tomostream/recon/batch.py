"""Frames as an engine takes them: checked, of a type that every backend knows."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tomostream.core.errors import MalformedFrameError, ReconstructionError
from tomostream.core.geometry import Geometry
from tomostream.core.health import RejectReason
from tomostream.recon.backend import AddReport

_LARGEST_COUNT = 1e20
"""Above every integer. Times the largest gain, 1e6, and summed over a frame it stays a
float32."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Frames with their angles and slots."""

    pixels: list[NDArray[Any]]
    """Each (n_z, n_x), detector counts, contiguous, in the machine's byte order."""
    # Lists: for a few numbers quicker than arrays.
    angles_deg: list[float]
    slots: list[int]


def checked_batch(
    frames: Sequence[NDArray[Any]],
    angles_deg: NDArray[np.floating],
    slots: NDArray[np.integer],
    geometry: Geometry,
) -> Batch:
    """Give a batch that a backend can take.

    Raises
    ------
    MalformedFrameError
        A shape, type, slot or angle cannot be.
    """
    shape = geometry.frame_shape
    pixels = [_pixels(f, i, shape) for i, f in enumerate(frames)]
    angles: list[float] = np.asarray(angles_deg, np.float64).tolist()
    numbers: list[int] = np.asarray(slots, np.int64).tolist()
    _check(len(pixels), angles, numbers, geometry.n_slots)
    return Batch(pixels=pixels, angles_deg=angles, slots=numbers)


def radians(angles_deg: Iterable[float]) -> list[float]:
    """Give the angles in radians.

    Reduced before the conversion: a long continuous scan counts millions of degrees.
    """
    return [math.radians(math.fmod(angle, 360.0)) for angle in angles_deg]


def is_transformable(pixels: NDArray[Any]) -> bool:
    """Tell whether a Fourier transform of the frame stays finite.

    Pixels that are no float32 do not count, they are repaired before.
    """
    if pixels.dtype.kind != "f":
        return True
    # False where a pixel is no number.
    if pixels.min() > -_LARGEST_COUNT and pixels.max() < _LARGEST_COUNT:
        return True
    sizes = np.abs(pixels)
    most = np.finfo(np.float32).max
    return not bool(((sizes >= _LARGEST_COUNT) & (sizes <= most)).any())


def check_center(center: float) -> None:
    """Raise `ReconstructionError` if that cannot be a column."""
    if not math.isfinite(center):
        raise ReconstructionError(f"center: expected a finite number, got {center}")


def add_usable(
    add: Callable[..., AddReport], batch: Batch,
    *, places: list[int], is_transformed: bool,
) -> AddReport:  # fmt: skip
    """Let a backend's ``add`` take the frames that every step can be done for."""
    is_in = [not is_transformed or is_transformable(frame) for frame in batch.pixels]
    report = add(
        list(compress(batch.pixels, is_in)),
        radians(compress(batch.angles_deg, is_in)),
        slots=list(compress(batch.slots, is_in)),
        places=list(compress(places, is_in)),
    )
    return report if all(is_in) else _with_left_out(report, is_in)


def _with_left_out(report: AddReport, is_in: list[bool]) -> AddReport:
    """Give the report on a batch of which only those frames were added."""
    of_added = iter(report.reasons or [None] * sum(is_in))
    reasons = tuple([next(of_added) if k else RejectReason.STEP for k in is_in])
    return AddReport(
        accepted=np.array([reason is None for reason in reasons], bool),
        pixels_repaired=report.pixels_repaired, reasons=reasons,
    )  # fmt: skip


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


def _check(count: int, angles_deg: list[float], slots: list[int], n_slots: int) -> None:
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
