"""When the next frame is due."""

from tomostream.core.ports import Clock

_TIMER_S = 0.002


class Pacer:
    """Keep a rate over time, without losing a frame and without a burst.

    A frame that could not be sent in time is sent as soon as possible. Lost time is
    caught up at no more than twice the rate: a real camera's link would not be faster
    either. What is more than `patience_s` behind is given up: the schedule slips.
    Owned by one thread.
    """

    def __init__(
        self, rate_hz: float, clock: Clock, *, patience_s: float = 0.5
    ) -> None:
        self._clock = clock
        self._patience_s = patience_s
        self._interval_s = 1.0 / rate_hz
        self._due_s = clock.monotonic_s()
        self._earliest_s = self._due_s
        self.slipped_s = 0.0
        """Time by which the schedule has been put off."""

    @property
    def interval_s(self) -> float:
        """Time from frame to frame."""
        return self._interval_s

    def set_rate(self, rate_hz: float) -> None:
        """Go on at another rate, from the frame after the next."""
        self._interval_s = 1.0 / rate_hz

    def restart(self) -> None:
        """Let the next frame be due now; a pause is no delay."""
        self._due_s = self._earliest_s = self._clock.monotonic_s()

    def wait_s(self) -> float:
        """Give the time until the next frame may be sent; 0 if it may now."""
        now_s = self._clock.monotonic_s()
        return max(self._due_s - now_s, self._earliest_s - now_s, 0.0)

    def advance(self) -> None:
        """Note that the frame that was due is being sent."""
        now_s = self._clock.monotonic_s()
        late_s = now_s - self._due_s
        if late_s > self._patience_s:
            self.slipped_s += late_s
            self._due_s = now_s
        self._due_s += self._interval_s
        # A wait ends late by what the system's timer is worth; that is no catching up.
        self._earliest_s = max(self._earliest_s, now_s - _TIMER_S)
        self._earliest_s += 0.5 * self._interval_s
