"""What all sources share: a worker that watches over their connection."""

import logging
from abc import ABC, abstractmethod
from typing import ClassVar

from tomostream.core.arrivals import Arrival, ConnectionArrival, SourceRole
from tomostream.core.ports import ArrivalSink, Clock
from tomostream.runtime import StopSignal, Worker

logger = logging.getLogger(__name__)

LOOK_S = 0.1
"""How often a worker looks after its connection."""


class WatchedSource(ABC):
    """Put arrivals into a sink while open; a worker of its own owns the connection.

    Parameters
    ----------
    name
        What comes and goes: a channel, or a prefix of records.
    clock
        Says when something came, and how long a connection has been away.
    """

    role: ClassVar[SourceRole] = SourceRole.OTHER
    """What is lost with it."""

    def __init__(self, name: str, clock: Clock) -> None:
        self._name = name
        self._clock = clock
        self._sink: ArrivalSink | None = None
        self._worker: Worker | None = None
        self._is_connected = False

    @property
    def name(self) -> str:
        """What it is connected to."""
        return self._name

    @property
    def is_connected(self) -> bool:
        """Whether the other side answered when last looked."""
        return self._is_connected

    @property
    def error(self) -> Exception | None:
        """What ended the worker before its time."""
        return self._worker.error if self._worker is not None else None

    def start(self, sink: ArrivalSink | None = None) -> None:
        """Begin; returns at once, also when nothing is connected yet."""
        self._sink = sink
        self._worker = Worker(f"watch {self._name}", self._watch)
        self._worker.start()

    def stop(self) -> None:
        """End; nothing is put after it has returned."""
        self._sink = None
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop()
            worker.join(timeout_s=5.0)

    @abstractmethod
    def _watch(self, stop: StopSignal) -> None:
        """Connect, and look after the connection until the end; the worker's body."""

    def _put(self, arrival: Arrival) -> None:
        sink = self._sink
        if sink is not None:
            sink.put(arrival)

    def _tell(self, is_connected: bool) -> None:
        """Say that the connection has come or gone, once."""
        if is_connected == self._is_connected:
            return
        self._is_connected = is_connected
        logger.info("source %s: connected %s", self._name, is_connected)
        self._put(
            ConnectionArrival(
                source=self._name,
                is_connected=is_connected,
                arrived_s=self._clock.now_s(),
                role=self.role,
            )
        )
