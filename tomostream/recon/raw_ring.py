"""The frames behind the filtered ring, for a change of filter or fields."""

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tomostream.core.memory import free_bytes

logger = logging.getLogger(__name__)

_LEFT = 128 << 20
"""Bytes that are left to others: the system ends a process that takes the last ones."""
_LOOK_EVERY = 16 << 20
"""Bytes of new frames after which it is looked how much is left."""


@dataclass(slots=True)
class RawFrame:
    """A frame as it came, and what is needed to process it again."""

    pixels: NDArray[Any]
    """(n_z, n_x), detector counts."""
    angle_deg: float
    generation: int
    """Of the fields it was corrected by."""
    is_own: bool
    """The array is a copy of ours and may be written to."""


class RawRing:
    """The newest frames, by slot, and which of them wait to be processed again.

    Read-only arrays are kept by reference, writable ones are copied. When memory runs
    short it grows no further, and says so. Owned by the recon thread.

    Parameters
    ----------
    capacity
        Frames that it can hold.
    free
        Gives the bytes of memory that are free; None: unknown.
    """

    def __init__(
        self, capacity: int, free: Callable[[], int | None] = free_bytes
    ) -> None:
        self._wanted, self._free = capacity, free
        self._unlooked = _LOOK_EVERY
        self.capacity = capacity
        """Frames that it can hold at present."""
        self.problem = ""
        """Why it holds fewer than it should; empty: it does not."""
        self._frames: OrderedDict[int, RawFrame] = OrderedDict()
        self._waiting: dict[int, None] = {}
        self._filled: set[int] = set()
        self._outdated: set[int] = set()
        self.nbytes = 0
        """Bytes of the frames held."""

    def __len__(self) -> int:
        """Give the frames held."""
        return len(self._frames)

    @property
    def waiting(self) -> int:
        """Frames that wait to be processed again."""
        return len(self._waiting)

    @property
    def outdated(self) -> int:
        """Slots that were to be processed again, but whose frames are not kept."""
        return len(self._outdated)

    def clear(self) -> None:
        """Forget all frames."""
        self._frames.clear()
        self._waiting.clear()
        self._filled.clear()
        self._outdated.clear()
        self.nbytes = 0
        self._try_again()

    def store(
        self, slot: int, pixels: NDArray[Any], *, angle_deg: float, generation: int
    ) -> None:
        """Keep a slot's newest frame; it does not wait."""
        self._waiting.pop(slot, None)
        self._outdated.discard(slot)
        self._filled.add(slot)
        old = self._frames.pop(slot, None)
        if old is None and len(self._frames) < self.capacity:
            self._look(pixels.nbytes)
        if old is None and self._frames and len(self._frames) >= self.capacity:
            oldest, old = self._frames.popitem(last=False)
            self._waiting.pop(oldest, None)
        if old is not None:
            self.nbytes -= old.pixels.nbytes
        if self.capacity == 0:
            return
        is_own = pixels.flags.writeable
        try:
            kept = _copied(pixels, old) if is_own else pixels
        except MemoryError:
            self._stop_growing(pixels.nbytes, "the system refused")
            return
        self._frames[slot] = RawFrame(kept, angle_deg, generation, is_own)
        self.nbytes += kept.nbytes

    def mark_all(self, *, generation: int | None = None) -> None:
        """Let all frames wait; with a generation, for correction by those fields.

        Slots whose frames are not kept stay as they are until new ones come. A ring
        that stopped growing tries to grow again.
        """
        self._try_again()
        for frame in self._frames.values():
            if generation is not None:
                frame.generation = generation
        self._waiting = dict.fromkeys(self._frames)
        self._outdated = self._filled - self._frames.keys()

    def lend(self) -> list[RawFrame]:
        """Give all frames, the newest last; none of their arrays is written to again.

        Not copies, which would hold up the stream: new frames get new memory.
        """
        for frame in self._frames.values():
            frame.is_own = False
        return list(self._frames.values())

    def take(self, limit: int) -> list[tuple[int, RawFrame]]:
        """Give up to ``limit`` waiting frames with their slots; they wait no more."""
        slots = list(self._waiting)[:limit]
        for slot in slots:
            del self._waiting[slot]
        return [(slot, self._frames[slot]) for slot in slots]

    def _look(self, nbytes: int) -> None:
        """Stop growing if there is too little memory for one more frame."""
        self._unlooked += nbytes
        if self._unlooked < _LOOK_EVERY:
            return
        self._unlooked = 0
        free = self._free()
        if free is not None and free < _LEFT + max(nbytes, _LOOK_EVERY):
            self._stop_growing(nbytes, f"{free / 2**30:.3g} GiB available")

    def _stop_growing(self, nbytes: int, reason: str) -> None:
        held = len(self._frames)
        more = (self._wanted - held) * nbytes
        self.capacity = held
        self.problem = (
            f"the raw ring keeps {held} of {self._wanted} frames: not enough memory: "
            f"wanted {more / 2**30:.3g} GiB more, {reason}"
        )
        logger.warning("%s", self.problem)

    def _try_again(self) -> None:
        self.capacity, self.problem = self._wanted, ""
        self._unlooked = _LOOK_EVERY


def _copied(pixels: NDArray[Any], old: RawFrame | None) -> NDArray[Any]:
    # New memory costs page faults, several times the copy: reuse the old frame's.
    if (
        old is not None
        and old.is_own
        and old.pixels.dtype == pixels.dtype
        and old.pixels.shape == pixels.shape
    ):
        np.copyto(old.pixels, pixels)
        return old.pixels
    return pixels.copy()
