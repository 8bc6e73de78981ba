"""The rotation axis from views half a turn apart.

A view half a turn later is the mirror image of the first, about the axis' column. The
second is mirrored about the middle of the frame; by how much it is then displaced says
where the axis is.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

_SMOOTHING_PX = 1.5
"""Standard deviation of the derivative's Gaussian: wide enough that a parabola
describes the minimum of the squared difference."""
_MARGIN_PX = 6
"""Columns at both ends that the derivative's kernel does not reach in full."""
_LEAST_OVERLAP = 0.12
"""Of the columns: with less, chance finds as good an agreement somewhere."""
_BAND_REACH_PX = 6.0
"""How far a band's axis may lie from that of the whole, if the camera is not rolled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BandShift:
    """Where the views of one pair or of many agree, by band of rows."""

    center: float
    """Column of the axis, pixels, from all bands together."""
    correlation: float
    """Of all bands there, -1 to 1."""
    samples: float
    """Independent samples that the correlation is made of."""
    centers: F64
    """(n_bands,), pixels."""
    errors: F64
    """(n_bands,), standard errors by curvature and remaining difference; inf where a
    band says nothing."""


def derivative(lines: F64) -> F64:
    """Smooth rows (..., n_x) by a Gaussian and differentiate; margins are 0.

    An offset or a slow slope, as a decaying beam makes, has no part in it.
    """
    radius = _MARGIN_PX - 1
    x = np.arange(-radius, radius + 1)
    kernel = x * np.exp(-0.5 * (x / _SMOOTHING_PX) ** 2)
    kernel /= (kernel * x).sum()
    n_x = lines.shape[-1]
    out = np.zeros(lines.shape, np.float64)
    inside = slice(_MARGIN_PX, n_x - _MARGIN_PX)
    for offset, weight in zip(x, kernel, strict=True):
        out[..., inside] += (
            weight * lines[..., _MARGIN_PX + offset : n_x - _MARGIN_PX + offset]
        )
    return out


def coarse_center(first: F64, mirrored: F64) -> float:
    """Find the axis anywhere on the detector, to half a pixel.

    Parameters
    ----------
    first, mirrored
        (n_rows, n_x): derivatives of line integrals; rows of all bands and pairs.

    Returns
    -------
    float
        Where the correlation of the columns that both views see is most significant.
        A sample may be wider than the frame: only the overlap counts.

    References
    ----------
    Padfield, Masked object registration in the Fourier domain, IEEE Trans. Image
    Process. 21 (2012) 2706, doi:10.1109/TIP.2011.2181402.
    """
    n_x = first.shape[-1]
    shifts, correlation, overlap = _correlations(first, mirrored)
    # Fisher's z: of two equal correlations that of the larger overlap says more.
    significance = np.arctanh(np.clip(correlation, -0.999, 0.999)) * np.sqrt(overlap)
    return float(shifts[int(np.argmax(significance))] + n_x - 1) / 2


def refined(first: F64, mirrored: F64, near: float, *, reach_px: float) -> BandShift:
    """Find the axis near a column, for each band and for all together.

    The squared difference within a fixed window is minimised: it is least at the true
    shift whatever lies beyond the window, and noise adds the same everywhere.

    Parameters
    ----------
    first, mirrored
        (n_pairs, n_bands, n_x): derivatives of line integrals.
    near
        Column to start from, pixels.
    reach_px
        How far from there the axis may be.
    """
    n_x = first.shape[-1]
    start = round(2 * near) - (n_x - 1)
    # What is looked for far off costs columns at both ends of the overlap.
    overlap = n_x - abs(start) - 2 * _MARGIN_PX
    reach = max(min(int(np.ceil(2 * reach_px)) + 1, overlap // 6), 2)
    shifts = start + np.arange(-reach, reach + 1)
    window = _window(n_x, start, reach)
    difference, correlation = _compared(first, mirrored, shifts, window)
    pooled = difference.sum(axis=0)
    place, _ = _minimum(pooled)
    best = round(place)
    bands = [_minimum(curve) for curve in difference]
    middle = (n_x - 1) / 2
    effective = window.sum() / (2 * _SMOOTHING_PX)
    return BandShift(
        center=(shifts[0] + place) / 2 + middle,
        correlation=float(correlation[best]),
        samples=float(effective * first.shape[0] * first.shape[1]),
        centers=np.array([(shifts[0] + p) / 2 + middle for p, _ in bands]),
        errors=np.array(
            [
                0.5 * _error(curve, p, k, effective * first.shape[0])
                for curve, (p, k) in zip(difference, bands, strict=True)
            ]
        ),
    )


def _correlations(first: F64, mirrored: F64) -> tuple[NDArray[np.intp], F64, F64]:
    """Give for each shift d the correlation of first[s + d] with mirrored[s]."""
    n_x = first.shape[-1]
    shifts = np.arange(-(n_x - 1), n_x)
    size = 2 * n_x
    product = np.fft.rfft(first, size) * np.fft.rfft(mirrored, size).conj()
    common = np.fft.irfft(product.sum(axis=0), size)[shifts]
    low, high = np.maximum(0, shifts), np.minimum(n_x, n_x + shifts)
    of_first, of_mirrored = _running_energy(first), _running_energy(mirrored)
    energy = (of_first[high] - of_first[low]) * (
        of_mirrored[high - shifts] - of_mirrored[low - shifts]
    )
    overlap = (high - low).astype(np.float64)
    # Where hardly anything is seen in the overlap, its correlation is chance.
    least = 1e-4 * of_first[-1] * of_mirrored[-1] + np.finfo(np.float64).tiny
    correlation = common / np.sqrt(np.maximum(energy, least))
    correlation[overlap < _LEAST_OVERLAP * n_x] = 0.0
    return shifts, correlation, overlap


def _running_energy(rows: F64) -> F64:
    return np.concatenate([[0.0], np.cumsum(np.square(rows).sum(axis=0))])


def _window(n_x: int, shift: int, reach: int) -> F64:
    """Weigh the columns of the mirrored view that the first sees at every shift."""
    columns = np.arange(n_x)
    low = max(_MARGIN_PX, _MARGIN_PX - shift + reach)
    high = min(n_x - 1 - _MARGIN_PX, n_x - 1 - _MARGIN_PX - shift - reach)
    from_edge = np.minimum(columns - low, high - columns) + 1.0
    taper = max(0.1 * (high - low), 1.0)
    return 0.5 - 0.5 * np.cos(np.pi * np.clip(from_edge / taper, 0.0, 1.0))


def _compared(
    first: F64, mirrored: F64, shifts: NDArray[np.intp], window: F64
) -> tuple[F64, F64]:
    """Give squared differences (n_bands, n_shifts) and correlations (n_shifts)."""
    n_x = first.shape[-1]
    own = _weighed(mirrored, mirrored, window)
    difference = np.empty((first.shape[1], len(shifts)))
    correlation = np.empty(len(shifts))
    for k, shift in enumerate(shifts):
        moved = np.zeros_like(first)
        low, high = max(0, -shift), min(n_x, n_x - shift)
        if low < high:
            moved[..., low:high] = first[..., low + shift : high + shift]
        others = _weighed(moved, moved, window)
        common = _weighed(moved, mirrored, window)
        difference[:, k] = (own + others - 2 * common).sum(axis=0)
        energy = np.sqrt(own.sum() * others.sum())
        correlation[k] = common.sum() / energy if energy > 0 else 0.0
    return difference, correlation


def _weighed(a: F64, b: F64, window: F64) -> F64:
    # Not by BLAS, whose threads would take cores from the reconstruction.
    return np.einsum("...x,...x,x->...", a, b, window)


def _minimum(curve: F64) -> tuple[float, float]:
    """Give the place of the least value, and the curvature there; 0 at an end."""
    k = int(np.argmin(curve))
    if not 0 < k < len(curve) - 1:
        return float(k), 0.0
    left, middle, right = curve[k - 1 : k + 2]
    curvature = left - 2 * middle + right
    if curvature <= 0:
        return float(k), 0.0
    return k + 0.5 * (left - right) / curvature, float(curvature)


def _error(curve: F64, place: float, curvature: float, samples: float) -> float:
    if curvature <= 0 or samples < 8:
        return np.inf
    # Least squares: variance = 2 residual / (samples * curvature), in shifts.
    least = float(curve[round(place)])
    return float(np.sqrt(max(2.0 * least / curvature, 0.0) / samples))
