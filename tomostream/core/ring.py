"""What the ring holds: which frame, at which angle, in which slot."""

import numpy as np

from tomostream.core.geometry import ScanRange


class RingLedger:
    """Book of the ring's slots. Owned by the loop's thread."""

    def __init__(self, n_slots: int, *, scan_range: ScanRange, renewal: int) -> None:
        self._ids = np.full(n_slots, -1, np.int64)
        self._range = scan_range
        self._renewal = renewal
        self._newest = -1

    @property
    def n_slots(self) -> int:
        """Slots of the ring."""
        return len(self._ids)

    def enter(self, slots: np.ndarray, ids: np.ndarray) -> None:
        """Note that frames took their slots.

        Parameters
        ----------
        slots, ids
            (n_frames,), in order of arrival.
        """
        self._ids[slots] = ids
        self._newest = max(self._newest, int(ids.max(initial=-1)))

    def clear(self) -> None:
        """Note that the ring was emptied."""
        self._ids[:] = -1
        self._newest = -1

    @property
    def oldest_id(self) -> int:
        """Smallest id in the ring; -1 where it is empty."""
        held = self._ids[self._ids >= 0]
        return int(held.min()) if held.size else -1

    @property
    def newest_id(self) -> int:
        """Greatest id that ever entered since the ring was empty; -1 where it is."""
        return self._newest

    @property
    def filled(self) -> int:
        """Slots that hold a projection."""
        return int(np.count_nonzero(self._ids >= 0))

    @property
    def stale(self) -> int:
        """Slots whose projection should have been replaced by now."""
        due = self._newest - self._renewal
        return int(np.count_nonzero((self._ids >= 0) & (self._ids <= due)))

    @property
    def coverage_deg(self) -> float:
        """Angle that the filled slots cover."""
        return self.filled / self.n_slots * self._range

    @property
    def completeness(self) -> float:
        """Share of slots that hold a projection which is not stale, 0 to 1."""
        return (self.filled - self.stale) / self.n_slots
