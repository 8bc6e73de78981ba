"""What an estimate of the rotation axis says."""

import math
from dataclasses import dataclass

TRUSTED = 0.6
"""Confidence from which Center may follow by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CenterPart:
    """What one method found."""

    center: float = math.nan
    """Column of the axis at the middle row, pixels; NaN where it found none."""
    confidence: float = 0.0
    """0 to 1."""
    error_px: float = math.inf
    """Standard error that the method expects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CenterEstimate:
    """The rotation axis as a ring's frames show it."""

    center: float = math.nan
    """Detector column of the axis at the middle row (n_z - 1) / 2, pixels; NaN where
    nothing could be said."""
    confidence: float = 0.0
    """How far it can be trusted, 0 to 1; from `TRUSTED` on Center may follow it."""
    roll_deg: float = 0.0
    """Tilt of the axis in the detector's plane: positive where its column grows with
    the row, as `core.orientation.Orientation.roll_deg` takes it out."""
    roll_confidence: float = 0.0
    """0 to 1."""
    registration: CenterPart = CenterPart()
    """From views half a turn apart."""
    sharpness: CenterPart = CenterPart()
    """From what would blur the slices, the energy outside the sinogram's wedge."""
    spread_px: float = math.nan
    """How far the two are apart; NaN where one found nothing."""
    reason: str = ""
    """Why the confidence is low, in words for the operator; else empty."""
