"""What became of every frame: none is lost without a reason."""

import logging
from collections import Counter

from tomostream.core.errors import MalformedFrameError
from tomostream.core.health import RejectReason
from tomostream.core.ports import Clock
from tomostream.service.notices import Notices

logger = logging.getLogger(__name__)

_QUIET = frozenset(
    {
        RejectReason.DECIMATED,
        RejectReason.IDLE,
        RejectReason.FRAME_TYPE,
        RejectReason.GUARD,
        RejectReason.NO_FIELDS,
        RejectReason.PAUSED,
    }
)
"""What happens in a healthy service: counted, not logged."""
_REASONS = {reason.value: reason for reason in RejectReason} | {
    # The engine's own word.
    "shape": RejectReason.SIZE,
}


class FrameTally:
    """Count the frames. Owned by the loop's thread.

    taken = entered + rejected + those that wait for a table, a second frame of their
    new size, or their batch. What a full queue dropped never was taken.
    """

    def __init__(self, clock: Clock) -> None:
        self._notices = Notices(logger, clock)
        self.taken = 0
        """Frames that came out of the queue."""
        self.entered = 0
        """Frames that are, or were, in the ring."""
        self.missing = 0
        """Ids that never came."""
        self.rejected: Counter[RejectReason] = Counter()
        self.pixels_repaired = 0
        self.last_fault = ""
        """What was wrong with the last faulty frame."""
        self._dropped_explained = 0

    @property
    def faulty(self) -> int:
        """Rejected frames that a healthy service would not have."""
        return sum(n for reason, n in self.rejected.items() if reason not in _QUIET)

    def reject(self, reason: RejectReason, message: str, *, count: int = 1) -> None:
        """Count frames that do not enter the ring."""
        self.rejected[reason] += count
        if reason not in _QUIET and count:
            self.last_fault = message
            self._notices.warn(f"frame rejected, {reason}", message)

    def miss(self, gap: int, *, dropped: int) -> None:
        """Count skipped ids.

        Parameters
        ----------
        gap
            How many were skipped.
        dropped
            What the queue has dropped until now: such ids did come.
        """
        explained = min(gap, dropped - self._dropped_explained)
        self._dropped_explained += explained
        self.missing += gap - explained


def counted_as(error: MalformedFrameError) -> RejectReason:
    """Give the counter of a frame's fault; what nobody has a word for is malformed."""
    return _REASONS.get(error.reason, RejectReason.MALFORMED)
