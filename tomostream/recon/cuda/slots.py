"""Which place of the ring holds a slot's projection, and at which angle."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


class SlotTable:
    """Slots and the places of the ring that hold them.

    A new projection goes to a free place, so that the old one is still there to be
    taken out; then the old place is free. Owned by the recon thread.
    """

    def __init__(self, n_slots: int, places: int) -> None:
        self._place = np.full(n_slots, -1, np.int64)
        self._cos = np.zeros(n_slots)
        self._sin = np.zeros(n_slots)
        self._free = list(range(places))
        self.filled = 0
        """Slots that hold a projection."""

    def exchange(
        self, slots: Sequence[int], angles_rad: Sequence[float]
    ) -> tuple[I64, F64, F64]:
        """Give each slot a new projection.

        Parameters
        ----------
        slots
            No slot occurs twice.

        Returns
        -------
        places, cosines, sines
            Of the new projections, then of the old ones.
        """
        numbers = np.array(slots, np.int64)
        places = np.array([self._free.pop() for _ in slots], np.int64)
        cosines = np.array([math.cos(angle) for angle in angles_rad])
        sines = np.array([math.sin(angle) for angle in angles_rad])
        was = numbers[self._place[numbers] >= 0]
        old = self._place[was]
        result = (
            np.concatenate([places, old]),
            np.concatenate([cosines, self._cos[was]]),
            np.concatenate([sines, self._sin[was]]),
        )
        # Later work of the same stream may overwrite them.
        self._free.extend(old.tolist())
        self._place[numbers], self._cos[numbers] = places, cosines
        self._sin[numbers] = sines
        self.filled += len(slots) - len(old)
        return result

    def all(self) -> tuple[I64, F64, F64]:
        """Give places, cosines and sines of all projections held."""
        held = self._place >= 0
        return self._place[held], self._cos[held], self._sin[held]
