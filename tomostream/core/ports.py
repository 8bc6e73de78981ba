"""What crosses packages: the service asks for these, adapters provide them."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Protocol

from tomostream.core.arrivals import Arrival
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


class ArrivalSink(Protocol):
    """Where sources put what came; never blocks."""

    def put(self, arrival: Arrival) -> None:
        """Take an arrival; an older projection may have to go for it, counted."""
        ...


class FrameSource(Protocol):
    """Something that puts arrivals into the sink while it is open."""

    def start(self, sink: ArrivalSink) -> None:
        """Begin; returns at once, also when nothing is connected yet."""
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


class ControlSurface(Protocol):
    """The operator's side: parameters in, readings out. No call waits for a network."""

    def parameters(self) -> Parameters:
        """Give the newest snapshot."""
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

    def write_parameters(self, parameters: Parameters) -> None:
        """Write back what the service itself changed (Center after a new binning)."""
        ...
