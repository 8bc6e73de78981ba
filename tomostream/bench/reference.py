"""A reconstruction in float64 that shares no code with the engine, to judge it by.

References
----------
Kak & Slaney, Principles of Computerized Tomographic Imaging, IEEE Press 1988, ch. 3.3:
filtered backprojection with the band-limited ramp kernel, linear interpolation.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tomostream.core.geometry import Geometry, Planes
from tomostream.core.slices import Slices

F64 = NDArray[np.float64]


def ramp_kernel(length: int) -> F64:
    """Give the ramp filter's kernel h[0], h[1], ... in the spatial domain.

    Sampling the frequency response instead would wrap around and lose the zero
    frequency: a bias.
    """
    kernel = np.zeros(length)
    kernel[0] = 0.25
    odd = np.arange(1, length, 2)
    kernel[odd] = -1.0 / (np.pi * odd) ** 2
    return kernel


def filtered_rows(line_integrals: F64) -> F64:
    """Filter rows by linear convolution: padded to twice their width and more.

    Parameters
    ----------
    line_integrals
        (..., n_x), dimensionless; zero outside the row.

    Returns
    -------
    ndarray
        (..., n_x), 1/pixel.
    """
    n = line_integrals.shape[-1]
    length = 2 * n
    kernel = np.zeros(length)
    kernel[:n] = ramp_kernel(n)
    kernel[length - n + 1 :] = kernel[1:n][::-1]
    response = np.fft.rfft(kernel).real
    spectrum = np.fft.rfft(line_integrals, length, axis=-1)
    return np.fft.irfft(spectrum * response, length, axis=-1)[..., :n]


def reference_slices(
    line_integrals: NDArray[np.floating],
    theta_deg: F64,
    *,
    center: float,
    planes: Planes,
    geometry: Geometry,
) -> Slices:
    """Reconstruct three slices in float64.

    Parameters
    ----------
    line_integrals
        (n_theta, n_z, n_x), dimensionless.
    theta_deg
        (n_theta,), evenly spread over half a turn.
    """
    n, n_z = geometry.n_out, geometry.n_z
    z, y, x = np.zeros((n, n)), np.zeros((n_z, n)), np.zeros((n_z, n))
    places = np.arange(n) - float(n // 2)
    for rows, cos, sin in _filtered(line_integrals, theta_deg):
        shared = center + places * cos, center - places * sin
        z += _interpolated(rows[planes.z], shared[0] - places[:, None] * sin)
        y += _interpolated(rows, shared[0] - places[planes.y] * sin)
        x += _interpolated(rows, shared[1] + places[planes.x] * cos)
    scale = np.pi / len(theta_deg)
    return Slices(
        z=(z * scale).astype(np.float32),
        y=(y * scale).astype(np.float32),
        x=(x * scale).astype(np.float32),
    )


def _filtered(
    line_integrals: NDArray[np.floating], theta_deg: F64
) -> Iterator[tuple[F64, float, float]]:
    # One projection at a time: all of them in float64 would be gigabytes.
    for projection, angle_deg in zip(line_integrals, theta_deg, strict=True):
        theta = np.deg2rad(angle_deg)
        yield (
            filtered_rows(projection.astype(np.float64)),
            float(np.cos(theta)),
            float(np.sin(theta)),
        )


def _interpolated(rows: F64, columns: F64) -> F64:
    """Give samples between the columns; zero beyond one column outside the row."""
    padded = np.pad(rows, [(0, 0)] * (rows.ndim - 1) + [(1, 2)])
    at = np.clip(columns + 1.0, 0.0, rows.shape[-1] + 1.0)
    left = np.floor(at).astype(np.intp)
    weight = at - left
    return (1.0 - weight) * padded[..., left] + weight * padded[..., left + 1]
