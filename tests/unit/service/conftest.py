from dataclasses import dataclass, field

import pytest

from tomostream.core.arrivals import ImageArrival
from tomostream.core.health import Health, RejectReason
from tomostream.core.ports import Command
from tomostream.core.publication import Publication
from tomostream.runtime.queues import ArrivalQueue
from tomostream.service import ServiceSettings, StreamLoop
from tomostream.testing.arrivals import (
    first_id_arrival,
    image_arrival,
    table_arrival,
)
from tomostream.testing.fakes import (
    FakeClock,
    FakeControls,
    FakeEngine,
    RecordingPublisher,
)


@dataclass
class Bench:
    """A loop on a test bench: everything around it is held still."""

    settings: ServiceSettings = field(default_factory=ServiceSettings)
    capacity: int = 10_000
    cost_s: float = 0.0

    def __post_init__(self):
        self.clock = FakeClock()
        self.engine = FakeEngine(self.clock, cost_s=self.cost_s)
        self.publisher = RecordingPublisher()
        self.controls = FakeControls()
        self.queue = ArrivalQueue(capacity_frames=self.capacity, capacity_bytes=1 << 30)
        self.loop = StreamLoop(
            self.queue, self.engine, publisher=self.publisher,
            controls=self.controls, clock=self.clock, settings=self.settings,
        )  # fmt: skip

    def step(self, count=1, *, every_s=0.0):
        for _ in range(count):
            self.loop.step()
            self.clock.advance(every_s)

    def settle(self):
        """Step until nothing is left to take."""
        while self.queue.depth or self.loop.step().taken:
            self.loop.step()
        self.clock.advance(0.1)
        self.step()

    def start(self):
        self.controls.press(Command.START)
        self.step()

    def image(self, camera_id, pixels=None, **others) -> ImageArrival:
        return image_arrival(camera_id, pixels, now_s=self.clock.now_s(), **others)

    def send(self, *arrivals):
        for arrival in arrivals:
            self.queue.put(self.image(arrival) if isinstance(arrival, int) else arrival)
        self.settle()

    def send_frames(self, ids, **others):
        self.send(*(self.image(number, **others) for number in ids))

    def scan(self, first_id=0, **rule):
        """Announce a scan as tomoScan does; frame ids begin at first_id + 1."""
        self.send(first_id_arrival(first_id), table_arrival(**rule))

    def health(self) -> Health:
        self.clock.advance(1.0)
        self.step()
        return self.loop.health.get()

    def rejected(self, reason: RejectReason) -> int:
        return self.health().rejected.get(reason, 0)

    @property
    def status(self) -> str:
        self.clock.advance(1.0)
        self.step()
        return str(self.controls.readings["ReconStatus"])

    @property
    def last(self) -> Publication:
        return self.publisher.publications[-1]

    def is_conserved(self) -> bool:
        health = self.health()
        return health.frames_received == (
            self.loop.frames_entered
            + sum(health.rejected.values())
            + health.frames_dropped
            + self.loop.frames_held
        )


@pytest.fixture
def make_bench():
    def make(*, capacity=10_000, cost_s=0.0, **settings) -> Bench:
        return Bench(ServiceSettings(**settings), capacity, cost_s)

    return make


@pytest.fixture
def bench(make_bench) -> Bench:
    return make_bench()


@pytest.fixture
def streaming(make_bench) -> Bench:
    """A loop in a scan of 1 degree steps, 180 slots, with ten frames in."""
    made = make_bench()
    made.start()
    made.scan()
    made.send_frames(range(1, 11))
    return made
