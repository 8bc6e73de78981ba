"""A named thread that can be stopped, joined and asked why it died."""

import logging
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)


class StopSignal:
    """Tell a thread to end; set once, by anybody."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Ask to end."""
        self._event.set()

    def is_set(self) -> bool:
        """Tell whether the end was asked for."""
        return self._event.is_set()

    def wait(self, timeout_s: float) -> bool:
        """Wait for the request to end; tell whether it came."""
        return self._event.wait(timeout_s)


class Worker:
    """Run `target(stop)` in a thread of that name.

    An exception that leaves `target` is logged with its traceback and kept in
    `error`; the thread then is over. The thread is a daemon: a process whose main
    thread has ended is not kept alive by a worker that nobody stopped.
    """

    def __init__(self, name: str, target: Callable[[StopSignal], object]) -> None:
        self._target = target
        self._stop = StopSignal()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._was_started = False

    @property
    def name(self) -> str:
        """The thread's name."""
        return self._thread.name

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    @property
    def error(self) -> Exception | None:
        """What ended the thread before its time."""
        return self._error

    def start(self) -> None:
        """Start the thread.

        Raises
        ------
        RuntimeError
            It was started before.
        """
        self._thread.start()
        self._was_started = True

    def stop(self) -> None:
        """Ask the thread to end; returns at once."""
        self._stop.set()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end; tell whether it came. A thread never started has ended."""
        if self._was_started:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._target(self._stop)
        except Exception as exc:
            self._error = exc
            logger.exception("worker died: %s", self.name)
