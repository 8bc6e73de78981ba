"""Our engine and the published algorithm, timed in turns on the same frames."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from tomostream.bench.program import Program
from tomostream.bench.scene import Feed
from tomostream.core.geometry import Geometry, Planes

_ROUND_S = 1.0
"""How long each of the two runs in a round, about."""
_CALIBRATION_S = 0.1
_LEAST_BATCHES = 3
"""In a round, unless fewer take as long as a round shall."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """Milliseconds per projection, one figure a round."""

    ours_ms: Sequence[float]
    baseline_ms: Sequence[float]

    @property
    def ratio(self) -> float:
        """Of the medians: neither side can pick its best round."""
        return median(self.baseline_ms) / median(self.ours_ms)

    @property
    def ratios(self) -> list[float]:
        """Of each round: how far they spread says how quiet the machine was."""
        return [b / a for a, b in zip(self.ours_ms, self.baseline_ms, strict=True)]


def timed_rounds(
    programs: tuple[Program, Program], feeds: tuple[Feed, Feed], *, rounds: int
) -> Rounds:
    """Let ours and the baseline take turns: both meet a machine that gets slower."""
    pairs = tuple(zip(programs, feeds, strict=True))
    counts = [_batches_in(_ROUND_S, *pair) for pair in pairs]
    times: tuple[list[float], list[float]] = [], []
    for _ in range(rounds):
        for (program, feed), count, found in zip(pairs, counts, times, strict=True):
            found.append(1e3 * _seconds(program, feed, count) / (count * feed.batch))
    return Rounds(ours_ms=times[0], baseline_ms=times[1])


def arrival_ms(program: Program, feed: Feed, *, frames: int = 200) -> float:
    """Give the median time from one frame to three slices."""
    times: list[float] = []
    for _ in range(frames):
        batch = feed.take(1)
        start = time.perf_counter()
        program.add(batch)
        times.append(time.perf_counter() - start)
    return 1e3 * median(times)


def moves_ms(
    program: Program,
    planes: Planes,
    geometry: Geometry,
    *,
    repeats: int,
    axes: str = "xyz",
) -> dict[str, float]:
    """Give the median time from a moved plane to the new slices, by axis."""
    found: dict[str, float] = {}
    for axis in axes:
        size = geometry.n_z if axis == "z" else geometry.n_out
        times: list[float] = []
        for i in range(repeats):
            place = (getattr(planes, axis) + 1 + i) % size
            start = time.perf_counter()
            program.move(replace(planes, **{axis: place}))
            program.slices()
            times.append(time.perf_counter() - start)
        found[axis] = 1e3 * median(times)
    return found


def _seconds(program: Program, feed: Feed, count: int) -> float:
    batches = [feed.take() for _ in range(count)]
    start = time.perf_counter()
    for batch in batches:
        program.add(batch)
    return time.perf_counter() - start


def _batches_in(seconds: float, program: Program, feed: Feed) -> int:
    _seconds(program, feed, 1)  # the first one may allocate
    batches, spent_s = 0, 0.0
    while spent_s < _CALIBRATION_S:
        spent_s += _seconds(program, feed, 1)
        batches += 1
    per_batch_s = spent_s / batches
    least = _LEAST_BATCHES if per_batch_s < seconds else 1
    return max(round(seconds / per_batch_s), least)
