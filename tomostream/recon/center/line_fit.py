"""A line through measured places of which some are wrong."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

_TUKEY = 4.685
"""Residuals beyond so many standard deviations have no say."""
_ROUNDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """value + slope * place, with the standard error of the value."""

    value: float
    """At place 0."""
    slope: float
    value_error: float
    """inf where nothing could be fitted."""


def robust_line(places: F64, values: F64, errors: F64, *, sloped: bool) -> Line:
    """Fit a line to values with errors, ignoring outliers.

    Parameters
    ----------
    places, values, errors
        (n,); values with an infinite error have no say.
    sloped
        Whether there is a slope; else it is 0 and the line a robust mean.

    References
    ----------
    Beaton & Tukey, Technometrics 16 (1974) 147, doi:10.1080/00401706.1974.10489171:
    the biweight, here with the errors' weights.
    """
    usable = np.isfinite(errors) & np.isfinite(values)
    count = int(usable.sum())
    if not count:
        return Line(value=float("nan"), slope=0.0, value_error=np.inf)
    x, y, sigma = places[usable], values[usable], errors[usable]
    sloped = sloped and count >= 4
    line = _start(x, y, sigma, sloped=sloped)
    scale, deviation = 1.0, np.inf
    for _ in range(_ROUNDS):
        residual = (y - line[0] - line[1] * x) / sigma
        scale = max(1.4826 * float(np.median(np.abs(residual))), 1.0)
        share = np.clip(1.0 - np.square(residual / (_TUKEY * scale)), 0.0, None) ** 2
        fitted, deviation = _weighted(x, y, share / sigma**2, sloped=sloped)
        is_still = abs(fitted[0] - line[0]) + abs(fitted[1] - line[1]) < 1e-9
        line = fitted
        if is_still:
            break
    # Errors of the values may have been told too small: the scatter knows better.
    return Line(value=line[0], slope=line[1], value_error=deviation * scale)


def _start(x: F64, y: F64, sigma: F64, *, sloped: bool) -> tuple[float, float]:
    """Give the median of the slopes between all places, and of what is left."""
    slope = 0.0
    if sloped:
        i, j = np.triu_indices(len(x), 1)
        apart = x[j] != x[i]
        slopes = (y[j] - y[i])[apart] / (x[j] - x[i])[apart]
        slope = _median(slopes, (1 / (sigma[i] ** 2 + sigma[j] ** 2))[apart])
    return _median(y - slope * x, sigma**-2), slope


def _median(values: F64, weights: F64) -> float:
    order = np.argsort(values)
    running = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(running, 0.5 * running[-1])])


def _weighted(
    x: F64, y: F64, weight: F64, *, sloped: bool
) -> tuple[tuple[float, float], float]:
    """Give value and slope, and the standard error of the value."""
    total = float(weight.sum())
    mean_x, mean_y = float(weight @ x) / total, float(weight @ y) / total
    spread = float(weight @ np.square(x - mean_x))
    if not sloped or spread <= 0:
        return (mean_y, 0.0), total**-0.5
    slope = float(weight @ ((x - mean_x) * (y - mean_y))) / spread
    value_error = (1 / total + mean_x**2 / spread) ** 0.5
    return (mean_y - slope * mean_x, slope), value_error
