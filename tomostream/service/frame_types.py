"""What the camera was taking at a given time."""

from bisect import bisect_right

from tomostream.core.frame import FrameKind


class FrameTypeTimeline:
    """The changes of FrameType by their time stamps. Owned by the loop's thread.

    Frames are matched by the time at which they were taken, so it does not matter
    which of the two comes first. Before the first known change, and without any,
    frames are projections.
    """

    _KEPT = 64

    def __init__(self, *, guard_s: float) -> None:
        self._guard_s = guard_s
        self._times_s: list[float] = []
        self._kinds: list[FrameKind] = []

    def add(self, kind: FrameKind, at_s: float) -> None:
        """Note that frames of this kind are taken from `at_s` on."""
        place = bisect_right(self._times_s, at_s)
        before = self._kinds[place - 1] if place else FrameKind.PROJECTION
        if before is kind:
            return
        self._times_s.insert(place, at_s)
        self._kinds.insert(place, kind)
        if len(self._times_s) > self._KEPT:
            del self._times_s[0], self._kinds[0]

    def kind_at(self, taken_s: float) -> FrameKind | None:
        """Give what was taken then, or None too close to a change."""
        place = bisect_right(self._times_s, taken_s)
        near = self._times_s[max(place - 1, 0) : place + 1]
        if any(abs(taken_s - at_s) < self._guard_s for at_s in near):
            return None
        return self._kinds[place - 1] if place else FrameKind.PROJECTION
