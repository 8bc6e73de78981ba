"""A volume in blocks of detector rows, each small enough for the memory."""

import math
from dataclasses import dataclass

from tomostream.core.memory import free_bytes
from tomostream.core.steps import Steps

ROWS_OF_A_TILE = 32
"""Rows that the engine keeps and processes together."""
_DECAY = 12.0
"""Widths of the phase kernel after which it is down to exp(-12) = 6e-6."""
_MEMORY_SHARE = 0.5
_LEAST_MEMORY = 256 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Detector rows that are reconstructed together."""

    first: int
    last: int
    """The row after the last that is wanted."""
    top: int
    """First row that is read: the steps look at neighbours."""
    bottom: int
    """The row after the last that is read."""

    @property
    def rows(self) -> slice:
        """Rows to read."""
        return slice(self.top, self.bottom)

    @property
    def inner(self) -> slice:
        """The wanted ones among those that are read."""
        return slice(self.first - self.top, self.last - self.top)

    @property
    def n_rows(self) -> int:
        """Rows that are wanted."""
        return self.last - self.first


def blocks_of(
    first: int, last: int, *, n_z: int, margin: int, limit: int
) -> list[Block]:
    """Divide detector rows.

    Parameters
    ----------
    first, last
        The rows that are wanted, without the last.
    n_z
        Rows that there are.
    margin
        Rows that are read above and below, where there are any.
    limit
        Rows read for a block at most, as far as the margins leave a tile's rows.
    """

    def block(start: int, stop: int) -> Block:
        return Block(
            first=start, last=stop,
            top=max(start - margin, 0), bottom=min(stop + margin, n_z),
        )  # fmt: skip

    whole = block(first, last)
    if whole.bottom - whole.top <= limit:
        return [whole]
    step = max((limit - 2 * margin) // ROWS_OF_A_TILE, 1) * ROWS_OF_A_TILE
    return [block(row, min(row + step, last)) for row in range(first, last, step)]


def margin_of(steps: Steps) -> int:
    """Give how many rows above and below a row have a say in it."""
    phase = steps.phase
    spread = math.ceil(_DECAY * math.sqrt(phase.strength_px2)) if phase else 0
    return steps.zinger_radius + spread


def rows_in(memory_bytes: int, row_bytes: int) -> int:
    """Give the rows that fit into memory, in whole tiles; one tile at least."""
    return max(memory_bytes // row_bytes // ROWS_OF_A_TILE, 1) * ROWS_OF_A_TILE


def usable_memory() -> int:
    """Give half the bytes of memory that are free, within a container's limit."""
    free = free_bytes() or 0
    return max(int(_MEMORY_SHARE * free), _LEAST_MEMORY)
