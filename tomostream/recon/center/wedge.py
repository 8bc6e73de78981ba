"""The rotation axis from the spectrum of a sinogram.

A sinogram of half a turn, followed by its own mirror image, is that of a full turn if
it was mirrored about the axis. The spectrum of a full turn is empty outside a double
wedge, whose opening is the sample's radius; about any other column the halves do not
fit together, and it is not empty. A slice is blurred by just what stands there.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

_STEP_PX = 0.5
_WRAP = 32
"""Columns of zeros, into which candidates may move the second half."""
_MOST_FREQUENCIES = 512
"""The lowest say where the axis is; what is above them costs time on wide frames."""
_LEAST_ROWS = 45
"""Views of half a turn; fewer leave no room outside the wedge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WedgeCurve:
    """What stands outside the double wedge, for candidate centres."""

    centers: F64
    """(n_candidates,), pixels."""
    outside: F64
    """(n_candidates,), mean modulus."""

    @property
    def center(self) -> float:
        """The column where least stands outside, by a parabola; NaN at an end."""
        place = self._least()
        if place is None:
            return float("nan")
        return float(np.interp(place, np.arange(len(self.centers)), self.centers))

    @property
    def contrast(self) -> float:
        """How much deeper the minimum is than the curve is usually, 0 to 1."""
        usual = float(np.median(self.outside))
        return 1.0 - float(self.outside.min()) / usual if usual > 0 else 0.0

    def _least(self) -> float | None:
        k = int(np.argmin(self.outside))
        if not 0 < k < len(self.outside) - 1:
            return None
        left, middle, right = self.outside[k - 1 : k + 2]
        bend = left - 2 * middle + right
        return k + (0.5 * (left - right) / bend if bend > 0 else 0.0)


def wedge_curve(
    sinogram: F64, near: float, *, reach_px: float = 6.0, step_px: float = _STEP_PX
) -> WedgeCurve | None:
    """Measure what stands outside the double wedge for centres near a column.

    Parameters
    ----------
    sinogram
        (n_theta, n_x), line integrals at even angles of half a turn.
    near
        Column to start from, pixels.
    reach_px, step_px
        How far from there candidates are tried, and their distance.

    Returns
    -------
    WedgeCurve or None
        None where there are too few views, or hardly a column left or right of the
        axis.

    References
    ----------
    Vo, Drakopoulos, Atwood & Reinhard, Reliable method for calculating the center of
    rotation in parallel-beam tomography, Opt. Express 22 (2014) 19078,
    doi:10.1364/OE.22.019078.
    Edholm, Lewitt & Lindholm, Novel properties of the Fourier decomposition of the
    sinogram, Proc. SPIE 671 (1986) 8, doi:10.1117/12.966672: the double wedge.
    """
    n_theta, n_x = sinogram.shape
    low, high, window = _window(n_x, near)
    if n_theta < _LEAST_ROWS or high - low < 16:
        return None
    part = sinogram[:, low:high]
    size = _even(len(window) + _WRAP)
    lines = np.fft.rfft((part - part.mean()) * window, size)[:, :_MOST_FREQUENCIES]
    frequency = np.arange(lines.shape[1]) / size
    spectrum = _at_angles(lines, 0), _at_angles(lines.conj(), n_theta)
    mask = _outside(n_theta, frequency, radius=len(window) / 2)
    if not mask.any():
        return None
    count = round(reach_px / step_px)
    centers = np.arange(-count, count + 1, dtype=np.float64) * step_px + near
    outside = _modulus(spectrum, mask, frequency, 2 * (centers - low))
    return WedgeCurve(centers=centers, outside=outside)


def evenly(sinogram: F64, angles_deg: F64, *, most: int) -> F64 | None:
    """Put views in order of angle, and at even angles of half a turn.

    Parameters
    ----------
    sinogram
        (n_theta, n_x), in any order.
    angles_deg
        (n_theta,), modulo 180 within one half turn.
    most
        Views that are given at most.

    Returns
    -------
    ndarray or None
        None where a gap of several steps is left.
    """
    order = np.argsort(angles_deg, kind="stable")
    angles, rows = angles_deg[order], sinogram[order]
    distinct = np.concatenate([[True], np.diff(angles) > 1e-6])
    angles, rows = angles[distinct], rows[distinct]
    count = len(angles)
    if count < _LEAST_ROWS:
        return None
    gaps = np.diff(angles)
    step = float(np.median(gaps))
    span = float(angles[-1] - angles[0])
    if gaps.max() > 4 * step or abs(span + step - 180.0) > 4 * step:
        return None
    wanted = min(round(180.0 / step), most)
    # The half turn begins where the views do; its last view is a step before its end.
    at = angles[0] + np.arange(wanted) * (180.0 / wanted)
    place = np.interp(at, angles, np.arange(count))
    left = np.minimum(place.astype(np.intp), count - 2)
    part = (place - left)[:, None]
    return (1 - part) * rows[left] + part * rows[left + 1]


def _window(n_x: int, near: float) -> tuple[int, int, F64]:
    """Give the columns that both halves see, with a smooth end at both sides."""
    reach = min(near, n_x - 1 - near)
    low, high = int(np.ceil(near - reach)), int(np.floor(near + reach)) + 1
    columns = np.arange(low, high)
    beyond = reach + 1.0 - np.abs(columns - near)
    return low, high, _rise(beyond / max(0.15 * reach, 1.0))


def _rise(part: F64) -> F64:
    return 0.5 - 0.5 * np.cos(np.pi * np.clip(part, 0.0, 1.0))


def _at_angles(lines: NDArray[np.complex128], first: int) -> NDArray[np.complex128]:
    n_theta = len(lines)
    turn = np.zeros((2 * n_theta, lines.shape[1]), np.complex128)
    turn[first : first + n_theta] = lines
    return np.fft.fft(turn, axis=0)


def _outside(n_theta: int, frequency: F64, *, radius: float) -> NDArray[np.bool_]:
    """Mark the spectrum's places outside the double wedge of that radius."""
    # A point at that radius makes 2 pi radius * frequency cycles a turn at most.
    cycles = np.abs(np.fft.fftfreq(2 * n_theta, 0.5 / n_theta))[:, None]
    # Some cycles more: the wedge's edge is not sharp.
    outside = cycles > 2 * np.pi * radius * frequency + 4.0
    # At low frequencies along x there is much power of the sample's ends.
    outside[:, frequency < 2.0 / radius / 2] = False
    return outside


def _modulus(
    spectrum: tuple[NDArray[np.complex128], NDArray[np.complex128]],
    mask: NDArray[np.bool_],
    frequency: F64,
    mirrors: F64,
) -> F64:
    """Give the mean modulus outside, with the second half at columns mirror - s."""
    own, second = (half[mask].astype(np.complex64) for half in spectrum)
    column = np.nonzero(mask)[1]
    outside = np.empty(len(mirrors))
    for k, mirror in enumerate(mirrors):
        phase = np.exp(-2j * np.pi * frequency * mirror).astype(np.complex64)
        outside[k] = np.abs(own + second * phase[column]).mean(dtype=np.float64)
    return outside


def _even(size: int) -> int:
    return size + size % 2
