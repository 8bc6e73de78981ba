"""The axis' tilt in the detector's plane from views half a turn apart."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tomostream.recon.center.pairs import (
    NEARLY_EXACT_DEG,
    OppositePair,
    wrapped_deg,
)
from tomostream.recon.snapshot import RingSnapshot

F64 = NDArray[np.float64]

LEAST_ROWS = 32
_LARGEST = 256
"""Rows and columns of the images that are compared; larger frames are binned."""
_LARGEST_ROLL_DEG = 8.0
_MOST_PAIRS = 4
_ROUNDS = 20
_CONVERGED = 1e-5
"""Of the tilt, rad."""
_SMOOTHING_PX = 2.5
"""Standard deviation of a Gaussian: images must be smooth on the scale of a step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roll:
    """A tilt in the detector's plane."""

    roll_deg: float
    error_deg: float
    """Standard error; inf where nothing could be said."""


UNKNOWN = Roll(roll_deg=0.0, error_deg=math.inf)


def axis_roll(snapshot: RingSnapshot, pairs: list[OppositePair], center: float) -> Roll:
    """Find the tilt that mirrors opposite views into each other.

    Reflection about a tilted line moves features up on one side and down on the other;
    rows compared each with itself would see half of the tilt of a round sample. So the
    whole images are registered, in column, row and tilt.

    Parameters
    ----------
    snapshot
        Not modified.
    pairs
        The nearest to half a turn first.
    center
        Column of the axis at the middle row, pixels.
    """
    n_z, n_x = snapshot.geometry.frame_shape
    if n_z < LEAST_ROWS:
        return UNKNOWN
    factor = max(math.ceil(n_z / _LARGEST), math.ceil(n_x / _LARGEST))
    if min(n_z, n_x) // factor < LEAST_ROWS // 2:
        return UNKNOWN
    chosen = pairs[:_MOST_PAIRS]
    found = np.array([_registered(snapshot, p, center, factor) for p in chosen])
    return _mean(found[np.isfinite(found[:, 1])])


def _registered(
    snapshot: RingSnapshot, pair: OppositePair, center: float, factor: int
) -> tuple[float, float]:
    """Give the tilt of one pair and its error, degrees."""
    first = _turned(snapshot, pair.first, 0.5 * pair.excess_deg, factor)
    second = _turned(snapshot, pair.second, -0.5 * pair.excess_deg, factor)
    # Pixel centres are integers: binning moves a column by half a bin.
    state = np.array([(center + 0.5) / factor - 0.5, 0.0, 0.0])
    jacobian, inverse = _linearised(first, state[0])
    residual = np.zeros(0)
    for _ in range(_ROUNDS):
        residual = _residual(first, second, state)
        # A beam that decays adds a constant: the last of the four.
        step = inverse @ np.array([(part * residual).sum() for part in jacobian])
        if not np.isfinite(step).all():
            return 0.0, math.inf
        state += step[:3]
        if abs(step[1]) < _CONVERGED and abs(step[0]) < 0.01:
            break
    error = _noise(residual[jacobian[3] > 0]) * math.sqrt(max(inverse[1, 1], 0.0))
    roll_deg = math.degrees(state[1])
    if abs(roll_deg) > _LARGEST_ROLL_DEG or abs(state[2]) > 0.1 * len(first):
        return 0.0, math.inf
    return roll_deg, math.degrees(error)


def _turned(snapshot: RingSnapshot, index: int, turn_deg: float, factor: int) -> F64:
    """Give the image of a frame as if the sample had turned a little more.

    The image changes as it does towards the nearest other view; over a step that moves
    features by less than the smoothing, that is nearly exact.
    """
    image = _image(snapshot, index, factor)
    if abs(turn_deg) <= NEARLY_EXACT_DEG:
        return image
    away = np.abs(wrapped_deg(snapshot.angles_deg - snapshot.angles_deg[index]))
    away[away < NEARLY_EXACT_DEG] = np.inf
    nearest = int(np.argmin(away))
    if away[nearest] > 4 * abs(turn_deg):
        return image
    apart = snapshot.angles_deg[index] - snapshot.angles_deg[nearest]
    share = turn_deg / float(wrapped_deg(apart))
    return image + share * (image - _image(snapshot, nearest, factor))


