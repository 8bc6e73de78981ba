"""Phase contrast: the projected thickness out of one propagated image."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

TAIL = 1e-4
"""What is left of the filter's kernel at the end of the padding."""

LEAST = 40
"""Fewest pixels of padding: a narrow kernel, cut at the highest frequency, rings as
1 / x^2."""


def padding(strength_px2: float, size: int) -> int:
    """Give the pixels to add on both sides of an axis of this size.

    Along one axis the filter's kernel is exp(-|x| / l) / (2 l), l = sqrt(strength).
    Wider than a frame it is cut: what it would see is a guess.
    """
    tail = math.ceil(math.sqrt(strength_px2) * math.log(1 / TAIL))
    return max(min(size, tail), LEAST)


def phase_retrieved(transmission: NDArray[Any], *, strength_px2: float) -> NDArray[Any]:
    """Give the transmission that the sample would show without propagation.

    For a sample of one material, transmission times ``1 / (1 + strength k^2)`` in
    Fourier space, k in rad/pixel; its -ln is then proportional to the projected
    thickness. The frame continues with its edge values.

    Parameters
    ----------
    transmission
        (..., n_z, n_x), dimensionless, finite. Not modified.
    strength_px2
        Wavelength times distance times (delta / beta) / (4 pi), in pixels squared:
        `PhaseRetrieval.strength_px2`.

    References
    ----------
    Paganin et al., J. Microscopy 206 (2002) 33, doi:10.1046/j.1365-2818.2002.01010.x.
    """
    n_z, n_x = transmission.shape[-2:]
    z, x = padding(strength_px2, n_z), padding(strength_px2, n_x)
    edges = [(0, 0)] * (transmission.ndim - 2) + [(z, z), (x, x)]
    padded = np.pad(transmission, edges, mode="edge")
    shape = padded.shape[-2:]
    k_z = 2 * np.pi * np.fft.fftfreq(shape[0])[:, np.newaxis]
    k_x = 2 * np.pi * np.fft.rfftfreq(shape[1])
    response = 1 / (1 + strength_px2 * (k_z**2 + k_x**2))
    spectrum = np.fft.rfft2(padded) * response.astype(transmission.dtype)
    filtered = np.fft.irfft2(spectrum, shape)
    return filtered[..., z : z + n_z, x : x + n_x]
