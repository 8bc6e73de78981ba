"""Work that the loop wants done beside the stream."""

from collections.abc import Callable
from typing import Generic, TypeVar

from tomostream.runtime.queues import DropOldestQueue
from tomostream.service.beside import Task

T = TypeVar("T")

_SOON_S = 0.1
"""The loop waits for it: it goes before the views."""


class Errands(Generic[T]):
    """Have a piece of work done by the thread beside the stream.

    One piece at a time is under way, one waits at most: a newer one takes its place.
    Started and asked for by the loop's thread.
    """

    def __init__(self) -> None:
        self._waiting: DropOldestQueue[Callable[[], T]] = DropOldestQueue(1)
        self._found: DropOldestQueue[T] = DropOldestQueue(1)

    def start(self, work: Callable[[], T]) -> None:
        """Have this done; it takes the place of a piece that was not begun."""
        self._waiting.put(work)

    def result(self) -> T | None:
        """Give what the newest piece that is done has found, once; never waits."""
        found = self._found.drain(1)
        return found[0] if found else None

    def task(self, name: str) -> Task:
        """Give what there is to do for the thread beside the stream."""
        return Task(
            name=name, period_s=lambda _: _SOON_S,
            is_wanted=lambda: self._waiting.depth > 0, work=lambda _: self._do(),
        )  # fmt: skip

    def _do(self) -> None:
        for work in self._waiting.drain(1):
            self._found.put(work())
