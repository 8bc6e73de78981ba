"""What becomes of the estimated rotation centre: shown, accepted, followed."""

import math
from dataclasses import replace

from tomostream.core.parameters import Parameters
from tomostream.recon.center import CenterEstimate, accept, follow
from tomostream.service.handover import Handover


class Centering:
    """Keep the newest estimate, and move Center where the operator wants it.

    Owned by the loop's thread.
    """

    def __init__(self, handover: Handover) -> None:
        self._handover = handover
        self._version = handover.axis.version
        self._session = -1
        self._newest = CenterEstimate()
        self._is_followed = True
        self._accepted: float | None = None

    def look(self, session: int) -> None:
        """Take a new estimate; forget one of another filling of the ring."""
        found, version = self._handover.axis.snapshot()
        if version != self._version and found is not None:
            self._newest, self._session = found.estimate, found.session
            self._is_followed = False
        self._version = version
        if self._session != session:
            self._newest, self._session = CenterEstimate(), session

    def accept(self) -> str:
        """Let Center become the estimate, once; say what was done."""
        self._accepted = accept(self._newest)
        if self._accepted is None:
            reason = self._newest.reason or "none was made yet"
            return f"no rotation centre to accept: {reason}"
        return (
            f"Center set to {self._accepted:.2f}, "
            f"confidence {self._newest.confidence:.2f}"
        )

    def moved(self, wished: Parameters) -> Parameters:
        """Give the parameters with Center where it was accepted, or follows."""
        center, self._accepted = self._accepted, None
        if center is None and wished.is_center_followed and not self._is_followed:
            limit = wished.center_step_limit
            center = follow(wished.center, self._newest, limit)
        self._is_followed = True
        return wished if center is None else replace(wished, center=center)

    @property
    def readings(self) -> dict[str, float]:
        """Give the records' values; a centre that is not known keeps its old one."""
        newest = self._newest
        if not math.isfinite(newest.center):
            return {"AutoCenterConfidence": 0.0, "CameraRollConfidence": 0.0}
        return {
            "AutoCenter": newest.center, "AutoCenterConfidence": newest.confidence,
            "CameraRoll": newest.roll_deg,
            "CameraRollConfidence": newest.roll_confidence,
        }  # fmt: skip
