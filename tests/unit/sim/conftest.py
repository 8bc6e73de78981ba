import numpy as np
import pytest

from tomostream.core.frame import FrameKind
from tomostream.sim.camera import Camera
from tomostream.sim.config import StreamConfig


class FakeClock:
    """Time that goes on only when told."""

    def __init__(self):
        self.time_s = 1000.0

    def now_s(self):
        return 1.7e9 + self.time_s

    def monotonic_s(self):
        return self.time_s


@pytest.fixture
def clock():
    return FakeClock()


class FakeScene:
    """Twelve angles; a frame's pixels say its index and kind."""

    def __init__(self, has_fields=True):
        self.has_fields = has_fields
        self.to_prepare = 0
        self.prepared = 0

    def projection(self, index, time_s):
        return np.full((2, 3), index, np.int32)

    def field_frame(self, kind):
        value = -1 if kind is FrameKind.DARK else -2
        return np.full((2, 3), value, np.int32) if self.has_fields else None

    def mean_field(self, kind):
        return np.zeros((2, 3), np.float32) if self.has_fields else None

    def table(self, least):
        return np.tile(np.arange(0, 180, 15, dtype=np.float32), -(-least // 12))

    def set_angles(self, n_angles):
        self.angles = n_angles

    def set_binning(self, binning):
        self.binning = binning

    def prepare(self):
        if self.prepared < self.to_prepare:
            self.prepared += 1
            return True
        return False


class FakeOperator:
    def __init__(self, log, rate_hz=100.0):
        self.log = log
        self.rate_hz = rate_hz
        self.is_running = True
        self.wants_retake = False
        self.wants_sync = False
        self.n_angles = 12
        self.binning = 1
        self.reports = []

    def end_sync(self):
        self.wants_sync = False
        self.log.append(("end_sync",))

    def end_retake(self):
        self.wants_retake = False
        self.log.append(("end_retake",))

    def set_frame_type(self, kind):
        self.log.append(("frame_type", kind))

    def set_first_id(self, first_id):
        self.log.append(("first_id", first_id))

    def say(self, message):
        self.log.append(("say", message))

    def report(self, **numbers):
        self.reports.append(numbers)


class FakeWire:
    def __init__(self, log):
        self.log = log

    def send_frame(self, pixels, *, camera_id, taken_s):
        self.log.append(("frame", camera_id, int(pixels[0, 0])))

    def send_field(self, kind, field):
        self.log.append(("field", kind))

    def set_binning(self, binning):
        self.log.append(("binning", binning))

    def send_table(self, table_deg):
        self.log.append(("table", len(table_deg)))

    def set_connected(self, is_connected):
        self.log.append(("connected", is_connected))


class FakeStop:
    """Let time pass as it is waited for; ends after a while."""

    def __init__(self, clock, after_s=float("inf")):
        self.clock = clock
        self.end_s = clock.time_s + after_s

    def wait(self, timeout_s):
        self.clock.time_s += timeout_s
        return self.clock.time_s >= self.end_s


class Stage:
    def __init__(self, clock, *, has_fields=True, rate_hz=100.0, **settings):
        self.log = []
        self.clock = clock
        self.config = StreamConfig(rate_hz=rate_hz, **settings)
        self.scene = FakeScene(has_fields)
        self.operator = FakeOperator(self.log, self.config.rate_hz)
        self.camera = Camera(
            self.config,
            self.scene,
            wire=FakeWire(self.log),
            operator=self.operator,
            clock=clock,
        )

    def run(self, after_s=float("inf")):
        self.camera.start()
        return self.camera.run(self.until(after_s))

    def until(self, after_s):
        """Give the wish to end in a while."""
        return FakeStop(self.clock, after_s)

    def frames(self):
        return [entry[1:] for entry in self.log if entry[0] == "frame"]

    def names(self):
        return [entry[0] for entry in self.log if entry[0] != "say"]


@pytest.fixture
def stage(clock):
    return lambda **settings: Stage(clock, **settings)