def _linearised(first: F64, center: float) -> tuple[list[F64], F64]:
    """Give how the mirrored view changes with column, tilt, height and brightness.

    By the first view's own slopes, which are the mirrored one's where they agree, so
    that it is done once.

    References
    ----------
    Baker & Matthews, Lucas-Kanade 20 years on, Int. J. Computer Vision 56 (2004) 221,
    doi:10.1023/B:VISI.0000011205.11775.fd.
    """
    n_z, n_x = first.shape
    w = np.arange(n_z)[:, None] - (n_z - 1) / 2
    u = np.arange(n_x) - center
    d_row, d_column = np.gradient(first)
    # Mirrored columns run the other way.
    parts = [-2 * d_column, 2 * (d_row * u - d_column * w), d_row, np.ones_like(first)]
    weight = np.zeros_like(first)
    margin = math.ceil(2 * _SMOOTHING_PX)
    weight[margin : n_z - margin, margin : n_x - margin] = 1.0
    weight *= (2 * center - np.arange(n_x) >= margin) & (
        2 * center - np.arange(n_x) <= n_x - 1 - margin
    )
    weighted = [weight * part for part in parts]
    normal = np.array([[(a * b).sum() for b in parts] for a in weighted])
    try:
        return weighted, np.linalg.inv(normal)
    except np.linalg.LinAlgError:
        return weighted, np.full((4, 4), np.nan)


def _residual(first: F64, second: F64, state: F64) -> F64:
    """Give the first view less the second, mirrored about the tilted axis."""
    center, roll, height = state
    n_z, n_x = first.shape
    w = np.arange(n_z)[:, None] - (n_z - 1) / 2
    u = np.arange(n_x) - center
    cosine, sine = math.cos(2 * roll), math.sin(2 * roll)
    # The reflection of (u, w) about the line (sin roll, cos roll).
    column = np.clip(center - u * cosine + w * sine, 0, n_x - 1.001)
    row = np.clip(u * sine + w * cosine + (n_z - 1) / 2 + height, 0, n_z - 1.001)
    top, left = row.astype(np.intp), column.astype(np.intp)
    below, right = row - top, column - left
    corner = top * n_x + left
    a, b = second.take(corner), second.take(corner + 1)
    c, d = second.take(corner + n_x), second.take(corner + n_x + 1)
    upper, lower = a + right * (b - a), c + right * (d - c)
    return first - upper - below * (lower - upper)


def _noise(residual: F64) -> float:
    """Give the deviation of independent samples that act like the smoothed residual."""
    if not len(residual):
        return math.inf
    middle = residual - np.median(residual)
    # The smoothing leaves one independent sample in 4 pi sigma^2 pixels.
    return math.sqrt(4 * math.pi * _SMOOTHING_PX**2 * float(np.square(middle).mean()))


def _image(snapshot: RingSnapshot, index: int, factor: int) -> F64:
    """Give the smoothed line integrals of one frame, binned; dead pixels are filled."""
    n_z, n_x = snapshot.geometry.frame_shape
    rows, columns = n_z // factor, n_x // factor

    def binned(image: NDArray[Any]) -> F64:
        cut = image[: rows * factor, : columns * factor].astype(np.float64)
        return cut.reshape(rows, factor, columns, factor).mean(axis=(1, 3))

    alive = (snapshot.flat > snapshot.dark) & np.isfinite(snapshot.frames[index])
    lines = np.where(alive, np.clip(snapshot.lines(index), -1.0, 9.0), 0.0)
    weight = _smoothed(_smoothed(binned(alive)).T).T
    return _smoothed(_smoothed(binned(lines)).T).T / np.maximum(weight, 1e-3)


def _smoothed(image: F64) -> F64:
    """Convolve columns with a Gaussian; they go on with their edge values."""
    half = math.ceil(3 * _SMOOTHING_PX)
    kernel = np.exp(-0.5 * (np.arange(-half, half + 1) / _SMOOTHING_PX) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(image, ((half, half), (0, 0)), mode="edge")
    count = len(image)
    smooth = np.zeros_like(image)
    for k, weight in enumerate(kernel):
        smooth += weight * padded[k : k + count]
    return smooth


def _mean(found: F64) -> Roll:
    """Give the mean of tilts and errors (n, 2)."""
    if not len(found):
        return UNKNOWN
    rolls, errors = found.T
    weight = np.hypot(errors, 0.003) ** -2.0
    mean = float(weight @ rolls / weight.sum())
    # Pairs share what is wrong with the model, so their errors are not independent.
    scatter = math.sqrt(float(weight @ np.square(rolls - mean) / weight.sum()))
    return Roll(roll_deg=mean, error_deg=math.hypot(float(errors.min()), scatter))
