"""What to give up when frames come faster than they can be used."""

import math
from dataclasses import dataclass

from tomostream.service.meters import RateMeter


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressure:
    """How the queue stands."""

    lag_s: float
    """How long the oldest waiting frame has waited."""
    depth: int
    """Frames that wait."""
    fullness: float
    """Share of the queue's room that is in use, 0 to 1."""
    rate_hz: float
    """Frames that come per second."""
    is_settling: bool = False
    """The ring has just been made: allocation and page faults hold frames up once."""


class WorkMeter:
    """Measure what the loop's time goes into. Owned by the loop's thread."""

    def __init__(self, window_s: float = 1.0) -> None:
        self._frames = RateMeter(window_s)
        self._frame_work = RateMeter(window_s)
        self._other_work = RateMeter(window_s)
        self._cost_s = 0.0
        self.newest_cost_s = 0.0
        """Time for one frame, in the newest step that had any."""

    def add(
        self, now_s: float, *, frames: int, frame_work_s: float, other_work_s: float
    ) -> None:
        """Note a step: frames used, time for them, time for slices and the rest."""
        self._frames.add(frames, now_s)
        self._frame_work.add(frame_work_s, now_s)
        self._other_work.add(other_work_s, now_s)
        if frames:
            self.newest_cost_s = frame_work_s / frames
        used = self._frames.total(now_s)
        if used:
            self._cost_s = self._frame_work.total(now_s) / used

    @property
    def cost_s(self) -> float:
        """Time for one frame, mean over the recent past."""
        return self._cost_s

    def other_share(self, now_s: float) -> float:
        """Share of the time that goes into slices and the rest, 0 to 1."""
        return min(self._other_work.per_second(now_s), 1.0)

    def room(self, now_s: float) -> float:
        """Share of the time that is left to frames, above 0."""
        return max(1.0 - self.other_share(now_s), 0.05)

    def share(self, now_s: float) -> float:
        """Share of the time in which the loop works, 0 to 1."""
        return min(self._frame_work.per_second(now_s) + self.other_share(now_s), 1.0)


class Overload:
    """Choose the decimation: every how many frames one is used.

    It goes up when frames have waited longer than `max_lag_s` and the measured cost
    says that they will go on doing so (a hiccup is caught up with, not answered), or
    when they go on waiting twice as long, or when the queue is nearly full. It goes up
    by as much as cost, rate and backlog ask for. It comes down when nothing has
    waited for a while and the work would fit, or, to find out, after a longer while;
    each time that turns out wrong the next try comes later.

    Until that has its effect, frames that have waited longer than `longest_wait_s` are
    not used: else those that came while the ring was made would be late, and all that
    come after them. Where the machine can follow, they are caught up with instead.
    Owned by the loop's thread.
    """

    _GREATEST = 256
    _DRAIN_S = 0.5
    """Time in which a backlog should be gone."""
    _ACT_S = 0.1
    """Time that a change needs to show."""
    _SETTLING = 2
    """How much more lag is allowed while a new ring settles."""
    _HICCUP_S = 0.2
    """How long frames may wait twice as long with no reason in sight."""
    _LATE = 2.0
    """Times the lag allowed: half of the second that a slice may be late."""
    _CALM_S = 1.0
    _PROBE_S = 4.0
    _PROBE_GREATEST_S = 60.0
    _PROVEN_S = 20.0
    """A try that has lasted so long was right."""
    _FITS = 0.8

    def __init__(self, *, max_lag_s: float) -> None:
        self._max_lag_s = max_lag_s
        self._changed_s = -1e18
        self._pressed_s = -1e18
        self._late_since_s = math.inf
        self._probe_after_s = self._PROBE_S
        self._probed_s = -1e18
        self._lag_s = 0.0
        self.decimation = 1
        self.longest_wait_s = math.inf
        """Frames that have waited longer are left out where others wait behind."""

    def observe(self, now_s: float, pressure: Pressure, work: WorkMeter) -> None:
        """Look at the queue; once a step."""
        if self._is_too_much(now_s, pressure, work):
            self._pressed_s = now_s
            if now_s - self._changed_s >= self._ACT_S:
                self._go_up(now_s, pressure, work)
        elif pressure.lag_s > 0.5 * self._max_lag_s:
            self._pressed_s = now_s
        elif self.decimation > 1:
            self._go_down(now_s, work)
        is_bounded = self.decimation > 1 or self._is_overload(now_s, pressure, work)
        self.longest_wait_s = self._LATE * self._max_lag_s if is_bounded else math.inf

    def reset(self) -> None:
        """Use every frame again: another stream begins."""
        self.decimation = 1
        self.longest_wait_s = self._late_since_s = math.inf
        self._changed_s = self._pressed_s = self._probed_s = -1e18
        self._probe_after_s = self._PROBE_S

    def _is_too_much(self, now_s: float, pressure: Pressure, work: WorkMeter) -> bool:
        patience = self._SETTLING if pressure.is_settling else 1
        is_short = pressure.lag_s <= 2 * self._max_lag_s
        self._late_since_s = math.inf if is_short else min(self._late_since_s, now_s)
        is_late = now_s - self._late_since_s > self._HICCUP_S
        if is_late or pressure.fullness > 0.9:
            return True
        if pressure.lag_s <= patience * self._max_lag_s and pressure.fullness <= 0.5:
            return False
        return self._is_overload(now_s, pressure, work)

    def _is_overload(self, now_s: float, pressure: Pressure, work: WorkMeter) -> bool:
        wanted = pressure.rate_hz * work.cost_s / self.decimation
        return wanted > 0.9 * work.room(now_s)

    def _go_up(self, now_s: float, pressure: Pressure, work: WorkMeter) -> None:
        load_hz = pressure.rate_hz + pressure.depth / self._DRAIN_S
        needed = math.ceil(work.cost_s * load_hz / work.room(now_s))
        was_s, self._lag_s = self._lag_s, pressure.lag_s
        if needed <= self.decimation and pressure.lag_s < was_s:
            # On its way: to go on raising it would only overshoot.
            return
        # At most four times as much at once: the cost of the first frames of a
        # session says little (cold caches, page faults).
        bounded = min(needed, 4 * self.decimation)
        self.decimation = min(max(bounded, self.decimation + 1), self._GREATEST)
        if now_s - self._probed_s < self._PROVEN_S:
            self._probe_after_s = min(2 * self._probe_after_s, self._PROBE_GREATEST_S)
        else:
            self._probe_after_s = self._PROBE_S
        self._changed_s = now_s

    def _go_down(self, now_s: float, work: WorkMeter) -> None:
        calm_s = now_s - max(self._pressed_s, self._changed_s)
        if calm_s < self._CALM_S:
            return
        # Work without frames stays the same, so this asks for too much, never too
        # little.
        fitting = max(math.ceil(self.decimation * work.share(now_s) / self._FITS), 1)
        if fitting < self.decimation:
            self.decimation = fitting
        elif calm_s >= self._probe_after_s:
            # Small batches cost more per frame: the measured share overstates it.
            self.decimation -= 1
            self._probed_s = now_s
        else:
            return
        self._changed_s = now_s
