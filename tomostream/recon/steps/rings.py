"""What makes rings: stripes that stay in place while the sample turns."""

import math
from typing import Any

import numpy as np
import pywt
from numpy.typing import NDArray

from tomostream.core.steps import RingRemoval

_WAVELET = "sym16"
"""Sixteen vanishing moments: what a polynomial of the fifteenth order describes, as
the smooth profile of a sample, has no details."""
_TAPS = 32
"""Of that wavelet."""
_LEAST_ROWS = 8
_ROWS = 64
"""Rows whose windows are sorted at once; bounds the memory, and fits the cache."""


def ring_correction(
    mean_lines: NDArray[Any], *, method: RingRemoval, width: float
) -> NDArray[Any]:
    """Give what to subtract from every projection's line integrals.

    A wrong pixel adds the same value to all projections; the sample moves past it. So
    in the mean over a revolution the sample is smooth along x, and what is not smooth
    is the pixels' own: unless the sample has the axis' symmetry, as the wall of a tube
    that turns about itself, or lies within ``width`` of the axis. Such structure goes
    on from row to row. So what is found is taken for a ring only as far as it differs
    from the rows above and below; a stripe much higher than ``width`` is left, and
    frames of fewer than 8 rows are taken as they are.

    Parameters
    ----------
    mean_lines
        (n_z, n_x), line integrals, mean over a revolution, finite. Not modified.
    method
        ``FOURIER_WAVELET``: the details of a wavelet decomposition along x. The mean
        is the stripes' zero frequency along theta, the only one that stripes have which
        last for a revolution. ``HIGH_PASS``: the mean minus a smoothed one, a
        running median that ignores stripes narrower than ``width``, then a Gaussian.
    width
        Widest ring that is removed, pixels. The wider, the more of the sample is taken
        for a ring: 4 to 8 is enough for most.

    References
    ----------
    Muench et al., Opt. Express 17 (2009) 8567, doi:10.1364/OE.17.008567;
    Boin & Haibel, Opt. Express 14 (2006) 12071, doi:10.1364/OE.14.012071.
    """
    n_x = mean_lines.shape[1]
    # Wider than the frame there is nothing to tell a ring from the sample.
    width = min(max(width, 1.0), n_x / 2)
    if method is RingRemoval.FOURIER_WAVELET:
        return _local(_details(mean_lines, width), width)
    if method is RingRemoval.HIGH_PASS:
        return _local(mean_lines - _smoothed(mean_lines, width), width)
    return np.zeros_like(mean_lines)


def _local(found: NDArray[Any], width: float) -> NDArray[Any]:
    """Take out what goes on along z."""
    n_z = found.shape[0]
    if n_z < _LEAST_ROWS:
        return found
    columns = np.ascontiguousarray(found.T)
    return found - _smoothed(columns, min(width, n_z / 4)).T


def _details(mean: NDArray[Any], width: float) -> NDArray[Any]:
    """Give the wavelet details along x that are finer than twice the width."""
    n_x = mean.shape[1]
    # A box of the width keeps half of itself in the approximation at its own scale.
    levels = math.ceil(math.log2(width)) + 1
    reach = (_TAPS - 1) * 2**levels
    # Mirrored, an edge is no step. As long as the widest wavelet, whatever n_x.
    pad = min(reach, max(n_x, reach - n_x))
    padded = np.pad(mean, ((0, 0), (pad, pad)), mode="symmetric")
    levels = min(levels, pywt.dwt_max_level(padded.shape[1], _TAPS))
    parts = pywt.wavedec(padded, _WAVELET, mode="symmetric", level=levels, axis=1)
    parts[0] = np.zeros_like(parts[0])
    details = pywt.waverec(parts, _WAVELET, mode="symmetric", axis=1)
    return np.ascontiguousarray(details[:, pad : pad + n_x])


def _smoothed(mean: NDArray[Any], width: float) -> NDArray[Any]:
    """Give the mean without stripes, by a median and a Gaussian along x.

    Both vary slowly: they are computed at every fourth of the width, and interpolated.
    """
    n_x = mean.shape[1]
    reach, stride = math.ceil(width), max(1, int(width / 4))
    centres = np.arange(0, n_x + stride, stride)
    medians = np.empty((mean.shape[0], centres.size), mean.dtype)
    after = reach + int(centres[-1]) + 1 - n_x
    for first in range(0, mean.shape[0], _ROWS):
        rows = slice(first, first + _ROWS)
        padded = np.pad(mean[rows], ((0, 0), (reach, after)), mode="symmetric")
        windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, 1)
        # A copy: partition works in place.
        chosen = windows[:, ::stride].copy()
        chosen.partition(reach, axis=-1)
        medians[rows] = chosen[..., reach]
    smooth = _blurred(medians, sigma=width / 2 / stride)
    columns = np.arange(n_x)
    left = columns // stride
    part = ((columns - left * stride) / stride).astype(mean.dtype)
    return smooth[:, left] * (1 - part) + smooth[:, left + 1] * part


def _blurred(rows: NDArray[Any], *, sigma: float) -> NDArray[Any]:
    """Convolve rows with a Gaussian; the edges are mirrored."""
    n = rows.shape[1]
    pad = min(n, math.ceil(5 * sigma))
    padded = np.pad(rows, ((0, 0), (pad, pad)), mode="symmetric")
    frequency = 2 * np.pi * np.fft.rfftfreq(padded.shape[1])
    response = np.exp(-0.5 * (sigma * frequency) ** 2).astype(rows.dtype)
    spectrum = np.fft.rfft(padded, axis=1) * response
    return np.fft.irfft(spectrum, padded.shape[1], axis=1)[:, pad : pad + n]
