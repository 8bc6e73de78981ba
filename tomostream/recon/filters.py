r"""The FBP filters: what each does to a projection, and how it is computed.

A projection's row is convolved with a kernel h whose frequency response is

.. math:: H(t) = |t| \, W(t), \qquad 0 \le |t| \le 1/2

with t in cycles per pixel and W the filter's apodisation:

=============  =====================================  ===========================
Filter         W(t)                                   computed by
=============  =====================================  ===========================
Parzen         :math:`(1 - 2t)^3`                     recursion
Shepp-logan    :math:`\sin(\pi t) / (\pi t)`          recursion
Ramp           :math:`1`                              recursion
Butterworth    :math:`1 / (1 + (2t)^{16})`            FFT
Hann           :math:`(1 + \cos 2 \pi t) / 2`         recursion
Cosine         :math:`\cos \pi t`                     FFT
=============  =====================================  ===========================

"Parzen" is the cubic window of existing servers, kept so that an operator's choice
looks as before; Parzen's own window is a piecewise cubic that is a little wider.
Butterworth is of order 8, 1 / (1 + (t / t_c)^(2 * 8)), with its cut-off t_c = 1/2 at
the Nyquist frequency, where it halves the ramp. Shepp-Logan is the sinc window, whose
kernel is 2 / (pi^2 (1 - 4 k^2)).

The kernels are those of the *continuous* response, sampled in space:
h[k] = 2 * integral from 0 to 1/2 of H(t) cos(2 pi k t) dt. That and a linear, not
circular, convolution keep values free of bias (Kak & Slaney, Principles of Computerized
Tomographic Imaging, ch. 3, doi:10.1137/1.9780898719277). A ramp sampled in frequency
lacks the kernel's mean and darkens the slices.

Beyond its ends a row continues with its edge values: an object wider than the field of
view then loses no brightness at its rim. The sum of every kernel over all k is 0.
"""

import numpy as np
from numpy.typing import NDArray

from tomostream.core.parameters import FilterType
from tomostream.recon.filter_form import RecursiveFilter, SpectralFilter

F64 = NDArray[np.float64]

RECURSIVE = (
    FilterType.PARZEN,
    FilterType.SHEPP_LOGAN,
    FilterType.RAMP,
    FilterType.HANN,
)
"""Filters whose kernel a few exponentials fit. The others cut at Nyquist: their kernels
oscillate over the whole row."""


def realisation(filter_type: FilterType, n_x: int) -> RecursiveFilter | SpectralFilter:
    """Give the cheapest form of a filter for rows of n_x columns."""
    from tomostream.recon.filter_table import TABLE

    sizes = [size for size in TABLE.get(filter_type.value, {}) if size >= n_x]
    if sizes:
        poles, weights, taps = TABLE[filter_type.value][min(sizes)]
        is_odd = filter_type is FilterType.RAMP
        return RecursiveFilter(poles=poles, weights=weights, taps=taps, odd=is_odd)
    return spectral(filter_type, n_x)


def spectral(filter_type: FilterType, n_x: int) -> SpectralFilter:
    """Give a filter's response on the next power of two above two rows."""
    size = 1 << (2 * n_x - 1).bit_length()
    h = kernel(filter_type, n_x)
    return SpectralFilter(response=response_of(h, size), tail=tail(h))


def response_of(h: F64, size: int) -> F64:
    """Give the response (size / 2 + 1) of an even kernel h[0] .. h[n - 1], 2 n <= size.

    From frequency 0 to Nyquist.
    """
    circular = np.zeros(size)
    circular[: len(h)] = h
    circular[size - len(h) + 1 :] = h[:0:-1]
    return np.fft.rfft(circular).real


def tail(h: F64) -> F64:
    """Give the sum over k > x of a kernel whose sum over all k is 0."""
    return float(h[0]) / 2 - np.cumsum(h, dtype=np.float64)


def kernel(filter_type: FilterType, length: int) -> F64:
    """Give h[0] .. h[length - 1] of a filter, pixel^-1, in float64."""
    k = np.arange(length, dtype=np.float64)
    if filter_type is FilterType.RAMP:
        h = np.zeros(length)
        h[0] = 0.25
        h[1::2] = -1.0 / (np.pi * k[1::2]) ** 2
        return h
    if filter_type is FilterType.SHEPP_LOGAN:
        return 2.0 / (np.pi**2 * (1.0 - 4.0 * k**2))
    return _integrated(filter_type, length)


def response(filter_type: FilterType, t: F64) -> F64:
    """Give H at frequencies 0 <= t <= 1/2 cycles per pixel."""
    if filter_type is FilterType.PARZEN:
        return t * (1.0 - 2.0 * t) ** 3
    if filter_type is FilterType.SHEPP_LOGAN:
        return np.sin(np.pi * t) / np.pi
    if filter_type is FilterType.BUTTERWORTH:
        return t / (1.0 + (2.0 * t) ** 16)
    if filter_type is FilterType.HANN:
        return t * 0.5 * (1.0 + np.cos(2.0 * np.pi * t))
    if filter_type is FilterType.COSINE:
        return t * np.cos(np.pi * t)
    return t


def _integrated(filter_type: FilterType, length: int) -> F64:
    """Integrate the response numerically, by Gauss-Legendre panels of 4 points.

    A cosine of the highest k has a quarter of a period per panel. On equally spaced
    panels the sum over all of them is one FFT per Gauss point.
    """
    panels = 1 << (4 * length - 1).bit_length()
    points, weights = np.polynomial.legendre.leggauss(4)
    k = np.arange(length)
    h = np.zeros(length)
    for point, weight in zip(points, weights, strict=True):
        shift = (point + 1.0) / 2.0
        t = (np.arange(panels) + shift) * (0.5 / panels)
        # sum over m of H(t_m) exp(2 pi i k (m + shift) / (2 panels))
        sums = np.fft.ifft(response(filter_type, t), 2 * panels)[:length] * 2 * panels
        turned = sums * np.exp(1j * np.pi * k * shift / panels)
        h += weight * turned.real * (0.5 / panels)
    return h
