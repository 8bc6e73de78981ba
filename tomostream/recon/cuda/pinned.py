"""Host memory that devices copy from and to by themselves, in blocks used again."""

import ctypes
import weakref
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tomostream.recon.cuda.device import owner

_PAGE = 4096


class Pinned(Protocol):
    """Memory that is pinned until nobody refers to it."""

    @property
    def ptr(self) -> int:
        """Its address."""
        ...


class PinnedBlocks:
    """Blocks of pinned memory, each free for others when no array shows it any more.

    CuPy's own pool takes powers of two: a frame of 10 MB would pin 16. Here an eighth
    is lost at most. To free a block takes the system long and lets devices wait, so
    that is done for all at once, by `free_spare`.

    Parameters
    ----------
    allocate
        Pins so many bytes; raises where it cannot.
    """

    def __init__(self, allocate: Callable[[int], Pinned]) -> None:
        self._allocate = allocate
        self._spare: dict[int, list[Pinned]] = {}
        self._shown: set[int] = set()
        """Addresses of the blocks that arrays show."""

    def array(self, nbytes: int) -> NDArray[np.uint8]:
        """Give a block as an array of so many bytes."""
        size = block_bytes(nbytes)
        memory = self._taken(size)
        block = (ctypes.c_uint8 * size).from_address(memory.ptr)
        self._shown.add(memory.ptr)
        weakref.finalize(block, self._give_back, size, memory).atexit = False
        return np.frombuffer(memoryview(block), np.uint8, nbytes)

    def holds(self, array: NDArray[Any]) -> bool:
        """Tell whether an array shows a block."""
        block = owner(array)
        is_block = isinstance(block, ctypes.Array)
        return is_block and ctypes.addressof(block) in self._shown

    def free_spare(self) -> None:
        """Give the system back what no array shows."""
        self._spare = {}

    def _taken(self, size: int) -> Pinned:
        try:
            return self._spare.get(size, []).pop()
        except IndexError:
            pass
        try:
            return self._allocate(size)
        except Exception:
            if not any(self._spare.values()):
                raise
            self.free_spare()
            return self._allocate(size)

    def _give_back(self, size: int, memory: Pinned) -> None:
        # Called by whichever thread lets go of it last. In this order: once it is
        # spare, it may be shown again.
        self._shown.discard(memory.ptr)
        self._spare.setdefault(size, []).append(memory)


def block_bytes(nbytes: int) -> int:
    """Give the size of the block for so many bytes: few sizes, so that blocks fit."""
    unit = max(_PAGE, 1 << max(nbytes.bit_length() - 4, 0))
    return max(-(-nbytes // unit), 1) * unit
