"""Estimates in a row: what is published, what Center does with it."""

import math
from dataclasses import dataclass, field, replace

from tomostream.recon.center.values import TRUSTED, CenterEstimate

_GATE_PX = 0.5
"""Estimates nearer than that to the published value are of the same axis."""
_CONFIRMATIONS = 3
"""Estimates elsewhere that agree with each other, until the axis has moved."""
_SHARE = 0.4
"""Of a fully trusted estimate in the published value."""
_FADING = 0.7
"""What is left of the confidence after an update without a usable estimate."""
_LEAST = 0.1
"""Confidence below which an estimate has no say."""
_STILL_PX = 0.02
"""Center is not moved by less: each move remakes the slices."""


@dataclass(slots=True)
class CenterTracker:
    """Smooth estimates in a row; follow an axis that has moved, ignore outliers.

    Owned by the thread that estimates.
    """

    _shown: CenterEstimate = field(default_factory=CenterEstimate)
    _elsewhere: list[CenterEstimate] = field(default_factory=list)

    @property
    def shown(self) -> CenterEstimate:
        """What `update` gave last."""
        return self._shown

    def reset(self) -> None:
        """Forget all: frames of another size or binning have another axis."""
        self._shown = CenterEstimate()
        self._elsewhere.clear()

    def update(self, estimate: CenterEstimate) -> CenterEstimate:
        """Take an estimate and give what is to be published.

        A usable estimate near the published value moves it by a share that grows with
        its confidence. One elsewhere lowers the confidence; when three in a row agree,
        the axis has moved there. Without a usable estimate the value stays and its
        confidence fades.
        """
        if not (math.isfinite(estimate.center) and estimate.confidence >= _LEAST):
            self._shown = self._faded(estimate.reason)
        elif not math.isfinite(self._shown.center) or self._shown.confidence < _LEAST:
            self._settle(estimate)
        elif abs(estimate.center - self._shown.center) <= _GATE_PX:
            self._elsewhere.clear()
            self._shown = _blended(self._shown, estimate)
        else:
            self._hear(estimate)
        return self._shown

    def _settle(self, estimate: CenterEstimate) -> None:
        self._elsewhere.clear()
        self._shown = estimate

    def _hear(self, estimate: CenterEstimate) -> None:
        # Also the first of them: an axis that drifts steadily is not three outliers.
        self._elsewhere = [
            other for other in self._elsewhere
            if abs(other.center - estimate.center) <= _GATE_PX
        ] + [estimate]  # fmt: skip
        if len(self._elsewhere) >= _CONFIRMATIONS:
            self._settle(estimate)
        else:
            self._shown = self._faded("the axis seems to have moved")

    def _faded(self, reason: str) -> CenterEstimate:
        shown = self._shown
        return replace(
            shown,
            confidence=_FADING * shown.confidence,
            roll_confidence=_FADING * shown.roll_confidence,
            reason=reason,
        )


def follow(
    current_center: float,
    estimate: CenterEstimate,
    limit_px: float,
    *,
    least_confidence: float = TRUSTED,
) -> float | None:
    """Give the Center to set when it follows the estimate.

    Parameters
    ----------
    current_center
        Center in use, pixels.
    estimate
        As published by the tracker.
    limit_px
        Center is never moved farther at once.
    least_confidence
        Below it Center stays where it is.

    Returns
    -------
    float or None
        None where Center stays.
    """
    if estimate.confidence < least_confidence or not math.isfinite(estimate.center):
        return None
    distance = estimate.center - current_center
    if not math.isfinite(distance) or abs(distance) < _STILL_PX or not limit_px > 0:
        return None
    return current_center + min(max(distance, -limit_px), limit_px)


def accept(estimate: CenterEstimate) -> float | None:
    """Give the Center to set when the operator accepts the estimate; None: no such.

    The operator sees the confidence, so it is not asked for here.
    """
    if not math.isfinite(estimate.center) or estimate.confidence <= 0:
        return None
    return estimate.center


def _blended(shown: CenterEstimate, new: CenterEstimate) -> CenterEstimate:
    share = _SHARE * new.confidence
    roll_share = _SHARE * new.roll_confidence
    return replace(
        new,
        center=_between(shown.center, new.center, share),
        confidence=_between(shown.confidence, new.confidence, _SHARE),
        roll_deg=_between(shown.roll_deg, new.roll_deg, roll_share),
        roll_confidence=_between(shown.roll_confidence, new.roll_confidence, _SHARE),
    )


def _between(old: float, new: float, share: float) -> float:
    return old + share * (new - old)
