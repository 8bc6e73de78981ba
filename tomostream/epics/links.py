"""Channel Access links to the records of one IOC, made anew when it stays away."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from epics import ca, dbr

from tomostream.core.ports import Clock
from tomostream.epics.ca_channels import clear_channels, make_channels
from tomostream.epics.renewal import Renewal

Handler = Callable[[Any, float], None]
"""Takes a value, and its time stamp in seconds since 1970; in the library's thread."""

_REFUSALS = (
    ca.ChannelAccessException, ca.CASeverityException,
    ValueError, TypeError, UnicodeError,
)  # fmt: skip
"""What a put raises; the second, which is none of the first, where the circuit breaks
amid it."""


@dataclass(frozen=True, slots=True)
class Monitor:
    """What to do with a record's values, and how to ask for them."""

    handler: Handler
    as_text: bool = False
    """Ask for text: an enum's choice instead of its index."""


class RecordLinks:
    """Channels to some records of one IOC. Owned by one thread.

    All calls into the library come from that thread; only handlers run in the
    library's own. No call waits for a record.

    Parameters
    ----------
    monitors
        By record name: what to monitor.
    clock
        Says how long the IOC has been away.
    written
        Names of further records that are only written to.
    """

    def __init__(
        self,
        monitors: Mapping[str, Monitor],
        clock: Clock,
        *,
        written: Iterable[str] = (),
    ) -> None:
        self._monitors = monitors
        self._names = (*monitors, *written)
        self._clock = clock
        self._renewal = Renewal(clock)
        self._channels: dict[str, Any] = {}
        # The library writes into them as long as the subscription lives.
        self._subscriptions: list[Any] = []
        self._connected: frozenset[str] = frozenset()

    @property
    def connected(self) -> frozenset[str]:
        """Names of the records that answered when last looked."""
        return self._connected

    def open(self) -> None:
        """Begin to search; called in the owner's thread."""
        ca.use_initial_context()
        self._renewal = Renewal(self._clock)
        self._create()

    def look(self) -> frozenset[str]:
        """Give the names that have come since the last look; renew what is due.

        Channels are made anew only when no record answers: one that is missing while
        others are there does not exist in that IOC.
        """
        connected = frozenset(
            name for name, chid in self._channels.items() if ca.isConnected(chid)
        )
        come = connected - self._connected
        self._connected = connected
        if self._renewal.is_due(bool(connected)):
            self._clear()
            self._create()
        return come

    def put(self, name: str, value: float | str) -> bool:
        """Send a value without waiting for its effect; tell whether it was sent."""
        # The library would wait 2 s for each record of an IOC that has just gone.
        if name not in self._connected or not ca.isConnected(self._channels[name]):
            return False
        try:
            ca.put(self._channels[name], value)
        except _REFUSALS:
            return False
        except KeyError:
            # The library knows no type of a record that goes while it is written to.
            return False
        return True

    def close(self) -> None:
        """End; no handler is called after it has returned."""
        self._clear()

    def _create(self) -> None:
        self._channels = make_channels(self._names)
        self._subscriptions = [
            _subscription(self._channels[name], monitor)
            for name, monitor in self._monitors.items()
        ]
        ca.poll()

    def _clear(self) -> None:
        clear_channels(self._channels.values())
        self._channels.clear()
        self._subscriptions.clear()
        self._connected = frozenset()


def _subscription(chid: Any, monitor: Monitor) -> Any:
    def on_event(*, value: Any, timestamp: float = 0.0, **_: Any) -> None:
        monitor.handler(value, timestamp)

    return ca.create_subscription(
        chid,
        ftype=dbr.TIME_STRING if monitor.as_text else dbr.TIME_DOUBLE,
        mask=dbr.DBE_VALUE,
        callback=on_event,
    )
