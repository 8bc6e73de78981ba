"""Clicks that viewers write into records: ClickX, then ClickY."""

from collections.abc import Callable, Sequence

from tomostream.core.slices import Click
from tomostream.runtime import DropOldestQueue

NO_CLICK = -1
"""What ClickY is set to when its click was taken."""
_CAPACITY = 64


class ClickRecords:
    """Turn the values of ClickX and ClickY into clicks.

    Writing ClickY is the click; what it holds when it is first seen is of long ago.
    Values come in the library's thread; `clicks` belongs to the loop's.

    Parameters
    ----------
    release
        Called when ClickY is to be set to `NO_CLICK`: so the same place can be clicked
        again, and everybody sees that the click has come.
    """

    def __init__(self, release: Callable[[], None]) -> None:
        self._release = release
        self._clicks: DropOldestQueue[Click] = DropOldestQueue(_CAPACITY)
        self._column = NO_CLICK
        self._is_known = False

    def take_x(self, value: float, _: float) -> None:
        """Keep the column."""
        self._column = int(value)

    def take_y(self, value: float, _: float) -> None:
        """Click."""
        row, was_known = int(value), self._is_known
        self._is_known = True
        if row < 0:
            return
        self._release()
        if was_known and self._column >= 0:
            self._clicks.put(Click(column=self._column, row=row))

    def clicks(self) -> Sequence[Click]:
        """Give the clicks since the last call, in order."""
        return self._clicks.drain(_CAPACITY)
