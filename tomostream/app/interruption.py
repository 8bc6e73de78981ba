"""The wish to end: Ctrl-C, SIGTERM, a closed terminal."""

import contextlib
import os
import select
import signal
from types import FrameType, TracebackType
from typing import Any, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruption:
    """Wait for the wish to end; within `with`, signals only leave a mark.

    A pipe, not an event with a lock: a handler runs in the main thread between any
    two instructions, also within `Event.wait`, whose lock it must not want.
    """

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._writing, False)
        self._is_set = False
        self._handlers: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in SIGNALS:
            self._handlers[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        os.close(self._reading)
        os.close(self._writing)

    def request(self) -> None:
        """Ask to end."""
        self._is_set = True
        with contextlib.suppress(BlockingIOError):  # a full pipe is readable as well
            os.write(self._writing, b"!")

    @property
    def is_set(self) -> bool:
        """Whether the end was asked for."""
        return self._is_set

    def wait(self, timeout_s: float) -> bool:
        """Wait for the request to end; tell whether it came."""
        if not self._is_set:
            select.select([self._reading], [], [], max(timeout_s, 0.0))
        return self._is_set

    def wait_forever(self) -> None:
        """Wait for the request to end, however long."""
        while not self.wait(3600.0):
            pass

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.request()
