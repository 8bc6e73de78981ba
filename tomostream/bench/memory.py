"""How much memory a session needs: the ring, the raw frames, the queue.

Computed from the sizes and the configuration's defaults; `tomostream bench` also
measures what the engine holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

GIB = 1 << 30

USUAL_SIZES = ((256, 180), (512, 360), (1024, 720), (2048, 1500))
"""Width of square frames and projections of the table in the documentation."""

QUEUE_FRAMES = 400
QUEUE_BYTES = 1024 * 1_000_000
"""The queue's limits, whichever is reached first: defaults of the configuration."""

_ROWS_PER_TILE = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryNeed:
    """GiB for square frames of 16-bit counts."""

    size: int
    angles: int
    ring: float
    """Filtered projections of 16 bits; rows rounded up to whole tiles."""
    raw: float
    """Frames as they came, for a change of filter."""
    queue: float
    """Frames that wait, at most."""

    @property
    def total(self) -> float:
        """All of them together."""
        return self.ring + self.raw + self.queue


def memory_need(size: int, angles: int) -> MemoryNeed:
    """Compute the memory of one session."""
    rows = -(-size // _ROWS_PER_TILE) * _ROWS_PER_TILE
    frame = 2 * size * size
    return MemoryNeed(
        size=size,
        angles=angles,
        ring=2 * rows * size * angles / GIB,
        raw=frame * angles / GIB,
        queue=min(QUEUE_FRAMES * frame, QUEUE_BYTES) / GIB,
    )


def memory_table(
    sizes: Sequence[tuple[int, int]] = USUAL_SIZES,
) -> list[MemoryNeed]:
    """Compute the table of the documentation."""
    return [memory_need(size, angles) for size, angles in sizes]
