"""What the status line says beside the session's state."""

from tomostream.core.health import RejectReason
from tomostream.core.ports import Clock
from tomostream.service.feed import Feed
from tomostream.service.fields import FieldBook
from tomostream.service.reconstruction import Reconstruction
from tomostream.service.session import Session, SessionState
from tomostream.service.tally import FrameTally

_REMARK_S = 5.0
"""How long the answer to a button stands in the status."""


class StatusNotes:
    """Say what is waited for, and what an operator should know. Changes nothing.

    Owned by the loop's thread.
    """

    def __init__(
        self, session: Session, feed: Feed, recon: Reconstruction, *,
        fields: FieldBook, tally: FrameTally, clock: Clock,
    ) -> None:  # fmt: skip
        self._session = session
        self._feed = feed
        self._recon = recon
        self._fields = fields
        self._tally = tally
        self._clock = clock
        self._remark, self._remark_until_s = "", -1e18

    def remark(self, text: str) -> None:
        """Say this for a while."""
        self._remark = text
        self._remark_until_s = self._clock.monotonic_s() + _REMARK_S

    def awaited(self, *, has_frames: bool) -> str:
        """Say what the session waits for.

        Parameters
        ----------
        has_frames
            Whether any have come of late.
        """
        intake = self._feed.intake
        if intake.angles.problem:
            return f"for angles: {intake.angles.problem}"
        if not has_frames:
            has_angles = intake.angles.has_table
            return "for frames" if has_angles else "for frames and the angle table"
        if intake.problem:
            return f"for angles: {intake.problem}"
        if self._tally.rejected[RejectReason.NO_FIELDS] and not self._recon.ledger:
            return "for dark and flat"
        fault = self._tally.last_fault
        return f"for usable frames: {fault}" if fault else "for projections"

    def notes(self) -> list[str]:
        """Give the sentences, the most important first."""
        now_s = self._clock.monotonic_s()
        notes = [self._remark] if now_s < self._remark_until_s else []
        if self._feed.decimation > 1:
            notes.append(f"overload: every {self._feed.decimation}th frame used")
        if self._session.is_running and self._recon.ledger:
            corrected = self._fields.corrected
            notes += [] if corrected == "corrected" else [corrected]
        problem = self._feed.intake.angles.problem
        if problem and self._session.state is not SessionState.WAITING:
            notes.append(f"not used: {problem}")
        return [
            *notes, *self._recon.misplaced, *self._recon.notes,
            *self._recon.parameters.problems(), *self._fields.notes, *self._feed.notes,
        ]  # fmt: skip
