"""The least time that moving the data takes, and how far above it we are."""

from dataclasses import dataclass

from tomostream.recon.backend import RingDtype

_RING_BYTES: dict[str, int] = {"half": 2, "float": 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Roofline:
    """What a projection must move between the memory and the processor."""

    bytes_per_projection: float
    """Per pixel: the count, the filtered value that it replaces, and the new one. With
    them the image of the slices, written once in a batch."""
    memory_gb_per_s: float
    """Measured in the same run on all threads, 1e9 bytes."""
    floor_ms: float
    """Least time for a projection."""
    distance: float
    """Our time for a projection / that."""


def roofline(
    size: int, *, batch: int, ring: RingDtype, ms: float, memory_gb_per_s: float
) -> Roofline:
    """Compare our time for a projection of 16-bit counts with the memory's.

    The floor is a lower bound: the running sums of the slices, which may stay in the
    cache, are not counted.
    """
    per_pixel = 2 + 2 * _RING_BYTES[ring] + 3 * 4 / batch
    moved = float(per_pixel * size * size)
    floor_ms = 1e-6 * moved / memory_gb_per_s
    return Roofline(
        bytes_per_projection=moved, memory_gb_per_s=memory_gb_per_s,
        floor_ms=floor_ms, distance=ms / floor_ms,
    )  # fmt: skip
