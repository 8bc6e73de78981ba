"""Which angle table a frame belongs to.

Tables come over pvAccess, the first id of a scan (FirstProjid) over Channel Access
and frames over a third channel: in any order. A frame's table is the one whose first
id is the greatest that is not above the frame's id.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tomostream.core.errors import NoAngleError
from tomostream.core.scan import MAX_SLOTS, AngleTable


class TableAwaitedError(NoAngleError):
    """The frame's scan has been announced, its table has not come yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Where a frame stands in its scan."""

    table: AngleTable
    index: int
    """Row of the table."""
    angle_deg: float
    first_id: int
    """From which id on the table is in force."""
    version: int
    """Grows when a table that does not continue the one before it is in force."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    first_id: int
    table: AngleTable
    version: int


def has_same_angles(one: Assignment, other: Assignment) -> bool:
    """Tell whether a frame and those of its scan before it have the same angles.

    Looked at are as many as a ring holds, and as both scans have.
    """
    if one.table is other.table and one.index == other.index:
        return True
    count = min(one.index, other.index, MAX_SLOTS) + 1
    one_deg, other_deg = (_angles_up_to(a, count) for a in (one, other))
    return np.array_equal(one_deg, other_deg)


def _angles_up_to(assignment: Assignment, count: int) -> NDArray[np.floating]:
    """Give the last `count` angles up to and with that of the assignment."""
    end = assignment.index + 1
    values = assignment.table.values
    if values is None:
        rows = range(end - count, end)
        return np.array([assignment.table.angle_deg(row) for row in rows])
    return values[end - count : end]


class AngleSchedule:
    """The tables in force, by first id. Owned by the loop's thread.

    Parameters
    ----------
    id_origin
        What a scan's first frame has as id minus FirstProjid: 0 where the first frame
        has the id FirstProjid, 1 where cameras count from 1 below a FirstProjid that
        counts from 0.
    """

    _KEPT = 8
    _KEPT_BYTES = 1 << 30
    """For the tables together, but two are kept in any case."""
    _ALL, _NONE = -(1 << 62), 1 << 62
    """First ids from which on every id is awaited, and no table holds."""

    def __init__(self, *, id_origin: int = 0) -> None:
        self._origin = id_origin
        self._entries: list[_Entry] = []
        self._announced: int | None = None
        self._is_skipping = False
        self._skipped: list[range] = []
        self._replaced: _Entry | None = None
        self._anchor = 0
        self._version = 0

    @property
    def newest(self) -> AngleTable | None:
        """The table that came last."""
        return self._entries[-1].table if self._entries else None

    @property
    def version(self) -> int:
        """Version of the newest table."""
        return self._version

    def announce(self, first_id: int) -> None:
        """Take a new FirstProjid; its table is expected after it."""
        is_known = first_id == self._anchor and self._announced != self._ALL
        if is_known and self._entries:
            return
        self._skip(first_id)
        self._anchor = first_id
        self._announced = first_id

    def add(self, table: AngleTable) -> None:
        """Take a new table; it holds from the last announced first id on."""
        newest = self.newest
        if newest is not None and not table.continues(newest):
            self._version += 1
        is_alone = self._announced is None and bool(self._entries)
        self._replaced = self._entries[-1] if is_alone else None
        self._announced, self._is_skipping = None, False
        self._skipped = [r for r in self._skipped if r.stop <= self._anchor]
        self._entries = [e for e in self._entries if e.first_id < self._anchor]
        self._entries.append(
            _Entry(first_id=self._anchor, table=table, version=self._version)
        )
        del self._entries[: -self._KEPT]
        while len(self._entries) > 2 and self._table_bytes() > self._KEPT_BYTES:
            del self._entries[0]

    def _table_bytes(self) -> int:
        tables = {id(e.table): e.table.values for e in self._entries}
        return sum(0 if values is None else values.nbytes for values in tables.values())

    def reanchor(self, *, is_late: bool = False) -> None:
        """Let the newest table hold from the announced first id on.

        For servers that change FirstProjid after the table, or without sending one.

        Parameters
        ----------
        is_late
            Whether the first id belongs to the newest table, which has held from the
            first id before it on for want of its own: what it took the place of holds
            again up to the new one.
        """
        if self._announced is None or not self._entries:
            return
        table = self._entries[-1].table
        if is_late and self._replaced is not None:
            self._entries[-1] = self._replaced
        self.add(table)

    def restart_ids(self, first_id: int = 0) -> None:
        """Let the newest table hold from `first_id` on: the source counts anew."""
        newest = self.newest
        self._forget()
        self._anchor, self._announced = first_id, None
        if newest is not None:
            self._entries.append(
                _Entry(first_id=first_id, table=newest, version=self._version)
            )

    @property
    def is_announced(self) -> bool:
        """Whether a first id has come whose table has not."""
        return self._announced is not None

    @property
    def is_skipping(self) -> bool:
        """Whether more than one first id has come since the newest table."""
        return self._is_skipping

    @property
    def is_in_force(self) -> bool:
        """Whether frames have angles, and none waits for another table."""
        return bool(self._entries) and self._announced is None

    @property
    def is_in_doubt(self) -> bool:
        """Whether `await_scan` was called and the scan has not come."""
        return bool(self._entries) and self._entries[-1].first_id == self._NONE

    @property
    def first_id(self) -> int:
        """The first id that was announced last."""
        return self._anchor

    def await_scan(self, *, is_first_id_known: bool) -> None:
        """Note that the source counts anew, in a scan of which not all is known.

        Frames wait for a table; where the first id is not known either, every frame
        does, and the next first id counts even if it is the old one.
        """
        newest = self.newest
        if is_first_id_known:
            self._announced = self._anchor
        else:
            self._anchor, self._announced = 0, self._ALL
        self._forget()
        if newest is not None:
            self._entries.append(
                _Entry(first_id=self._NONE, table=newest, version=self._version)
            )

    def is_awaiting(self, frame_id: int) -> bool:
        """Tell whether the frame's table is still to come."""
        if self._announced is not None and frame_id - self._origin >= self._announced:
            return True
        return not self._entries

    def assign(self, frame_id: int) -> Assignment:
        """Give a frame's angle.

        Raises
        ------
        TableAwaitedError
            The frame belongs to a scan whose table has not come yet.
        NoAngleError
            No table covers the id.
        """
        offset = frame_id - self._origin
        if self._entries and self.is_awaiting(frame_id):
            known = self._announced != self._ALL
            what = f"table from id {self._announced} on" if known else "scan's first id"
            raise TableAwaitedError(f"frame {frame_id}: the {what} is awaited")
        if any(offset in skipped for skipped in self._skipped):
            raise NoAngleError(f"frame {frame_id}: the table of its scan never came")
        for entry in reversed(self._entries):
            if offset >= entry.first_id:
                index = offset - entry.first_id
                return Assignment(
                    table=entry.table, index=index, version=entry.version,
                    angle_deg=entry.table.angle_deg(index), first_id=entry.first_id,
                )  # fmt: skip
        if not self._entries:
            raise TableAwaitedError(f"frame {frame_id}: no angle table has come yet")
        raise NoAngleError(
            f"frame {frame_id}: lies before the first id "
            f"{min(self._entries[0].first_id, self._anchor)}"
        )

    def _skip(self, first_id: int) -> None:
        """Leave out the scan that was announced last, if its table has not come.

        The frames of it have no angle; those of the scan before it keep theirs.
        """
        last = self._announced
        if last is None or last == self._ALL or not self._entries:
            return
        self._is_skipping = True
        if self._entries[-1].first_id < last < first_id:
            self._skipped = [*self._skipped, range(last, first_id)][-self._KEPT :]

    def _forget(self) -> None:
        self._entries.clear()
        self._skipped.clear()
        self._replaced, self._is_skipping = None, False
