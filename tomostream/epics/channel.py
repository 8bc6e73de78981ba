"""A pvAccess channel that is monitored, watched and made anew."""

from abc import abstractmethod
from collections.abc import Callable

import pvaccess

from tomostream.core.arrivals import Arrival
from tomostream.core.ports import Clock
from tomostream.epics.renewal import Renewal
from tomostream.epics.source import LOOK_S, WatchedSource
from tomostream.runtime import StopSignal

_CALLBACKS: list[Callable[[pvaccess.PvObject], None]] = []
"""Kept to the end of the process, and with each its source.

pvapy's thread drops its reference to a callback without holding the interpreter's lock.
Were it the last one, after `stopMonitor` in another thread, the process would crash.
"""


class MonitoredChannel(WatchedSource):
    """Put what comes on a channel into a sink, however often its server goes.

    The monitor's callback, in a thread of the library, decodes and puts. A worker makes
    the channel, looks whether it is connected, and makes it anew once it is lost and
    then when it stays away. Once: a server that ends in good order ends its monitors,
    and the library connects the channel again, but never the monitor.
    Looking is used instead of the library's connection callback: a channel destroyed
    while that callback is on its way takes the process down. The monitor's callback is
    never given up, not by `stop` either: pvapy's thread must not drop the last
    reference to it (see `_CALLBACKS`).

    Parameters
    ----------
    name
        The channel's name.
    clock
        Says when something came.
    queue_size
        Events that are held back while this process is busy; a server made with
        pvDatabase, as areaDetector's is, keeps the memory of so many.
    """

    def __init__(self, name: str, clock: Clock, *, queue_size: int) -> None:
        super().__init__(name, clock)
        # field() asks for the whole structure.
        self._request = f"record[queueSize={queue_size}]field()"
        self._callback = self._on_event
        self._has_come = False
        _CALLBACKS.append(self._callback)

    @abstractmethod
    def _arrival(self, pv: pvaccess.PvObject) -> Arrival | None:
        """Give what an event brought, within microseconds; None: nothing new."""

    def _watch(self, stop: StopSignal) -> None:
        renewal = Renewal(self._clock)
        channel = self._opened()
        try:
            while not stop.wait(LOOK_S):
                is_connected = channel.isConnected()
                self._tell(is_connected)
                is_lost = self._has_come and not is_connected
                if renewal.is_due(is_connected) or is_lost:
                    channel.stopMonitor()
                    channel = self._opened()
        finally:
            channel.stopMonitor()

    def _opened(self) -> pvaccess.Channel:
        self._has_come = False
        channel = pvaccess.Channel(self._name)
        channel.monitor(self._callback, self._request)
        return channel

    def _on_event(self, pv: pvaccess.PvObject) -> None:
        # Every monitor begins with an event, so this says that it was connected.
        self._has_come = True
        arrival = self._arrival(pv)
        if arrival is not None:
            self._put(arrival)
