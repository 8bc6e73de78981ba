"""Zingers: single pixels that a stray photon or particle has hit."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def without_zingers(
    transmission: NDArray[Any], *, radius: int, threshold: float
) -> NDArray[Any]:
    """Replace pixels that differ much from the median around them by that median.

    A pixel p is replaced by the median m of the square of ``2 radius + 1`` pixels
    around it where ``|p - m| > threshold m``. Beyond the edge stand the nearest pixels.

    Parameters
    ----------
    transmission
        (..., n_z, n_x), dimensionless, finite. Not modified.
    radius
        Of the window, pixels; 0 changes nothing.
    threshold
        Dimensionless; 0 replaces every pixel by its median.

    References
    ----------
    The running median of Tukey, Exploratory Data Analysis (1977), ch. 7.
    """
    if radius == 0:
        return transmission.copy()
    side = 2 * radius + 1
    edges = [(0, 0)] * (transmission.ndim - 2) + [(radius, radius)] * 2
    padded = np.pad(transmission, edges, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), (-2, -1))
    median = np.median(windows, axis=(-2, -1)).astype(transmission.dtype)
    # |p - m| > t m without a difference, which would round.
    is_zinger = (transmission > (1 + threshold) * median) | (
        transmission < (1 - threshold) * median
    )
    return np.where(is_zinger, median, transmission)
