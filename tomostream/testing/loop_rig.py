"""A loop on a test bench: everything around it is held still and looked at."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from tomostream.core.arrivals import Arrival, ImageArrival
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
class LoopRig:
    """A `StreamLoop` between fakes, with words for what happens to it."""

    settings: ServiceSettings = field(default_factory=ServiceSettings)
    capacity: int = 10_000
    cost_s: float = 0.0

    def __post_init__(self) -> None:
        self.clock = FakeClock()
        self.engine = FakeEngine(self.clock, cost_s=self.cost_s)
        self.publisher = RecordingPublisher()
        self.controls = FakeControls()
        self.queue = ArrivalQueue(capacity_frames=self.capacity, capacity_bytes=1 << 30)
        self.loop = StreamLoop(
            self.queue, self.engine, publisher=self.publisher,
            controls=self.controls, clock=self.clock, settings=self.settings,
        )  # fmt: skip

    def step(self, count: int = 1, *, every_s: float = 0.0) -> None:
        """Step, and let time go on after each step."""
        for _ in range(count):
            self.loop.step()
            self.clock.advance(every_s)

    def settle(self) -> None:
        """Step until nothing is left to take."""
        while self.queue.depth or self.loop.step().taken:
            self.loop.step()
        self.clock.advance(0.1)
        self.step()

    def start(self) -> None:
        """Press Start."""
        self.controls.press(Command.START)
        self.step()

    def image(
        self, camera_id: int, pixels: NDArray[Any] | None = None, **others: Any
    ) -> ImageArrival:
        """Make an image that comes now."""
        return image_arrival(camera_id, pixels, now_s=self.clock.now_s(), **others)

    def send(self, *arrivals: Arrival | int) -> None:
        """Put arrivals, or images by their ids, and let the loop take them."""
        for arrival in arrivals:
            self.queue.put(self.image(arrival) if isinstance(arrival, int) else arrival)
        self.settle()

    def send_frames(self, ids: Iterable[int], **others: Any) -> None:
        """Put images with these ids and let the loop take them."""
        self.send(*(self.image(number, **others) for number in ids))

    def scan(self, first_id: int = 1, **rule: Any) -> None:
        """Announce a scan as tomoScan does; frame ids begin at first_id."""
        self.send(first_id_arrival(first_id), table_arrival(**rule))

    def health(self) -> Health:
        """Give the numbers, a second later."""
        self.clock.advance(1.0)
        self.step()
        return self.loop.health.get()

    def rejected(self, reason: RejectReason) -> int:
        """Give a counter, a second later."""
        return self.health().rejected.get(reason, 0)

    @property
    def status(self) -> str:
        """The status line, a second later."""
        self.clock.advance(1.0)
        self.step()
        return str(self.controls.readings["ReconStatus"])

    @property
    def last(self) -> Publication:
        """The newest publication."""
        return self.publisher.publications[-1]

    def is_conserved(self) -> bool:
        """Tell whether every frame is accounted for."""
        health = self.health()
        return health.frames_received == (
            self.loop.frames_entered
            + sum(health.rejected.values())
            + health.frames_dropped
            + self.loop.frames_held
        )
