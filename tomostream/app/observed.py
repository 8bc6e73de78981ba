"""What this process itself sees of its service: readings, parameters, slices."""

from collections.abc import Mapping, Sequence

from tomostream.core.parameters import Parameters
from tomostream.core.ports import Command, ControlSurface, SlicePublisher
from tomostream.core.publication import Publication
from tomostream.runtime import Latest

Readings = Mapping[str, float | int | str]


class ObservedControls:
    """Controls whose newest readings are kept. `report` is called by the loop alone."""

    def __init__(self, inner: ControlSurface) -> None:
        self._inner = inner
        self._readings: Latest[Readings] = Latest({})

    @property
    def readings(self) -> Readings:
        """What was reported last of each record."""
        return self._readings.get()

    def parameters(self) -> Parameters:
        """Give the newest snapshot."""
        return self._inner.parameters()

    @property
    def refused(self) -> Mapping[str, str]:
        """Why a record's value is not used, by record name."""
        return self._inner.refused

    def commands(self) -> Sequence[Command]:
        """Give the buttons pressed since the last call."""
        return self._inner.commands()

    def report(self, readings: Readings) -> None:
        """Write service records."""
        self._readings.set({**self._readings.get(), **readings})
        self._inner.report(readings)

    def limit(self, name: str, *, low: int, high: int) -> None:
        """Limit a record."""
        self._inner.limit(name, low=low, high=high)

    def write_parameters(self, parameters: Parameters) -> None:
        """Write back what was changed."""
        self._inner.write_parameters(parameters)


class ObservedPublisher:
    """A publisher whose newest publication is kept."""

    def __init__(self, inner: SlicePublisher) -> None:
        self._inner = inner
        self._newest: Latest[Publication | None] = Latest(None)

    @property
    def newest(self) -> Publication | None:
        """What was published last."""
        return self._newest.get()

    def publish(self, publication: Publication) -> None:
        """Send one update to every output channel."""
        self._inner.publish(publication)
        self._newest.set(publication)
