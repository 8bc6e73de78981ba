"""The operator's records, as the service sees them."""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tomostream.core.controls import CONTROLS, Control, control
from tomostream.core.parameters import Parameters, Value
from tomostream.core.ports import Clock, Command
from tomostream.core.slices import Click
from tomostream.epics.buttons import BUTTONS, RESTING_STATES, Buttons
from tomostream.epics.clicks import NO_CLICK, ClickRecords
from tomostream.epics.links import Handler, Monitor, RecordLinks
from tomostream.epics.source import LOOK_S, WatchedSource
from tomostream.runtime import DropOldestQueue, Latest, StopSignal

logger = logging.getLogger(__name__)

_TEXT_LENGTH = 39
_STATUS_LENGTH = 255
_MANY = 256

_PARAMETERS = tuple(c for c in CONTROLS if c.field)
_LIMITED = tuple(c.name for c in _PARAMETERS if c.extent)
_LOW, _HIGH = ("DRVL", "LOPR"), ("DRVH", "HOPR")
_READINGS = tuple(c for c in CONTROLS if c.writer == "service" and c.kind != "running")


@dataclass(frozen=True, slots=True)
class _Put:
    name: str
    value: float | str


class CaControls(WatchedSource):
    """Parameters, buttons and readings over Channel Access.

    The loop's thread reads snapshots and leaves readings; a worker owns the channels
    and writes; the library's thread only turns what came into a new snapshot. So an
    IOC that hangs or dies costs the loop nothing. A sink given to `start` is told when
    the IOC comes and goes.

    Parameters
    ----------
    prefix
        P and R together.
    clock
        Tells the worker how long the IOC has been away.
    """

    def __init__(self, prefix: str, clock: Clock) -> None:
        super().__init__(prefix, clock)
        self._parameters = Latest(Parameters())
        self._refused: Latest[Mapping[str, str]] = Latest({})
        self._readings: Latest[Mapping[str, float | str]] = Latest({})
        # Its setting wakes nobody: planes moved for new limits are put right after.
        self._limits: Latest[Mapping[str, float]] = Latest({})
        self._puts: DropOldestQueue[_Put] = DropOldestQueue(_MANY)
        self._buttons = Buttons(clock)
        self._clicks = ClickRecords(lambda: self._puts.put(_Put("ClickY", NO_CLICK)))
        self._written: dict[str, float | str] = {}
        """What the records were told; the worker's own."""
        limits = [f"{name}.{field}" for name in _LIMITED for field in _LOW + _HIGH]
        written = [*(c.name for c in _READINGS), *limits]
        self._links = RecordLinks(
            self._monitors(), clock, written=[prefix + name for name in written]
        )

    @property
    def refused(self) -> Mapping[str, str]:
        """Why a record's value is not used, by record name; the old one is kept."""
        return self._refused.get()

    def parameters(self) -> Parameters:
        """Give the newest snapshot."""
        return self._parameters.get()

    def commands(self) -> Sequence[Command]:
        """Give the buttons pressed since the last call, in order."""
        return self._buttons.commands()

    def clicks(self) -> Sequence[Click]:
        """Give the clicks since the last call, in order."""
        return self._clicks.clicks()

    def report(self, readings: Mapping[str, float | int | str]) -> None:
        """Leave readings for the worker to write.

        Watchdog is written whatever it was before. StartRecon follows SessionState: a
        client that waits for its end is let go however the session ended.
        """
        wired = {
            name: _on_the_wire(control(name), value) for name, value in readings.items()
        }
        lives = wired.pop("Watchdog", None)
        if lives is not None:
            self._puts.put(_Put("Watchdog", lives))
        state = readings.get("SessionState")
        if state is not None:
            start = self._buttons.started(state not in RESTING_STATES)
            if start is not None:
                self._puts.put(_Put("StartRecon", start))
        known = self._readings.get()
        if any(known.get(name) != value for name, value in wired.items()):
            self._readings.set({**known, **wired})

    def limit(self, name: str, *, low: int, high: int) -> None:
        """Leave limits for the worker to write, together with what is put next."""
        limits = {f"{name}.{field}": low for field in _LOW}
        limits |= {f"{name}.{field}": high for field in _HIGH}
        self._limits.set({**self._limits.get(), **limits})

    def write_parameters(self, parameters: Parameters) -> None:
        """Write back what differs from the records."""
        shown = self._parameters.get().values()
        for name, value in parameters.values().items():
            if shown[name] != value:
                self._puts.put(_Put(name, value))

    def _monitors(self) -> dict[str, Monitor]:
        handlers = {c.name: self._on_parameter(c) for c in _PARAMETERS}
        handlers |= {name: self._buttons.handler(name) for name in BUTTONS}
        handlers |= {"ClickX": self._clicks.take_x, "ClickY": self._clicks.take_y}
        return {self._name + name: Monitor(take) for name, take in handlers.items()}

    def _on_parameter(self, parameter: Control) -> Handler:
        def take(value: Value, _: float) -> None:
            refused = dict(self._refused.get())
            try:
                snapshot = self._parameters.get().with_value(parameter, value)
                self._parameters.set(snapshot)
                refused.pop(parameter.name, None)
            except (TypeError, ValueError, OverflowError) as exc:
                logger.warning("parameter not used: %s", exc)
                refused[parameter.name] = str(exc)
            if refused != self._refused.get():
                self._refused.set(refused)

        return take

    def _watch(self, stop: StopSignal) -> None:
        links = self._links
        links.open()
        try:
            while True:
                is_last = stop.is_set()
                for name in links.look():
                    # An IOC that has come again knows nothing of what it was told.
                    self._written.pop(name.removeprefix(self._name), None)
                self._tell(bool(links.connected))
                # Puts first: the limits that they were made for are there by now.
                puts, limits = self._puts.drain(_MANY), self._limits.get()
                readings, version = self._readings.snapshot()
                self._write(_widened(limits, self._written))
                for put in puts:
                    links.put(self._name + put.name, put.value)
                self._write({**limits, **readings})
                if is_last:
                    return
                self._readings.wait_newer(version, LOOK_S)
        finally:
            links.close()

    def _write(self, readings: Mapping[str, float | str]) -> None:
        written = self._written
        for name, value in readings.items():
            if written.get(name) != value and self._links.put(self._name + name, value):
                written[name] = value


def _widened(
    limits: Mapping[str, float], written: Mapping[str, float | str]
) -> dict[str, float]:
    """Give the limits that grow: a record would cut the values made for them.

    Those that shrink have to wait for the values, or the record cuts the old ones, and
    its monitor shows what nobody has wished for.
    """
    return {
        name: value
        for name, value in limits.items()
        if name.endswith(_HIGH) and value > float(written.get(name, math.inf))
    }


def _on_the_wire(record: Control, value: float | str) -> float | str:
    if isinstance(value, str):
        if record.choices:
            return record.choices.index(value)
        return value[: _TEXT_LENGTH if record.kind == "text" else _STATUS_LENGTH]
    return value
