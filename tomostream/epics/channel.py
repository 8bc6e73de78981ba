"""A pvAccess channel that is monitored, watched and made anew."""

import logging
from abc import ABC, abstractmethod

import pvaccess

from tomostream.core.arrivals import Arrival, ConnectionArrival
from tomostream.core.ports import ArrivalSink, Clock
from tomostream.epics.renewal import Renewal
from tomostream.runtime import StopSignal, Worker

logger = logging.getLogger(__name__)

_LOOK_S = 0.1


class MonitoredChannel(ABC):
    """Put what comes on a channel into a sink, over all its server's comings and goings.

    The monitor's callback, in a thread of the library, decodes and puts. A worker makes
    the channel, looks whether it is connected, and makes it anew when it stays away.
    Looking is used instead of the library's connection callback: a channel destroyed
    while that callback is on its way takes the process down.

    Parameters
    ----------
    name
        The channel's name.
    clock
        Says when something came.
    queue_size
        Events that the library holds back while the interpreter is busy. Each place
        keeps the memory of its last event.
    """

    def __init__(self, name: str, clock: Clock, *, queue_size: int) -> None:
        self._name = name
        self._clock = clock
        # field() asks for the whole structure.
        self._request = f"record[queueSize={queue_size}]field()"
        self._sink: ArrivalSink | None = None
        self._worker: Worker | None = None

    @property
    def name(self) -> str:
        """The channel's name."""
        return self._name

    def start(self, sink: ArrivalSink) -> None:
        """Begin; returns at once, also when there is no server."""
        self._sink = sink
        self._worker = Worker(f"channel {self._name}", self._watch)
        self._worker.start()

    def stop(self) -> None:
        """End the monitor; nothing is put after it has returned."""
        self._sink = None
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop()
            worker.join(timeout_s=5.0)

    @abstractmethod
    def _arrival(self, pv: pvaccess.PvObject) -> Arrival | None:
        """Give what an event brought, within microseconds; None: nothing new."""

    def _watch(self, stop: StopSignal) -> None:
        renewal = Renewal(self._clock)
        was_connected = False
        channel = self._opened()
        try:
            while not stop.wait(_LOOK_S):
                is_connected = channel.isConnected()
                if is_connected != was_connected:
                    was_connected = is_connected
                    self._tell(is_connected)
                if renewal.is_due(is_connected):
                    channel.stopMonitor()
                    channel = self._opened()
        finally:
            channel.stopMonitor()

    def _opened(self) -> pvaccess.Channel:
        channel = pvaccess.Channel(self._name)
        channel.monitor(self._on_event, self._request)
        return channel

    def _tell(self, is_connected: bool) -> None:
        logger.info("channel %s: connected %s", self._name, is_connected)
        self._put(
            ConnectionArrival(
                source=self._name,
                is_connected=is_connected,
                arrived_s=self._clock.now_s(),
            )
        )

    def _on_event(self, pv: pvaccess.PvObject) -> None:
        arrival = self._arrival(pv)
        if arrival is not None:
            self._put(arrival)

    def _put(self, arrival: Arrival) -> None:
        sink = self._sink
        if sink is not None:
            sink.put(arrival)
