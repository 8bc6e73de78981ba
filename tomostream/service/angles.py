"""Where angles come from: a table and its first id, a fixed step, or the frame."""

import numpy as np
from numpy.typing import NDArray

from tomostream.core.arrivals import SourceRole, TableArrival
from tomostream.core.errors import MalformedTableError, NoAngleError
from tomostream.core.scan import (
    AngleTable,
    ScanKind,
    angle_table,
    by_attribute,
    fixed_step,
    is_same_table,
)
from tomostream.core.schedule import (
    AngleSchedule,
    Assignment,
    TableAwaitedError,
    has_same_angles,
)
from tomostream.service.settings import AngleSource, ServiceSettings


class AngleBook:
    """Give frames their angles. Owned by the loop's thread."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings
        self._source = settings.angle_source
        self._schedule = AngleSchedule(id_origin=settings.id_origin)
        self._values: NDArray[np.floating] | None = None
        self._table_came_s = -1e18
        self._settle_due_s: float | None = None
        self._is_first_id_known = False
        self._early: AngleTable | None = None
        self._is_alone = False
        self._is_refused = False
        self._is_told = False
        self._placed: tuple[int, Assignment] | None = None
        self._has_misplaced = False
        self._endless = _endless_table(settings)
        self._first_id: int | None = None
        self._away: set[SourceRole] = set()
        self._is_table_of_the_past = False
        self._is_returning = False
        self._is_count_unsure = False
        self.problem = ""
        """Why the newest table is not used; empty where it is."""

    @property
    def has_table(self) -> bool:
        """Whether any angle can be told."""
        return self._endless is not None or self._schedule.newest is not None

    @property
    def kind(self) -> ScanKind | None:
        """How the angle goes on in the newest scan; None before any table."""
        table = self._endless or self._schedule.newest
        return table.kind if table is not None else None

    def take_table(self, arrival: TableArrival, *, now_s: float) -> bool:
        """Take a new table; tell whether it is used.

        One that comes after its FirstProjid is. Any other may belong to a FirstProjid
        that it has overtaken: frames wait for that a while.
        """
        if self._endless is not None or not len(arrival.values):
            return False
        try:
            table = self._rule_of(arrival.values)
        except MalformedTableError as exc:
            self.problem = str(exc)
            # The scan that was announced is this one: no other table may stand in.
            self._settle_due_s, self._is_refused = None, True
            return False
        self.problem, self._is_refused = "", False
        self._values = arrival.values
        self._table_came_s, self._is_told = now_s, True
        self._is_table_of_the_past = False
        is_next = self._schedule.is_announced and not self._schedule.is_skipping
        is_first = self._early is None and not self._is_returning
        if self._is_first_id_known and is_next and is_first:
            self._use(table)
            return True
        self._early = table
        self._wait_for_first_id(now_s)
        return False

    def take_first_id(self, first_id: int, *, now_s: float) -> bool:
        """Take a new FirstProjid, unwrapped; tell whether frames are placed by it.

        Frames from it on wait for their table, but for one that came before the first
        FirstProjid of all.
        """
        if self._endless is not None:
            return False
        if self._is_forgetful(first_id):
            self._is_first_id_known = True
            return False
        was_known, self._is_first_id_known = self._is_first_id_known, True
        self._is_told = True
        self._schedule.announce(first_id)
        self._look_back()
        if self._early is not None:
            if not self._is_returning and not was_known:
                return self._use_early()
            self._wait_for_first_id(now_s)
            return False
        came_of_late = now_s - self._table_came_s <= self._settings.table_pair_s
        self._is_alone = self._is_alone and came_of_late
        patience_s = (
            self._settings.first_id_settle_s
            if self._is_alone
            else self._settings.table_patience_s
        )
        # After a table that was refused none may stand in.
        self._settle_due_s = None if self._is_refused else now_s + patience_s
        return False

    def has_misplaced(self) -> bool:
        """Tell, once, whether frames were placed by a scan that was over.

        They had come before both FirstProjid and table of their own scan.
        """
        misplaced, self._has_misplaced = self._has_misplaced, False
        return misplaced

    def lose(self, role: SourceRole) -> None:
        """Note that a source is away. What is known holds on.

        Without FirstProjid, a table that comes may be of another scan than the one at
        hand, so it waits for the next FirstProjid, however long that takes.
        """
        if role is SourceRole.IMAGE:
            self._is_count_unsure = True
            return
        self._away.add(role)
        if role is SourceRole.SCAN:
            self._is_first_id_known = False
            self._is_returning = self._schedule.newest is not None
        if role is SourceRole.TABLE:
            self._is_table_of_the_past = True

    def find(self, role: SourceRole, *, now_s: float) -> None:
        """Note that a source is there; what waited for it waits a while longer."""
        self._away.discard(role)
        if self._settle_due_s is not None:
            patience_s = self._settings.first_id_patience_s
            self._settle_due_s = max(self._settle_due_s, now_s + patience_s)

    def settle(self, *, now_s: float) -> bool:
        """Let the table at hand hold where no other has come; tell whether it does."""
        if self._settle_due_s is None or now_s < self._settle_due_s:
            return False
        awaited = SourceRole.TABLE if self._early is None else SourceRole.SCAN
        if awaited in self._away:
            return False
        self._is_returning = False
        if self._early is not None:
            return self._use_early()
        self._settle_due_s = None
        if self._schedule.newest is None:
            return False
        self._schedule.reanchor(is_late=self._is_alone)
        self._is_alone = False
        self._look_back()
        return True

    def begin(self) -> None:
        """Let a fixed step count from the next frame."""
        self._first_id = None

    def notice_frame(self) -> None:
        """Note that frames come.

        After an outage of theirs they may be of a count begun anew, whose ids look
        like the old one's. Where tomoScan was away as well, it tells.
        """
        if self._is_count_unsure:
            self._is_count_unsure = False
            self._doubt()

    def restart(self, said_id: int | None) -> None:
        """Note that the source counts anew.

        What was told after its last frame is of the new count. Otherwise the scan goes
        on, and where in it the new count begins nobody knows: at its first angle.

        Parameters
        ----------
        said_id
            FirstProjid as it was told last, not unwrapped; None: not yet.
        """
        self._first_id, self._placed = None, None
        if self._endless is not None or self._doubt():
            return
        is_told, self._is_told = self._is_told and said_id is not None, False
        # Cameras count from 0 or from 1.
        is_known = said_id is not None and (is_told or said_id <= 1)
        begins_at = (said_id or 0) if is_known else 0
        if is_told and self._schedule.is_announced:
            self._schedule.restart_ids(begins_at)
            self._schedule.await_scan(is_first_id_known=True)
        elif is_told or not self._schedule.is_in_doubt:
            self._schedule.restart_ids(begins_at)

    def covers(self, frame_id: int | None) -> bool:
        """Tell whether a table holds for that frame."""
        if frame_id is None:
            return False
        try:
            self._schedule.assign(frame_id)
        except NoAngleError:
            return False
        return True

    def place(self, frame_id: int, angle_deg: float | None) -> Assignment:
        """Give a frame's place in its scan.

        Parameters
        ----------
        frame_id
            Unwrapped.
        angle_deg
            What the frame itself says.

        Raises
        ------
        TableAwaitedError
            The frame's table has not come yet.
        NoAngleError
            There is none for it.
        """
        if self._endless is None:
            assignment = self._assigned(frame_id)
        else:
            assignment = self._place_endless(self._endless, frame_id, angle_deg)
        if not np.isfinite(assignment.angle_deg):
            raise NoAngleError(f"frame {frame_id}: its angle is not finite")
        return assignment

    def _assigned(self, frame_id: int) -> Assignment:
        self._is_told = False
        if self._early is not None and self._schedule.newest is not None:
            raise TableAwaitedError(
                f"frame {frame_id}: the first id of the new angle table is awaited"
            )
        assignment = self._schedule.assign(frame_id)
        self._placed = frame_id, assignment
        return assignment

    def _wait_for_first_id(self, now_s: float) -> None:
        """Let a table wait for the first id that belongs to it.

        Where one has come, another may follow: records that have just come again may
        show what stood in them at their start before they show where the scan begins.
        """
        has_come = self._is_returning or self._schedule.is_announced
        is_told, settings = self._is_first_id_known and has_come, self._settings
        self._settle_due_s = now_s + (
            settings.first_id_settle_s if is_told else settings.first_id_patience_s
        )

    def _look_back(self) -> None:
        """Note whether the newest frame that was placed has another angle by now."""
        if self._placed is None:
            return
        frame_id, before = self._placed
        try:
            after = self._schedule.assign(frame_id)
        except NoAngleError:
            is_same = False
        else:
            is_same = has_same_angles(before, after)
        if not is_same:
            self._placed, self._has_misplaced = None, True

    def _doubt(self) -> bool:
        """Wait for tomoScan where it was away; tell whether it was."""
        # A first value comes a moment before its connection is noticed.
        is_away = SourceRole.SCAN in self._away and not self._is_first_id_known
        if is_away or self._is_table_of_the_past:
            self._schedule.await_scan(is_first_id_known=not is_away)
            self._placed = None
            return True
        return False

    def _is_forgetful(self, first_id: int) -> bool:
        """Tell whether the records came again with less than they had said.

        A scan does not begin in the past; an IOC without autosave says 0.
        """
        is_anew = self._early is not None or self._is_table_of_the_past
        return (
            not self._is_first_id_known
            and not is_anew
            and self._schedule.is_in_force
            and first_id < self._schedule.first_id
        )

    def _use_early(self) -> bool:
        table, self._early = self._early, None
        self._is_first_id_known = True
        if table is not None:
            self._use(table)
        return table is not None

    def _use(self, table: AngleTable) -> None:
        self._settle_due_s = None
        self._is_alone = not self._schedule.is_announced
        self._schedule.add(table)
        self._look_back()

    def _rule_of(self, values: NDArray[np.floating]) -> AngleTable:
        newest = self._early or self._schedule.newest
        if newest is not None and is_same_table(values, self._values):
            return newest
        table = angle_table(values)
        if table.slots(360) > self._settings.max_slots:
            raise MalformedTableError(
                f"angle table: a step of {table.step_deg:g} degrees needs "
                f"{table.slots(360)} slots, expected at most "
                f"{self._settings.max_slots}"
            )
        return table

    def _place_endless(
        self, table: AngleTable, frame_id: int, angle_deg: float | None
    ) -> Assignment:
        if self._first_id is None:
            self._first_id = frame_id
        index = frame_id - self._first_id
        if index < 0:
            raise NoAngleError(f"frame {frame_id}: lies before {self._first_id}")
        if self._source is AngleSource.FIXED_STEP:
            angle_deg = table.angle_deg(index)
        if angle_deg is None:
            raise NoAngleError(f"frame {frame_id}: carries no angle")
        return Assignment(
            table=table, index=index, angle_deg=angle_deg, first_id=self._first_id,
            version=0,
        )  # fmt: skip


def _endless_table(settings: ServiceSettings) -> AngleTable | None:
    if settings.angle_source is AngleSource.FIXED_STEP:
        return fixed_step(settings.angle_step_deg, start_deg=settings.angle_start_deg)
    if settings.angle_source is AngleSource.ATTRIBUTE:
        return by_attribute(settings.angle_bins)
    return None
