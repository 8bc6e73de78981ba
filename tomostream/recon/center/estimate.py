"""The rotation centre of a ring of frames, and how far it can be trusted."""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tomostream.recon.center.bands import Bands, stripes
from tomostream.recon.center.pairs import OppositePair, opposite_pairs
from tomostream.recon.center.registered import TURNING, AxisLine, axis_line
from tomostream.recon.center.roll import axis_roll
from tomostream.recon.center.values import TRUSTED, CenterEstimate, CenterPart
from tomostream.recon.center.wedge import WedgeCurve, evenly, wedge_curve
from tomostream.recon.snapshot import RingSnapshot

F64 = NDArray[np.float64]

LEAST_COLUMNS = 32
_BANDS = 16
_BAND_ROWS = 16
_WEDGE_BANDS = 3
_WEDGE_ROWS = 4
_WEDGE_VIEWS = 720
_WINDOW_TOLERANCE_PX = 0.25
_TRUSTED_ERROR_PX = 0.4
"""An error at which a part's confidence has fallen to a half."""
_TRUSTED_ERROR_DEG = 0.1
_TOLERATED_SPREAD_PX = 1.0
"""Distance of the two methods at which the confidence has fallen to a half."""
_OF_ONE_METHOD = 0.9
_OF_WHAT_IS_STILL = 0.4
"""Highest confidence from what does not turn: a spot on the detector mirrors itself."""


