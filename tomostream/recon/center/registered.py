"""The axis' line on the detector from all pairs of opposite views of a ring."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tomostream.recon.center.bands import Bands, stripes
from tomostream.recon.center.line_fit import Line, robust_line
from tomostream.recon.center.pairs import OppositePair
from tomostream.recon.center.registration import (
    coarse_center,
    derivative,
    refined,
)

F64 = NDArray[np.float64]

_FLOOR_PX = 0.03
"""No band is better than this: pixels are not points, and samples drift."""
_MOST_ROLL = math.tan(math.radians(2.0))
TURNING = 6.0
"""Standard deviations by which opposite views must agree in what turns."""
_STILL_FRAMES = 24
"""Frames whose mean tells what does not turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisLine:
    """The axis' column by row, from opposite views."""

    line: Line
    """Places are rows from the middle row."""
    significance: float
    """Standard deviations by which opposite views agree better than by chance, in what
    turns; what stands still says nothing."""
    strengths: F64
    """(n_bands,), how much each band says."""


def axis_line(bands: Bands, pairs: list[OppositePair]) -> AxisLine:
    """Register the pairs band by band, and lay a line through the columns found."""
    still = _still(bands)
    first, mirrored = _views(bands, pairs, stripes(still))
    turning = _views(bands, pairs, still)
    near = _start(first, mirrored, turning)
    n_z = bands.snapshot.geometry.n_z
    places = bands.middles - (n_z - 1) / 2
    wide = refined(first, mirrored, near, reach_px=4.0 + 0.5 * _MOST_ROLL * n_z)
    errors = np.hypot(wide.errors, _FLOOR_PX)
    line = robust_line(places, wide.centers, errors, sloped=_is_tall(n_z))
    if math.isfinite(line.value):
        centers, errors = _narrowed(first, mirrored, line, places, pairs)
        line = robust_line(places, centers, errors, sloped=_is_tall(n_z))
    if not math.isfinite(line.value):
        return AxisLine(line=line, significance=0.0, strengths=np.zeros(len(places)))
    return AxisLine(
        line=line,
        significance=_significance(turning, line.value),
        strengths=np.where(np.isfinite(errors), errors**-2.0, 0.0),
    )


def _narrowed(
    first: F64, mirrored: F64, line: Line, places: F64, pairs: list[OppositePair]
) -> tuple[F64, F64]:
    """Give each band's column, and its error, as if its pairs were exactly opposite."""
    excess = np.array([pair.excess_deg for pair in pairs])
    centers, errors = np.empty(len(places)), np.empty(len(places))
    for band, place in enumerate(places):
        near = line.value + line.slope * place
        rows = slice(band, band + 1)
        if np.ptp(excess) < 1e-3:
            found = refined(first[:, rows], mirrored[:, rows], near, reach_px=2.0)
            centers[band] = found.centers[0]
            errors[band] = np.hypot(found.errors[0], _FLOOR_PX)
            continue
        each = [
            refined(first[k : k + 1, rows], mirrored[k : k + 1, rows], near, reach_px=2)
            for k in range(len(pairs))
        ]
        centers[band], errors[band] = _at_half_a_turn(
            excess,
            np.array([found.centers[0] for found in each]),
            np.array([found.errors[0] for found in each]),
        )
    return centers, errors


def _at_half_a_turn(excess: F64, centers: F64, errors: F64) -> tuple[float, float]:
    """Extrapolate columns that change with the pairs' excess to none.

    A sample that lies beside the axis moves sideways as it goes on turning.
    """
    usable = np.isfinite(errors)
    if usable.sum() < 2 or np.ptp(excess[usable]) < 1e-3:
        return float(np.mean(centers)), math.inf
    errors = np.hypot(errors, _FLOOR_PX)
    weight = np.where(usable, errors**-2.0, 0.0)
    mean = float(weight @ excess / weight.sum())
    spread = float(weight @ np.square(excess - mean))
    middle = float(weight @ centers / weight.sum())
    slope = float(weight @ ((excess - mean) * (centers - middle)) / spread)
    error = math.sqrt(1 / weight.sum() + mean**2 / spread)
    return middle - slope * mean, error


def _still(bands: Bands) -> F64:
    """Give the mean lines (n_bands, n_x) of frames spread over the ring."""
    count = len(bands.snapshot.frames)
    order = np.argsort(bands.snapshot.angles_deg % 360.0)
    chosen = order[np.unique(np.linspace(0, count - 1, _STILL_FRAMES).astype(int))]
    lines = np.stack([bands.lines(int(i)) for i in chosen])
    return lines.mean(axis=0, dtype=np.float64)


def _views(bands: Bands, pairs: list[OppositePair], removed: F64) -> tuple[F64, F64]:
    """Give derivatives (n_pairs, n_bands, n_x) of the first and mirrored views.

    What stands still may be removed before: all of it, so that only what turns is left,
    or the narrow lines of the detector, which would hold the axis where they mirror
    each other; what is wide may be a sample that is round and stands in the middle.
    """
    first = [bands.lines(pair.first) - removed for pair in pairs]
    second = [bands.lines(pair.second) - removed for pair in pairs]
    return derivative(np.stack(first)), derivative(np.stack(second)[..., ::-1])


def _start(first: F64, mirrored: F64, turning: tuple[F64, F64]) -> float:
    """Give the axis' column to half a pixel.

    Strong patterns of the detector may outweigh a faint sample: what turns is asked
    too, and believed where it is sure of another column.
    """
    of_all = coarse_center(_rows(first), _rows(mirrored))
    of_turning = coarse_center(_rows(turning[0]), _rows(turning[1]))
    if abs(of_all - of_turning) <= 2.0:
        return of_all
    sure = _significance(turning, of_turning)
    is_surer = sure > TURNING and sure > _significance(turning, of_all)
    return of_turning if is_surer else of_all


def _significance(turning: tuple[F64, F64], near: float) -> float:
    """Give the standard deviations by which what turns agrees near a column."""
    found = refined(*turning, near, reach_px=2.0)
    z = math.atanh(min(max(found.correlation, 0.0), 0.999))
    return z * math.sqrt(found.samples)


def _rows(views: F64) -> F64:
    return views.reshape(-1, views.shape[-1])


def _is_tall(n_z: int) -> bool:
    return n_z >= 32
