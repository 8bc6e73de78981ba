"""What crosses packages: the service asks for these, adapters provide them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeVar

from tomostream.core.arrivals import Arrival
from tomostream.core.geometry import Geometry, Planes
from tomostream.core.parameters import Parameters
from tomostream.core.publication import Publication
from tomostream.core.views import View, ViewImage


class Command(StrEnum):
    """What an operator asks for by a button."""

    START = "start"
    ABORT = "abort"
    RESET = "reset"
    ACCEPT_CENTER = "accept_center"


class Clock(Protocol):
    """Where time comes from; tests hold it still."""

    def now_s(self) -> float:
        """Give the wall clock, seconds since 1970."""
        ...

    def monotonic_s(self) -> float:
        """Give seconds that never run backwards."""
        ...


T = TypeVar("T")


class Errand(Protocol[T]):
    """Work that must not hold up the stream, one piece at a time."""

    def start(self, work: Callable[[], T]) -> None:
        """Have this done; it takes the place of a piece that was not begun."""
        ...

    def result(self) -> T | None:
        """Give what the newest piece that is done has found, once; never waits."""
        ...


class ArrivalSink(Protocol):
    """Where sources put what came; never blocks."""

    def put(self, arrival: Arrival) -> None:
        """Take an arrival; an older projection may have to go for it, counted."""
        ...


class Source(Protocol):
    """Something with a connection of its own."""

    @property
    def name(self) -> str:
        """What it is connected to."""
        ...

    @property
    def is_connected(self) -> bool:
        """Whether the other side answered when last looked."""
        ...

    @property
    def error(self) -> Exception | None:
        """What ended it before its time."""
        ...

    def start(self, sink: ArrivalSink | None = None) -> None:
        """Begin; returns at once."""
        ...

    def stop(self) -> None:
        """End; nothing is put after it has returned."""
        ...


class SlicePublisher(Protocol):
    """Where slices go; must not wait for a slow viewer."""

    def publish(self, publication: Publication) -> None:
        """Send one update to every output channel."""
        ...


class ViewPublisher(Protocol):
    """Where views go; must not wait for a slow viewer."""

    def is_wanted(self, view: View) -> bool:
        """Tell whether somebody looks at this view."""
        ...

    def publish_view(self, image: ViewImage) -> None:
        """Send one update to the view's channel."""
        ...


class ProcessVariable(Protocol):
    """A record of somebody else's, such as a motor's. No call waits."""

    @property
    def name(self) -> str:
        """The record with its field."""
        ...

    @property
    def value(self) -> float | str | None:
        """The newest value; None while it is not known or not connected."""
        ...

    def put(self, value: float | str) -> None:
        """Write; without effect while not connected."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What a companion of the loop may know about a step of it."""

    is_running: bool
    """Whether a session is running."""
    geometry: Geometry | None
    """Of the ring at hand."""
    planes: Planes
    """The planes that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a companion asks of the loop."""

    is_paused: bool = False
    """Use no frame for now; the ring begins anew after it."""
    planes: Planes | None = None
    """Show these planes from now on."""
    note: str = ""
    """For the status line."""
    refusals: tuple[str, ...] = ()
    """Which of its records' values are not used, why, and what is instead."""


class Companion(Protocol):
    """Something that goes along with the loop, in its thread. No call waits."""

    def step(self, moment: Moment) -> Wish:
        """Do what there is to do now."""
        ...

    def abort(self) -> None:
        """Give up what is under way; the operator has pressed Abort."""
        ...


class ControlSurface(Protocol):
    """The operator's side: parameters in, readings out. No call waits for a network."""

    def parameters(self) -> Parameters:
        """Give the newest snapshot."""
        ...

    @property
    def refused(self) -> Mapping[str, str]:
        """Why a record's value is not used, by record name; the old one is kept."""
        ...

    def commands(self) -> Sequence[Command]:
        """Give the buttons pressed since the last call, in order."""
        ...

    def report(self, readings: Mapping[str, float | int | str]) -> None:
        """Write service records by name (`core.controls`), choices by their text.

        Only changes are sent. StartRecon is the surface's own matter: it follows
        SessionState, and is Done in idle and failed.
        """
        ...

    def limit(self, name: str, *, low: int, high: int) -> None:
        """Let a record take nothing outside these limits; sliders follow them."""
        ...

    def write_parameters(self, parameters: Parameters) -> None:
        """Write back what the service itself changed (Center after a new binning)."""
        ...