def estimate_center(
    snapshot: RingSnapshot, *, row_budget: int = _BANDS * _BAND_ROWS
) -> CenterEstimate:
    """Estimate the rotation axis' column and its tilt from the frames of a ring.

    Two methods that fail for different reasons are combined: the registration of views
    half a turn apart, and what stands outside the sinogram's double wedge near there.
    Both use the frames' line integrals as they are, without zinger or phase steps.

    Parameters
    ----------
    snapshot
        Not modified. A ring that is partly filled is taken as it is.
    row_budget
        Rows that are read of each frame of a pair; the cost grows with it.

    Returns
    -------
    CenterEstimate
        With confidence 0 and a reason where nothing can be said.
    """
    reason = _refusal(snapshot)
    if reason:
        return CenterEstimate(reason=reason)
    pairs = opposite_pairs(snapshot.angles_deg)
    if not pairs:
        return CenterEstimate(
            reason="no two views are half a turn apart: wait for the ring to fill"
        )
    most_rows = max(row_budget // _BANDS, 1)
    bands = Bands.over(snapshot, most=_BANDS, most_rows=most_rows)
    axis = axis_line(bands, pairs)
    if not math.isfinite(axis.line.value):
        return CenterEstimate(reason="opposite views have nothing in common")
    registration = _registration(axis)
    sharpness = _sharpness(snapshot, bands, axis)
    return _with_roll(_combined(registration, sharpness, axis), snapshot, pairs)


def _refusal(snapshot: RingSnapshot) -> str:
    geometry = snapshot.geometry
    if geometry.n_x < LEAST_COLUMNS:
        return f"frames of {geometry.n_x} columns are too narrow"
    if len(snapshot.frames) < 2:
        return "no frames yet"
    return ""


def _registration(axis: AxisLine) -> CenterPart:
    error = axis.line.value_error
    return CenterPart(
        center=axis.line.value,
        confidence=_rise(axis.significance, 4.0, 16.0) * _trust(error),
        error_px=error,
    )


def _sharpness(snapshot: RingSnapshot, bands: Bands, axis: AxisLine) -> CenterPart:
    """Give the wedge's centre, from the bands in which the registration saw most."""
    if snapshot.geometry.scan_range != 180:
        return CenterPart()
    found: list[tuple[float, float]] = []
    middle = (snapshot.geometry.n_z - 1) / 2
    for band in _strongest(axis.strengths):
        place = float(bands.middles[band]) - middle
        leaning = axis.line.slope * place
        curve = _curve(snapshot, float(bands.middles[band]), axis.line.value + leaning)
        if curve is not None and math.isfinite(curve.center):
            found.append((curve.center - leaning, curve.contrast))
    if not found:
        return CenterPart()
    centers, contrasts = np.array(found).T
    weight = np.maximum(contrasts, 1e-6)
    center = float(weight @ centers / weight.sum())
    scatter = math.sqrt(float(weight @ np.square(centers - center) / weight.sum()))
    # Without contrast the minimum is chance, anywhere within the reach.
    contrast = float(np.max(contrasts))
    error = math.hypot(scatter / math.sqrt(len(found)), 0.05, 0.004 / contrast)
    return CenterPart(
        center=center,
        confidence=_rise(contrast, 0.006, 0.08) * _trust(error),
        error_px=error,
    )


def _strongest(strengths: F64) -> list[int]:
    """Give the bands that say most, one of each third of the height."""
    parts = np.array_split(np.arange(len(strengths)), _WEDGE_BANDS)
    best = [int(part[np.argmax(strengths[part])]) for part in parts if len(part)]
    top = float(strengths.max())
    return [band for band in best if strengths[band] > 0.05 * top]


def _curve(snapshot: RingSnapshot, row: float, near: float) -> WedgeCurve | None:
    rows = min(_WEDGE_ROWS, snapshot.geometry.n_z)
    start = min(max(round(row - (rows - 1) / 2), 0), snapshot.geometry.n_z - rows)
    band = Bands.at(snapshot, starts=(start,), rows=rows)
    chosen = _views(snapshot)
    lines = np.stack([band.lines(int(i))[0] for i in chosen]).astype(np.float64)
    # They and their mirror images would stand outside the wedge for most centres.
    lines -= stripes(lines.mean(axis=0, keepdims=True))
    sinogram = evenly(lines, snapshot.angles_deg[chosen], most=_WEDGE_VIEWS)
    if sinogram is None:
        return None
    curve = wedge_curve(sinogram, near)
    if curve is None or not abs(curve.center - near) > _WINDOW_TOLERANCE_PX:
        return curve
    # The window belongs to the centre that it was made for.
    return wedge_curve(sinogram, curve.center, reach_px=4.0) or curve


def _views(snapshot: RingSnapshot) -> NDArray[np.intp]:
    """Give as many views as are used, spread over the half turn."""
    count = len(snapshot.frames)
    stride = max(count // _WEDGE_VIEWS, 1)
    return np.argsort(snapshot.angles_deg, kind="stable")[::stride]


def _combined(
    registration: CenterPart, sharpness: CenterPart, axis: AxisLine
) -> CenterEstimate:
    a, b = registration, sharpness
    if math.isfinite(b.center):
        of_a, of_b = (part.confidence / part.error_px**2 + 1e-9 for part in (a, b))
        center = (a.center * of_a + b.center * of_b) / (of_a + of_b)
        spread = abs(a.center - b.center)
        either = 1.0 - (1.0 - a.confidence) * (1.0 - b.confidence)
        confidence = either / (1.0 + (spread / _TOLERATED_SPREAD_PX) ** 2)
    else:
        center, spread = a.center, math.nan
        confidence = _OF_ONE_METHOD * a.confidence
    if axis.significance < TURNING:
        confidence = min(confidence, _OF_WHAT_IS_STILL)
    estimate = CenterEstimate(
        center=center, confidence=confidence, registration=a, sharpness=b,
        spread_px=spread,
    )  # fmt: skip
    return replace(estimate, reason=_reason(estimate, axis))


def _reason(estimate: CenterEstimate, axis: AxisLine) -> str:
    if estimate.confidence >= TRUSTED:
        return ""
    if axis.significance < TURNING:
        if estimate.sharpness.confidence < 0.5:
            return "nothing stands out of the noise"
        return "what is seen does not turn: the detector's, or round and centred"
    if estimate.spread_px > 0.5 * _TOLERATED_SPREAD_PX:
        return f"the two methods differ by {estimate.spread_px:.2f} pixels"
    return "opposite views agree poorly"


def _with_roll(
    estimate: CenterEstimate, snapshot: RingSnapshot, pairs: list[OppositePair]
) -> CenterEstimate:
    if estimate.confidence < 0.1:
        return estimate
    roll = axis_roll(snapshot, pairs, estimate.center)
    trust = 1.0 / (1.0 + (roll.error_deg / _TRUSTED_ERROR_DEG) ** 2)
    return replace(
        estimate,
        roll_deg=roll.roll_deg,
        roll_confidence=trust * estimate.confidence,
    )


def _trust(error_px: float) -> float:
    return 1.0 / (1.0 + (error_px / _TRUSTED_ERROR_PX) ** 2)


def _rise(value: float, low: float, high: float) -> float:
    """Give 0 below low, 1 above high, and a smooth way between."""
    part = min(max((value - low) / (high - low), 0.0), 1.0)
    return part * part * (3.0 - 2.0 * part)
