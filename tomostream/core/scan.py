"""Angle tables: which angle a frame has, and which slot of the ring it takes."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from tomostream.core.errors import MalformedTableError, NoAngleError
from tomostream.core.geometry import ScanRange

_HEAD = 1 << 20
"""Entries that are looked at to tell the scan type; tables can hold 131 million."""
MAX_SLOTS = 4096
"""Bins of a table without a step (interlaced, golden ratio)."""


_ROUNDED_ONCE = 0.6
"""Half a unit in the last place, and a little for the float64 rule itself."""
_ROUNDED = 4.0
"""Units in the last place that come of float32 arithmetic, and not of an encoder."""


class ScanKind(StrEnum):
    """How the angle goes on from frame to frame."""

    CONTINUOUS = "continuous"
    BACK_AND_FORTH = "back-and-forth"
    SAWTOOTH = "sawtooth"
    """One sweep again and again, each from its first angle: a recorded scan."""
    INTERLACED = "interlaced"


_SWEEPS = frozenset({ScanKind.BACK_AND_FORTH, ScanKind.SAWTOOTH})
"""Scans in which a frame's slot is its place in the sweep."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AngleTable:
    """Angles by frame index, with the rule that they follow.

    A table of float32 angles at 36000 degrees is only good to 0.004 degrees; where an
    entry is the rule's value rounded to float32, the rule's float64 value is used.
    """

    kind: ScanKind
    start_deg: float
    step_deg: float
    """Signed for continuous scans, positive otherwise; 0 for interlaced ones."""
    low_deg: float
    """Smallest angle of a sweep."""
    sweep_length: int
    """Frames of a sweep; 0 unless back-and-forth or sawtooth."""
    bins: int
    """Distinct angles of an interlaced table in half a turn; 0 otherwise."""
    values: NDArray[np.floating] | None
    """(n_angles,), degrees, as they came; None: a fixed step without end."""

    def __len__(self) -> int:
        return 2**63 - 1 if self.values is None else len(self.values)

    def angle_deg(self, index: int) -> float:
        """Give the angle of the frame with that index.

        Raises
        ------
        NoAngleError
            The index lies outside the table.
        """
        if not 0 <= index < len(self):
            raise NoAngleError(f"frame index {index}: expected 0 to {len(self) - 1}")
        if self.values is None:
            return self.start_deg + index * self.step_deg
        value = float(self.values[index])
        if self.kind is not ScanKind.INTERLACED:
            by_rule = self._by_rule(index, value)
            if abs(by_rule - value) <= _rounding(self.values, value):
                return by_rule
        return value

    def slots(self, scan_range: ScanRange = 180) -> int:
        """Give how many slots the ring needs: the range divided by the step."""
        if self.kind is ScanKind.INTERLACED:
            return min(self.bins * (scan_range // 180), MAX_SLOTS)
        return max(round(scan_range / abs(self.step_deg)), 1)

    def slot(self, index: int, angle_deg: float, scan_range: ScanRange = 180) -> int:
        """Give the slot of a frame; `index` counts from the session's first frame.

        Continuous: by index, so that no slot is skipped when the step does not divide
        the range. Back-and-forth and sawtooth: by position in the sweep, where 0 and
        the full range share a slot. Interlaced: the nearest bin.
        """
        slots = self.slots(scan_range)
        if self.kind is ScanKind.CONTINUOUS:
            return index % slots
        if self.kind in _SWEEPS:
            return round((angle_deg - self.low_deg) / self.step_deg) % slots
        return nearest_bin(angle_deg, slots, scan_range)

    def renewal_frames(self, scan_range: ScanRange = 180) -> int:
        """Give after how many frames a slot must have been replaced."""
        if self.kind in _SWEEPS:
            turns = 2 if self.kind is ScanKind.BACK_AND_FORTH else 1
            return turns * self.sweep_length
        return (2 if self.kind is ScanKind.INTERLACED else 1) * self.slots(scan_range)

    def continues(self, other: "AngleTable") -> bool:
        """Tell whether a ring filled by `other` can go on with this table."""
        if self.kind is not other.kind or self.bins != other.bins:
            return False
        close = abs(self.step_deg - other.step_deg) <= 1e-5 * abs(other.step_deg)
        if self.kind in _SWEEPS:
            return close and abs(self.low_deg - other.low_deg) < 0.5 * self.step_deg
        return close

    def _by_rule(self, index: int, value: float) -> float:
        if self.kind is ScanKind.CONTINUOUS:
            return self.start_deg + index * self.step_deg
        position = round((value - self.low_deg) / self.step_deg)
        return self.low_deg + position * self.step_deg


def fixed_step(step_deg: float, *, start_deg: float = 0.0) -> AngleTable:
    """Make a continuous table without end, for detectors that send no table.

    Raises
    ------
    MalformedTableError
        The step is 0 or not finite.
    """
    if not (np.isfinite(step_deg) and np.isfinite(start_deg)) or step_deg == 0:
        raise MalformedTableError(
            f"angle step: expected a finite step other than 0, got {step_deg}"
        )
    return AngleTable(
        kind=ScanKind.CONTINUOUS, start_deg=start_deg, step_deg=step_deg,
        low_deg=start_deg, sweep_length=0, bins=0, values=None,
    )  # fmt: skip


def by_attribute(bins: int) -> AngleTable:
    """Make a table for frames that carry their angle: equal bins of half a turn.

    Raises
    ------
    MalformedTableError
        Fewer than two bins, or more than `MAX_SLOTS`.
    """
    if not 2 <= bins <= MAX_SLOTS:
        raise MalformedTableError(f"angle bins: expected 2 to {MAX_SLOTS}, got {bins}")
    return AngleTable(
        kind=ScanKind.INTERLACED, start_deg=0.0, step_deg=0.0, low_deg=0.0,
        sweep_length=0, bins=bins, values=None,
    )  # fmt: skip


def angle_table(values: NDArray[np.floating]) -> AngleTable:
    """Find the rule that a table of angles follows.

    Parameters
    ----------
    values
        (n_angles,), degrees. Kept, not copied.

    Raises
    ------
    MalformedTableError
        Fewer than two angles, angles that are not finite, or all the same.
    """
    if values.ndim != 1 or len(values) < 2:
        raise MalformedTableError(
            f"angle table: expected two angles or more, got {values.size}"
        )
    head = values[:_HEAD].astype(np.float64)
    if not np.isfinite(head).all():
        raise MalformedTableError("angle table: expected finite angles")
    steps = np.diff(head)
    moving = steps[steps != 0]
    if moving.size == 0:
        raise MalformedTableError(f"angle table: all angles are {head[0]:g} degrees")
    if _is_even(moving, head) and _is_even(steps, head):
        return _continuous(values, head)
    turns = _turns(steps)
    if turns.size and _is_even(np.abs(moving), head):
        sweep = int(np.median(np.diff(turns))) if len(turns) > 1 else int(turns[0])
        return _swept(
            values, head, kind=ScanKind.BACK_AND_FORTH, sweep=sweep, moving=moving
        )
    sweep = _sawtooth_length(steps, head)
    if sweep:
        return _swept(
            values, head, kind=ScanKind.SAWTOOTH, sweep=sweep, moving=steps[: sweep - 1]
        )
    return AngleTable(
        kind=ScanKind.INTERLACED, start_deg=float(head[0]), step_deg=0.0,
        low_deg=float(head.min()), sweep_length=0, bins=_distinct(head), values=values,
    )  # fmt: skip


def is_same_table(new: NDArray[np.floating], old: NDArray[np.floating] | None) -> bool:
    """Tell cheaply whether a table has come again, by its length and by samples.

    A table of 131 million angles is put again at every start; its rule need not be
    found anew.
    """
    if old is None or new.shape != old.shape or new.dtype != old.dtype:
        return False
    if new is old or np.shares_memory(new[:1], old[:1]):
        return True
    stride = max(len(new) // 4096, 1)
    return bool(
        np.array_equal(new[::stride], old[::stride])
        and np.array_equal(new[:4096], old[:4096])
        and np.array_equal(new[-4096:], old[-4096:])
    )


def nearest_bin(angle_deg: float, bins: int, scan_range: ScanRange = 180) -> int:
    """Give the nearest of `bins` equal bins of the range."""
    return round(angle_deg % scan_range * bins / scan_range) % bins


def _rounding(values: NDArray[np.floating], value: float) -> float:
    # A table is start + k * step in float32: half a unit in the last place for each
    # of the product and the sum, and as much again for a step that was float32 itself.
    return 4.0 * float(np.finfo(values.dtype).eps) * max(abs(value), 1.0)


def _is_even(steps: NDArray[np.float64], head: NDArray[np.float64]) -> bool:
    """Tell whether all steps are one step up to jitter of an encoder and rounding."""
    typical = float(np.median(steps))
    rounding = 4.0 * float(np.finfo(np.float32).eps) * float(np.abs(head).max())
    allowed = 0.45 * abs(typical) + rounding
    return bool((np.abs(steps - typical) <= allowed).all())


def _turns(steps: NDArray[np.float64]) -> NDArray[np.intp]:
    signs = np.sign(steps)
    moving = np.flatnonzero(signs)
    return moving[1:][np.diff(signs[moving]) != 0]


def _continuous(values: NDArray[np.floating], head: NDArray[np.float64]) -> AngleTable:
    # Least squares over all entries seen, not first to last: an end's rounding error
    # in float32 would make 1499 slots of 0.12 degrees.
    start, step = _line(head, np.ones_like(head))
    last_place = np.spacing(np.abs(head).astype(values.dtype)).astype(np.float64)
    least = float(np.spacing(values.dtype.type(abs(step))))
    last_place = np.maximum(last_place, least)
    # Small angles are rounded far less than large ones, and so say more of the line,
    # unless an encoder has measured all of them with the same error.
    sharper = _line(head, last_place**-2)
    if _misfit(head, *sharper, last_place) <= _ROUNDED:
        start, step = _tidied(head, *sharper, last_place)
    return AngleTable(
        kind=ScanKind.CONTINUOUS, start_deg=start, step_deg=step,
        low_deg=float(head.min()), sweep_length=0, bins=0, values=values,
    )  # fmt: skip


def _line(
    head: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[float, float]:
    """Fit start + index * step."""
    index = np.arange(len(head), dtype=np.float64)
    weights = weights / weights.sum()
    middle, mean = float(weights @ index), float(weights @ head)
    centred = index - middle
    step = float((weights * centred) @ (head - mean) / ((weights * centred) @ centred))
    return mean - step * middle, step


def _tidied(
    head: NDArray[np.float64],
    start: float,
    step: float,
    last_place: NDArray[np.float64],
) -> tuple[float, float]:
    """Give the line of fewest decimals that explains every angle, if there is one."""
    for decimals in range(7):
        tidy = round(start, decimals), round(step, decimals)
        if _misfit(head, *tidy, last_place) <= _ROUNDED_ONCE:
            return tidy
    return start, step


def _misfit(
    head: NDArray[np.float64],
    start: float,
    step: float,
    last_place: NDArray[np.float64],
) -> float:
    """Give how far the angles are from a line at most, in units of the last place."""
    rule = start + step * np.arange(len(head))
    return float((np.abs(head - rule) / last_place).max())


def _sawtooth_length(steps: NDArray[np.float64], head: NDArray[np.float64]) -> int:
    """Give after how many angles all repeats, within an even sweep; 0: it does not."""
    returns = np.flatnonzero(np.sign(steps) == -np.sign(np.median(steps)))
    if returns.size == 0:
        return 0
    length = int(returns[0]) + 1
    is_sweep = length > 2 and _is_even(steps[: length - 1], head)
    return length if is_sweep and np.array_equal(head[length:], head[:-length]) else 0


def _swept(
    values: NDArray[np.floating],
    head: NDArray[np.float64],
    *,
    kind: ScanKind,
    sweep: int,
    moving: NDArray[np.float64],
) -> AngleTable:
    low, high = float(head.min()), float(head.max())
    # The whole sweep says the step better than single differences of float32 do.
    step = (high - low) / round((high - low) / float(np.abs(moving).mean()))
    return AngleTable(
        kind=kind, start_deg=float(head[0]), step_deg=step, low_deg=low,
        sweep_length=max(sweep, 1), bins=0, values=values,
    )  # fmt: skip


def _distinct(head: NDArray[np.float64]) -> int:
    folded = np.unique(np.round(head % 180.0, 3) % 180.0)
    return int(min(len(folded), MAX_SLOTS))
