"""Which views of the ring look at the sample from opposite sides."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

MOST_PAIRS = 8
"""More would hardly say more than these, and each is read in full."""

NEARLY_EXACT_DEG = 0.02
"""A feature 1000 pixels off the axis moves by a third of a pixel."""
_ENOUGH = 3
"""Exact pairs beside which inexact ones are not needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OppositePair:
    """Two frames about half a turn apart."""

    first: int
    second: int
    """Index of the frame that is to be mirrored."""
    excess_deg: float
    """Angle from the first to the second, less 180 degrees."""


def opposite_pairs(angles_deg: F64, *, most: int = MOST_PAIRS) -> list[OppositePair]:
    """Find the pairs of frames that are nearest to half a turn apart.

    Parameters
    ----------
    angles_deg
        (n_frames,), in any order, not reduced to a turn.
    most
        Pairs that are given at most: exact ones where there are enough, spread over
        the turn; else those whose excess is at most twice the smallest. A continuous
        ring of half a turn has none that is exact: its ends are a step too near.

    Returns
    -------
    list
        Exact pairs first; empty where no two views are nearly opposite.
    """
    first, second, excess = _nearest_opposites(angles_deg)
    if not len(first):
        return []
    size = np.abs(excess)
    exact = np.flatnonzero(size <= NEARLY_EXACT_DEG)
    if len(exact) >= _ENOUGH:
        by_angle = exact[np.argsort(angles_deg[first[exact]] % 360.0, kind="stable")]
        chosen = by_angle[_spread(len(by_angle), most)]
    else:
        near = np.flatnonzero(size <= _reach_deg(angles_deg, float(size.min())))
        chosen = near[np.argsort(size[near], kind="stable")][:most]
    return [
        OppositePair(first=int(i), second=int(j), excess_deg=float(e))
        for i, j, e in zip(first[chosen], second[chosen], excess[chosen], strict=True)
    ]


def opposite_of(angles_deg: F64, index: int) -> OppositePair | None:
    """Find the view that is nearest to the opposite of one frame.

    Returns
    -------
    OppositePair or None
        None where nothing within 5 degrees is held. The frame is its `first`.
    """
    excess = wrapped_deg(angles_deg - angles_deg[index] - 180.0)
    nearest = int(np.argmin(np.abs(excess)))
    if abs(excess[nearest]) > 5.0:
        return None
    return OppositePair(first=index, second=nearest, excess_deg=float(excess[nearest]))


def typical_step_deg(angles_deg: F64) -> float:
    """Give the median distance of neighbouring views, ignoring half turns."""
    folded = np.sort(angles_deg % 180.0)
    steps = np.diff(folded, append=folded[0] + 180.0)
    moving = steps[steps > 1e-6]
    return float(np.median(moving)) if len(moving) else 180.0


def wrapped_deg(angle_deg: F64) -> F64:
    """Bring differences of angles to -180 up to 180."""
    return (angle_deg + 180.0) % 360.0 - 180.0


def _nearest_opposites(
    angles_deg: F64,
) -> tuple[NDArray[np.intp], NDArray[np.intp], F64]:
    """Give for each frame its two neighbours at the other side of the turn."""
    count = len(angles_deg)
    turned = angles_deg % 360.0
    order = np.argsort(turned, kind="stable")
    wanted = np.searchsorted(turned[order], (turned + 180.0) % 360.0)
    firsts = np.repeat(np.arange(count), 4)
    seconds = order[(wanted[:, None] + np.arange(-2, 2)) % count].ravel()
    excess = wrapped_deg(angles_deg[seconds] - angles_deg[firsts] - 180.0)
    # Each pair is found from both of its frames.
    later = (seconds > firsts) & (np.abs(excess) <= 5.0)
    pairs = np.unique(np.stack([firsts[later], seconds[later]], axis=1), axis=0)
    first, second = pairs[:, 0], pairs[:, 1]
    return first, second, wrapped_deg(angles_deg[second] - angles_deg[first] - 180.0)


def _reach_deg(angles_deg: F64, smallest: float) -> float:
    step = typical_step_deg(angles_deg)
    return min(smallest + 1.1 * step, 5.0)


def _spread(count: int, most: int) -> NDArray[np.intp]:
    if count <= most:
        return np.arange(count)
    return np.linspace(0, count, most, endpoint=False).astype(np.intp)
