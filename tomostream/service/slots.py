"""Which slot of the ring a frame takes, and where in its revolution it stands."""

from dataclasses import dataclass

from tomostream.core.geometry import ScanRange
from tomostream.core.scan import AngleTable, ScanKind
from tomostream.core.schedule import Assignment


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A frame's place in the ring."""

    slot: int
    position: int
    """Where it stands in a cycle through all slots."""
    cycle: int
    """How many cycles went before."""

    def is_taken(self, decimation: int) -> bool:
        """Tell whether every `decimation`-th frame includes this one.

        The choice moves on by one position in each cycle: were it to stay, and did
        `decimation` divide the slots, the same slots would be renewed for ever.
        """
        return (self.position + self.cycle) % decimation == 0


class SlotCounter:
    """Assign slots for one filling of the ring. Owned by the loop's thread.

    Continuous scans count from the session's first frame. A table that continues
    another one's step may start at any angle: counting goes on at the slot which that
    angle has, as seen from the frame before it.
    """

    def __init__(self, first: Assignment, *, scan_range: ScanRange) -> None:
        self._range: ScanRange = scan_range
        self.n_slots = first.table.slots(scan_range)
        self.renewal_frames = first.table.renewal_frames(scan_range)
        self._offset = -first.index
        self._last = first
        self._last_count = 0

    def place(self, frame: Assignment) -> Place:
        """Give the place of a frame; called in the frames' order."""
        table = frame.table
        if table.kind is ScanKind.CONTINUOUS:
            return self._place_counted(frame)
        slot = table.slot(frame.index, frame.angle_deg, self._range)
        if table.sweep_length:
            return Place(
                slot=slot, position=slot, cycle=frame.index // table.sweep_length
            )
        # Angles in no order: evenly in the order of their coming is the best there is.
        cycle, position = divmod(frame.index, self.n_slots)
        return Place(slot=slot, position=position, cycle=cycle)

    def _place_counted(self, frame: Assignment) -> Place:
        last = self._last
        if frame.first_id != last.first_id or frame.table is not last.table:
            turned = self._steps_between(last, frame)
            self._offset = self._last_count + turned - frame.index
        self._last, self._last_count = frame, frame.index + self._offset
        cycle, slot = divmod(self._last_count, self.n_slots)
        return Place(slot=slot, position=slot, cycle=cycle)

    def _steps_between(self, last: Assignment, frame: Assignment) -> int:
        table: AngleTable = frame.table
        turned_deg = frame.angle_deg - last.angle_deg
        if table.step_deg < 0:
            turned_deg = -turned_deg
        return round(turned_deg % self._range / abs(table.step_deg))
