"""What the process keeps of memory that is free.

glibc keeps what was freed in pools: each new thread takes one of its own, up to eight
per core. Every connection of EPICS has threads, so that each outage would leave free
memory behind in further pools: 42 MB after 66 of them on two cores.

Frames come and go in these pools, and what is small settles in the holes that they
leave, so that the next frame finds no room there: within two minutes holes grow to 40 %
of the raw frames (0.6 GiB of 1.4 at 1024 x 1024, 720 projections).
"""

import ctypes
import os
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # It loads numpy, whose threads are to come after `share_pools`.
    from tomostream.core.ports import Clock

_M_ARENA_MAX = -8
_POOLS = 2
"""One for the main thread and one for all others. A frame takes no longer than with a
pool for each thread (2.3 to 2.4 ms of the CPU against 2.3 to 2.6)."""
_SETTLED_S = 5.0
"""After this time a connection's threads have ended, and those of its successor are
at work."""
_AGAIN_S = 10.0
"""Holes that frames leave are given back so often: seldom, and frames would wait for it
(66 ms for 0.6 GB)."""


def share_pools() -> bool:
    """Let threads share pools of memory; tell whether they will.

    To be called before libraries start their threads. Whoever has set MALLOC_ARENA_MAX
    is left alone.
    """
    if "MALLOC_ARENA_MAX" in os.environ:
        return False
    return bool(_of_glibc("mallopt", _M_ARENA_MAX, _POOLS))


def give_back() -> bool:
    """Give free memory back to the machine; tell whether there was any.

    Takes 2 to 11 ms, and 0.1 ms more for each MB of holes that frames have left.
    """
    return bool(_of_glibc("malloc_trim", 0))


class MemoryKeeper:
    """Give memory back a while after a connection has changed, and now and then.

    Owned by one thread.

    Parameters
    ----------
    clock
        Says how long ago a connection has changed.
    give_back
        Called when it is time.
    """

    def __init__(
        self, clock: "Clock", *, give_back: Callable[[], object] = give_back
    ) -> None:
        self._clock = clock
        self._give_back = give_back
        self._connected: frozenset[str] = frozenset()
        self._due_s = clock.monotonic_s() + _AGAIN_S

    def look(self, connected: Collection[str]) -> None:
        """Take the names of what is connected now; act when it is time."""
        now_s, newly = self._clock.monotonic_s(), frozenset(connected)
        if newly != self._connected:
            self._due_s = min(self._due_s, now_s + _SETTLED_S)
        self._connected = newly
        if now_s >= self._due_s:
            self._due_s = now_s + _AGAIN_S
            self._give_back()


def _of_glibc(function: str, *arguments: int) -> int:
    """Call a function that only glibc has, and needs; 0 where there is none."""
    try:
        return int(getattr(ctypes.CDLL(None), function)(*arguments))
    except (AttributeError, OSError, TypeError):
        return 0
