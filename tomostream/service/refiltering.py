"""Frames of the ring that wait to be processed again: so many in each step."""

from tomostream.core.ports import Clock
from tomostream.service.reconstructor import Reconstructor

_FIRST_SLOTS = 4
"""Slots that are tried at once where their cost is not known."""


class Refiltering:
    """Process waiting slots again, a little in each step. Owned by the loop's thread.

    A slot's cost differs by a factor of ten between a change of filter and one of phase
    retrieval, so the number that fits into the time is found anew for each change.
    """

    def __init__(
        self, engine: Reconstructor, clock: Clock, *, budget_s: float, most_slots: int
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._budget_s = budget_s
        self._most = most_slots
        self._waiting = 0
        self._at_start = 0
        self._slots = _FIRST_SLOTS

    def restart(self) -> None:
        """Take what waits now for the whole of it, at a cost that is not known."""
        self._at_start = self._waiting = self._engine.slots_waiting
        self._slots = min(_FIRST_SLOTS, self._most)

    def work(self) -> bool:
        """Process slots within the time for it; tell whether any was."""
        waiting = self._engine.slots_waiting
        if waiting > self._waiting:
            # The engine itself has marked the ring: a new correction of rings.
            self.restart()
        if not waiting:
            return False
        until_s = self._clock.monotonic_s() + self._budget_s
        while waiting:
            waiting = self._some(waiting)
            if self._clock.monotonic_s() >= until_s:
                break
        self._waiting = waiting
        return True

    @property
    def note(self) -> str:
        """How far it is; empty where nothing waits."""
        waiting = self._engine.slots_waiting
        if not waiting:
            return ""
        at_start = max(self._at_start, waiting)
        return f"re-filtering {at_start - waiting} of {at_start}"

    def _some(self, waiting: int) -> int:
        started_s = self._clock.monotonic_s()
        left = self._engine.refilter(self._slots)
        took_s = self._clock.monotonic_s() - started_s
        done = min(self._slots, waiting)
        if took_s > 0:
            fitting = int(self._budget_s * done / took_s)
            # Growing slowly: the first slots may have been cheap ones.
            self._slots = min(max(fitting, 1), 2 * self._slots, self._most)
        else:
            self._slots = min(2 * self._slots, self._most)
        return left
