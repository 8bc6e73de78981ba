"""Controls without records: for a bare detector, where nobody presses Start."""

from collections.abc import Mapping, Sequence

from tomostream.core.parameters import Parameters
from tomostream.core.ports import Command
from tomostream.runtime import Latest


class FixedControls:
    """Parameters that nobody turns, and one press of Start at the beginning.

    Owned by the loop's thread; others may read `readings`.
    """

    def __init__(self, parameters: Parameters | None = None) -> None:
        self._parameters = parameters or Parameters()
        self._waiting: list[Command] = [Command.START]
        self.readings: Latest[Mapping[str, float | int | str]] = Latest({})
        """What was reported last, by record name."""

    def parameters(self) -> Parameters:
        """Give the parameters in force."""
        return self._parameters

    @property
    def refused(self) -> Mapping[str, str]:
        """Give nothing: there is no record that could hold a value."""
        return {}

    def commands(self) -> Sequence[Command]:
        """Give Start, once."""
        waiting, self._waiting = self._waiting, []
        return waiting

    def report(self, readings: Mapping[str, float | int | str]) -> None:
        """Keep the readings for who asks."""
        self.readings.set({**self.readings.get(), **readings})

    def limit(self, name: str, *, low: int, high: int) -> None:
        """There is no record that could take a value."""

    def write_parameters(self, parameters: Parameters) -> None:
        """Take what the service itself has changed."""
        self._parameters = parameters
