"""Records of somebody else's, such as motors': read and written without waiting."""

from dataclasses import dataclass

from tomostream.core.arrivals import ConnectionArrival
from tomostream.core.ports import ArrivalSink, Clock
from tomostream.epics.links import Monitor, RecordLinks
from tomostream.runtime import DropOldestQueue, Latest, StopSignal, Worker

_LOOK_S = 0.05
_MANY = 64


@dataclass(frozen=True, slots=True)
class _Put:
    name: str
    value: float | str


class RemoteVariable:
    """One record's newest value; a `ProcessVariable`."""

    def __init__(
        self, name: str, puts: DropOldestQueue[_Put], *, is_text: bool,
        is_optional: bool,
    ) -> None:  # fmt: skip
        self.name = name
        self.is_text = is_text
        self.is_optional = is_optional
        self._puts = puts
        self._value: Latest[float | str | None] = Latest(None)

    @property
    def value(self) -> float | str | None:
        """The newest value; None while it is not known or not connected."""
        return self._value.get()

    def put(self, value: float | str) -> None:
        """Write; without effect while not connected."""
        self._puts.put(_Put(self.name, value))

    def take(self, value: float | str, _: float) -> None:
        """Keep what came; in the library's thread."""
        self._value.set(value)

    def lose(self) -> None:
        """Forget the value: nobody answers any more."""
        self._value.set(None)


class RemoteRecords:
    """Records of any IOCs. One worker owns the channels; `open` may be called late.

    Each record has a link of its own, since they are of different IOCs.
    """

    def __init__(self, name: str, clock: Clock) -> None:
        self.name = name
        self._clock = clock
        self._puts: DropOldestQueue[_Put] = DropOldestQueue(_MANY)
        self._variables: dict[str, RemoteVariable] = {}
        self._worker: Worker | None = None
        self._sink: ArrivalSink | None = None

    @property
    def is_connected(self) -> bool:
        """Whether every record is known, but for those that may be missing."""
        return all(
            variable.is_optional or variable.value is not None
            for variable in list(self._variables.values())
        )

    @property
    def error(self) -> Exception | None:
        """What ended the worker before its time."""
        return self._worker.error if self._worker is not None else None

    def open(
        self, name: str, *, is_text: bool = False, is_optional: bool = False
    ) -> RemoteVariable:
        """Give the variable of a record; the same one for the same name.

        One that is optional may be missing for ever.
        """
        if name not in self._variables:
            self._variables[name] = RemoteVariable(
                name, self._puts, is_text=is_text, is_optional=is_optional
            )
        return self._variables[name]

    def start(self, sink: ArrivalSink | None = None) -> None:
        """Begin; returns at once."""
        self._sink = sink
        self._worker = Worker(f"watch {self.name}", self._watch)
        self._worker.start()

    def stop(self) -> None:
        """End; no value changes after it has returned."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop()
            worker.join(timeout_s=5.0)

    def _watch(self, stop: StopSignal) -> None:
        links: dict[str, RecordLinks] = {}
        connected: set[str] = set()
        was_connected: bool | None = None
        try:
            while not stop.wait(_LOOK_S):
                for variable in list(self._variables.values()):
                    self._look(variable, links, connected)
                for put in self._puts.drain(_MANY):
                    if put.name in links:
                        links[put.name].put(put.name, put.value)
                if self.is_connected != was_connected:
                    was_connected = self.is_connected
                    self._tell(was_connected)
        finally:
            for link in links.values():
                link.close()

    def _look(
        self,
        variable: RemoteVariable,
        links: dict[str, RecordLinks],
        connected: set[str],
    ) -> None:
        name = variable.name
        if name not in links:
            monitor = Monitor(variable.take, as_text=variable.is_text)
            links[name] = RecordLinks({name: monitor}, self._clock)
            links[name].open()
        links[name].look()
        if links[name].connected:
            connected.add(name)
        elif name in connected:
            # Only now: a first value may come before its connection is noticed.
            connected.discard(name)
            variable.lose()

    def _tell(self, is_connected: bool) -> None:
        if self._sink is not None:
            arrival = ConnectionArrival(
                source=self.name,
                is_connected=is_connected,
                arrived_s=self._clock.now_s(),
            )
            self._sink.put(arrival)
