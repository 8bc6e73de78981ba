"""What becomes of the estimated rotation centre: shown, accepted, followed."""

from dataclasses import replace

from tomostream.core.parameters import Parameters
from tomostream.service.handover import AxisEstimate, Handover

TRUSTED = 0.5
"""Confidence from which on Center may follow by itself."""
_READINGS = (
    "AutoCenter", "AutoCenterConfidence", "CameraRoll", "CameraRollConfidence"
)  # fmt: skip


class Centering:
    """Keep the newest estimate, and move Center where the operator wants it.

    Owned by the loop's thread.
    """

    def __init__(self, handover: Handover) -> None:
        self._handover = handover
        self._version = handover.axis.version
        self._newest: AxisEstimate | None = None
        self._unfollowed: AxisEstimate | None = None
        self._accepted: float | None = None

    def look(self, session: int) -> None:
        """Take a new estimate; forget one of another filling of the ring."""
        estimate, version = self._handover.axis.snapshot()
        if version != self._version:
            self._version = version
            self._newest = self._unfollowed = estimate
        if self._newest is not None and self._newest.session != session:
            self._newest = self._unfollowed = None

    def accept(self) -> str:
        """Let Center become the estimate, once; say what was done."""
        if self._newest is None:
            return "no estimate of the rotation centre to accept"
        self._accepted = self._newest.center
        confidence = self._newest.confidence
        return f"Center set to {self._accepted:.2f}, confidence {confidence:.2f}"

    def moved(self, wished: Parameters) -> Parameters:
        """Give the parameters with Center where it was accepted, or follows."""
        accepted, self._accepted = self._accepted, None
        estimate, self._unfollowed = self._unfollowed, None
        if accepted is not None:
            return replace(wished, center=accepted)
        if estimate is None or not wished.is_center_followed:
            return wished
        if estimate.confidence < TRUSTED:
            return wished
        limit = wished.center_step_limit
        step = min(max(estimate.center - wished.center, -limit), limit)
        return replace(wished, center=wished.center + step)

    @property
    def readings(self) -> dict[str, float]:
        """Give the records' values; confidence 0 where there is no estimate."""
        newest = self._newest
        if newest is None:
            return {"AutoCenterConfidence": 0.0, "CameraRollConfidence": 0.0}
        values = (
            newest.center, newest.confidence, newest.roll_deg, newest.roll_confidence
        )  # fmt: skip
        return dict(zip(_READINGS, values, strict=True))
