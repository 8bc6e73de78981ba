"""What the operator sees while the service cannot begin yet."""

from types import TracebackType

from tomostream.core.controls import control
from tomostream.core.ports import Clock
from tomostream.epics.links import RecordLinks

_ALIVE_S = 5
_LONGEST = 255
"""Characters of a status record."""


class WaitingNotice:
    """Tell our own records what is waited for. Owned by one thread.

    Readings of a service that ended before stand in them otherwise, or nothing does.

    Parameters
    ----------
    prefix
        P and R of our own records; where none is there, nobody is told.
    clock
        Says how long they have been away.
    """

    def __init__(self, prefix: str, clock: Clock) -> None:
        self._prefix = prefix
        state = control("SessionState").choices.index("waiting")
        lost = control("ImageConnection").choices.index("Disconnected")
        self._readings: dict[str, float | str] = {
            "Watchdog": _ALIVE_S, "SessionState": state, "ImageConnection": lost,
            "ReconStatus": "", "ErrorText": "",
        }  # fmt: skip
        names = [prefix + name for name in self._readings]
        self._links = RecordLinks({}, clock, written=names)

    def __enter__(self) -> "WaitingNotice":
        """Begin to search for the records."""
        self._links.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the records to others."""
        self._links.close()

    def tell(self, awaited: str) -> None:
        """Say it, and that the service lives: to be called every few seconds."""
        self._links.look()
        told = {"ReconStatus": f"waiting: {awaited}", "ErrorText": awaited}
        for name, value in (self._readings | told).items():
            shown = value[:_LONGEST] if isinstance(value, str) else value
            self._links.put(self._prefix + name, shown)
