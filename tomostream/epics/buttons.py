"""Presses of the operator's buttons, and the one button that shows a state."""

from collections.abc import Callable, Sequence

from tomostream.core.ports import Clock, Command
from tomostream.runtime import DropOldestQueue

BUTTONS = {
    "StartRecon": Command.START,
    "AbortRecon": Command.ABORT,
    "BufferReset": Command.RESET,
    "AutoCenterAccept": Command.ACCEPT_CENTER,
}
"""What each record's going to 1 asks for."""

RESTING_STATES = frozenset({"idle", "failed"})
"""SessionState in which StartRecon is Done."""

_CAPACITY = 64
_AGAIN_S = 1.0


class Buttons:
    """Turn record values into commands, and keep StartRecon true to what goes on.

    A press counts once: going from 0 to 1, whatever comes after it. Values come in the
    library's thread; `commands` and `started` belong to the loop's.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pressed: DropOldestQueue[Command] = DropOldestQueue(_CAPACITY)
        self._values: dict[str, int] = {}
        self._is_start_queued = False
        self._is_running = False
        self._put: int | None = None
        self._put_s = 0.0

    def handler(self, name: str) -> Callable[[float, float], None]:
        """Give what takes that record's values."""
        command = BUTTONS[name]
        # A Start that stands when it is first seen counts; an Abort pressed before we
        # came does not.
        first = 0 if command is Command.START else 1

        def take(value: float, _: float) -> None:
            before = self._values.get(name, first)
            self._values[name] = int(value)
            if int(value) != 1 or before != 0:
                return
            if command is Command.START:
                if self._is_running:
                    return
                self._is_start_queued = True
            self._pressed.put(command)

        return take

    def commands(self) -> Sequence[Command]:
        """Give the presses since the last call, in order."""
        # Taken back first: a Start that comes between the lines stays queued.
        self._is_start_queued = False
        return self._pressed.drain(_CAPACITY)

    def started(self, is_running: bool) -> int | None:
        """Give what StartRecon must be set to; None: it is as it should be.

        A press that the loop has not heard yet is let stand. What was put is on its
        way for a while; it is not put again at once.
        """
        self._is_running = is_running
        shown, wanted = self._values.get("StartRecon"), int(is_running)
        if self._is_start_queued or shown is None or shown == wanted:
            self._put = None
            return None
        now_s = self._clock.monotonic_s()
        if self._put == wanted and now_s - self._put_s < _AGAIN_S:
            return None
        self._put, self._put_s = wanted, now_s
        return wanted
