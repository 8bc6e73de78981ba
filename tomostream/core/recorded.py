"""Which projections of a finished scan make a slice, and how much each counts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tomostream.core.geometry import ScanRange
from tomostream.core.scan import AngleTable, ScanKind, angle_table

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RecordedScan:
    """A scan whose projections are all there.

    All that are used count alike, so each direction must come once: of two projections
    of the same one (the ends of a sweep from 0 to 180 degrees) the later is used. Of a
    scan of several turns each complete one is used.
    """

    frames: NDArray[np.intp]
    """(n_used,), indices of the projections used, ascending."""
    angles_deg: F64
    """(n_used,), one for each of them."""
    widest_gap_deg: float
    """Between neighbouring directions, at most."""
    typical_gap_deg: float


def recorded_scan(
    theta_deg: NDArray[np.floating], scan_range: ScanRange = 180
) -> RecordedScan:
    """Choose the projections of a finished scan that make a slice.

    Parameters
    ----------
    theta_deg
        (n_theta,), degrees, in the order in which they were taken.
    scan_range
        Degrees after which a direction comes again.

    Raises
    ------
    MalformedTableError
        Fewer than two angles, angles that are not finite, or all the same.
    """
    table = angle_table(theta_deg)
    angles = np.array([table.angle_deg(k) for k in range(len(theta_deg))])
    directions = _directions(table, angles, scan_range)
    # Of several projections of one direction, the last.
    _, last = np.unique(directions[::-1], return_index=True)
    frames = np.sort(len(directions) - 1 - last)
    gaps = _gaps(angles[frames], scan_range)
    return RecordedScan(
        frames=frames, angles_deg=angles[frames], widest_gap_deg=float(gaps.max()),
        typical_gap_deg=float(np.median(gaps[gaps > 1e-6 * scan_range])),
    )  # fmt: skip


def _directions(
    table: AngleTable, angles: F64, scan_range: ScanRange
) -> NDArray[np.intp]:
    """Give each projection the number of its direction, in each turn anew."""
    index = np.arange(len(angles))
    if table.kind is ScanKind.INTERLACED:
        return _distinct(angles, scan_range)
    per_range = table.slots(scan_range)
    if table.kind is ScanKind.CONTINUOUS:
        return index % _rounded_down(len(angles), per_range)
    places = np.rint((angles - table.low_deg) / table.step_deg).astype(np.intp)
    per_sweep = _rounded_down(int(places.max()), per_range)
    sweeps = max(len(angles) // table.sweep_length, 1)
    return index // table.sweep_length % sweeps * per_sweep + places % per_sweep


def _rounded_down(count: int, unit: int) -> int:
    """Give the whole units in a count, at least one."""
    return max(count // unit, 1) * unit


def _distinct(angles: F64, scan_range: ScanRange) -> NDArray[np.intp]:
    """Give angles in no order their numbers; opposite views are two in a full turn."""

    def folded(period: int) -> F64:
        return np.round(angles % period, 3) % period

    half, whole = folded(180), folded(360)
    is_turn = len(np.unique(whole)) > 1.5 * len(np.unique(half))
    keys = whole if is_turn or scan_range == 360 else half
    return np.unique(keys, return_inverse=True)[1].astype(np.intp)


def _gaps(angles: F64, scan_range: ScanRange) -> F64:
    folded = np.sort(angles % scan_range)
    return np.diff(folded, append=folded[0] + scan_range)
