"""A camera and its tomoScan: frames in time, with ids, fields and angle tables."""

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tomostream.core.frame import FrameKind, IdWrap
from tomostream.core.ports import Clock
from tomostream.sim.config import FieldMoment, StreamConfig
from tomostream.sim.pacing import Pacer
from tomostream.sim.ports import Operator, Scene, Stop, Wire

logger = logging.getLogger(__name__)

_TABLE_LEAD_S = 5.0
_REPORT_S = 0.5
_COMPLAINT_S = 5.0
_REST_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSummary:
    """What was sent."""

    frames_sent: int
    frames_lost: int
    """Ids left out on purpose."""
    slipped_s: float
    """Time by which the rate was missed."""
    elapsed_s: float
    """From the first frame on."""


class Camera:
    """Take frames at a rate. Owned by one thread."""

    def __init__(
        self,
        config: StreamConfig,
        scene: Scene,
        *,
        wire: Wire,
        operator: Operator,
        clock: Clock,
    ) -> None:
        self._config = config
        self._scene = scene
        self._wire = wire
        self._operator = operator
        self._clock = clock
        self._pacer = Pacer(config.rate_hz, clock)
        self._count = 0
        self._sent = 0
        self._table_start = 0
        self._table_length = 0
        self._is_announced = False
        self._phases: deque[tuple[FrameKind, int]] = deque()
        self._later: deque[tuple[float, Callable[[], None]]] = deque()
        self._binning = 1
        self._is_away = False
        self._started_s = clock.monotonic_s()
        self._reports = _Reports(self._started_s)
        self._fields_at: int | None = None
        self._work_again_s = 0.0
        self._slipped_s = 0.0

    @property
    def summary(self) -> StreamSummary:
        """What was sent so far."""
        return StreamSummary(
            frames_sent=self._sent, frames_lost=self._count - self._sent,
            slipped_s=self._pacer.slipped_s,
            elapsed_s=self._clock.monotonic_s() - self._started_s,
        )  # fmt: skip

    @property
    def is_done(self) -> bool:
        """Whether the frames or the time asked for are over."""
        config = self._config
        if config.frame_count is not None and self._count >= config.frame_count:
            return True
        elapsed_s = self._clock.monotonic_s() - self._started_s
        return config.duration_s is not None and elapsed_s >= config.duration_s

    def start(self) -> None:
        """Say what there is to know before the first frame: fields, first id, table."""
        self._operator.set_frame_type(FrameKind.PROJECTION)
        if self._config.fields is FieldMoment.BEFORE:
            self._send_fields()
        elif self._config.fields is FieldMoment.AFTER:
            self._fields_at = round(self._config.fields_delay_s * self._config.rate_hz)
        self._announce(0)
        self._operator.say("Taking projections")
        self._pacer.restart()
        self._started_s = self._clock.monotonic_s()
        self._reports = _Reports(self._started_s)

    def run(self, stop: Stop) -> StreamSummary:
        """Take frames until the end was asked for or has come."""
        while not self.is_done:
            wait_s = self.step()
            if wait_s > 0.25 * self._pacer.interval_s and self._work_ahead():
                wait_s = 0.0
            if stop.wait(wait_s):
                break
        self._report(self._clock.monotonic_s())
        return self.summary

    def step(self) -> float:
        """Take a frame if one is due; give the time until the next one."""
        now_s = self._clock.monotonic_s()
        self._follow_operator()
        self._follow_network(now_s)
        while self._later and self._later[0][0] <= now_s:
            self._later.popleft()[1]()
        if self._reports.are_due(now_s):
            self._report(now_s)
        if not self._operator.is_running:
            self._pacer.restart()
            return _REPORT_S / 10
        if self._pacer.wait_s() == 0.0:
            self._pacer.advance()
            self._take()
        return min(self._pacer.wait_s(), _REPORT_S / 10)

    def _work_ahead(self) -> bool:
        """Use a wait, but a quarter of the time at most; tell whether it was used.

        A frame that becomes a little late by it is caught up. Where frames are late
        anyway, the processor has no time to give away.
        """
        start_s = self._clock.monotonic_s()
        if start_s < self._work_again_s:
            return False
        if self._pacer.slipped_s > self._slipped_s:
            self._slipped_s = self._pacer.slipped_s
            self._work_again_s = start_s + _REST_S
            return False
        if not self._scene.prepare():
            return False
        end_s = self._clock.monotonic_s()
        self._work_again_s = end_s + 3.0 * (end_s - start_s)
        return True

    def _follow_operator(self) -> None:
        self._pacer.set_rate(min(max(self._operator.rate_hz, 0.01), 1e5))
        is_time = self._fields_at is not None and self._count >= self._fields_at
        if (self._operator.wants_retake or is_time) and not self._phases:
            self._fields_at = None
            self._begin_retake()
        if self._operator.wants_sync:
            self._scene.set_angles(max(self._operator.n_angles, 2))
            self._table_start = self._count
            self._announce(self._count)
            self._operator.end_sync()
        if self._operator.binning != self._binning:
            # Frames are smaller at once, dark and flat follow.
            self._binning = self._operator.binning
            self._scene.set_binning(self._binning)
            self._wire.set_binning(self._binning * self._config.binning)
            if self._config.fields is not FieldMoment.NEVER:
                self._after(self._config.fields_delay_s, self._send_fields)

    def _follow_network(self, now_s: float) -> None:
        every_s = self._config.disconnect_every_s
        if not every_s:
            return
        left_s = every_s - (now_s - self._started_s) % every_s
        is_away = left_s <= self._config.disconnect_s
        if is_away != self._is_away:
            self._is_away = is_away
            self._wire.set_connected(not is_away)

    def _after(self, delay_s: float, act: Callable[[], None]) -> None:
        """Do something in a while, in the order asked for."""
        due_s = self._clock.monotonic_s() + delay_s
        if delay_s == 0 and not self._later:
            act()
            return
        if self._later:
            due_s = max(due_s, self._later[-1][0])
        self._later.append((due_s, act))

    def _say_kind(self, kind: FrameKind) -> None:
        self._after(
            self._config.frame_type_delay_s,
            lambda: self._operator.set_frame_type(kind),
        )

    def _take(self) -> None:
        kind = self._next_kind()
        index = self._count - self._table_start
        if index >= self._table_length:
            self._table_start += self._table_length
            self._is_announced = False
            index -= self._table_length
        camera_id = self._config.first_id + self._count
        every = self._config.lose_every
        if not (self._is_away or (every and camera_id % every == 0)):
            self._wire.send_frame(
                self._pixels(kind, index),
                camera_id=wrapped(camera_id, self._config.id_wrap),
                taken_s=self._clock.now_s(),
            )
            self._sent += 1
        self._count += 1
        lead = _TABLE_LEAD_S / self._pacer.interval_s
        left = self._table_length - index
        if not self._is_announced and left < min(lead, self._table_length / 2):
            self._announce(self._table_start + self._table_length)

    def _pixels(self, kind: FrameKind, index: int) -> NDArray[np.generic]:
        if kind is not FrameKind.PROJECTION:
            frame = self._scene.field_frame(kind)
            if frame is not None:
                return frame
        # Time by frames, not by the clock: what is sent can be repeated.
        return self._scene.projection(index, self._count / self._config.rate_hz)

    def _announce(self, start: int) -> None:
        """Write the first id that the table holds for, then the table, as tomoScan."""
        config = self._config
        first_id = wrapped(config.first_id + start, config.id_wrap) - config.id_origin
        table_deg = self._scene.table(self._config.table_angles)
        if config.first_id_delay_s and self._sent:
            self._wire.send_table(table_deg)
            self._after(
                config.first_id_delay_s, lambda: self._operator.set_first_id(first_id)
            )
        else:
            self._operator.set_first_id(first_id)
            delay_s = config.table_delay_s if self._sent else 0.0
            self._after(delay_s, lambda: self._wire.send_table(table_deg))
        self._table_length = len(table_deg)
        self._is_announced = start > self._table_start

    def _begin_retake(self) -> None:
        self._phases.extend(
            (kind, self._config.field_frames)
            for kind in (FrameKind.DARK, FrameKind.FLAT)
            if self._scene.mean_field(kind) is not None and self._config.field_frames
        )
        if self._phases:
            self._operator.say("Taking dark and flat fields")
            self._say_kind(self._phases[0][0])
        else:
            self._end_retake()

    def _next_kind(self) -> FrameKind:
        """Give what the next frame is; the kind is said before its first frame."""
        if not self._phases:
            return FrameKind.PROJECTION
        kind, left = self._phases.popleft()
        if left:
            self._phases.appendleft((kind, left - 1))
            return kind
        if self._phases:
            self._say_kind(self._phases[0][0])
            return self._next_kind()
        self._say_kind(FrameKind.PROJECTION)
        self._end_retake()
        return FrameKind.PROJECTION

    def _end_retake(self) -> None:
        self._send_fields()
        self._operator.end_retake()
        self._operator.say("Taking projections")

    def _send_fields(self) -> None:
        for kind in (FrameKind.DARK, FrameKind.FLAT):
            field = self._scene.mean_field(kind)
            if field is not None:
                self._wire.send_field(kind, field)

    def _report(self, now_s: float) -> None:
        rate_hz = self._reports.rate_hz(now_s, self._sent)
        slipped_s = self._pacer.slipped_s
        self._operator.report(
            frames_sent=self._sent, rate_hz=rate_hz, slipped_s=slipped_s
        )
        if self._reports.must_complain(now_s, slipped_s):
            wanted_hz = 1.0 / self._pacer.interval_s
            self._operator.say(f"Cannot keep {wanted_hz:g} Hz: {rate_hz:.1f}")
            logger.warning(
                "rate cannot be kept: wanted %g Hz, sent %.1f Hz", wanted_hz, rate_hz
            )


class _Reports:
    """When to say how it goes, and the rate since the last time."""

    def __init__(self, now_s: float) -> None:
        self._last_s = now_s
        self._last_sent = 0
        self._slipped_s = 0.0
        self._complained_s = now_s - _COMPLAINT_S

    def are_due(self, now_s: float) -> bool:
        return now_s - self._last_s >= _REPORT_S

    def rate_hz(self, now_s: float, sent: int) -> float:
        elapsed_s = max(now_s - self._last_s, 1e-6)
        rate = (sent - self._last_sent) / elapsed_s
        self._last_s, self._last_sent = now_s, sent
        return rate

    def must_complain(self, now_s: float, slipped_s: float) -> bool:
        is_worse = slipped_s > self._slipped_s
        if not is_worse or now_s - self._complained_s < _COMPLAINT_S:
            return False
        self._slipped_s, self._complained_s = slipped_s, now_s
        return True


def wrapped(camera_id: int, wrap: IdWrap) -> int:
    """Give the id that goes over the wire."""
    if wrap is IdWrap.BITS16:
        return camera_id % 65536
    if wrap is IdWrap.GIGE:
        return (camera_id - 1) % 65535 + 1
    return camera_id
