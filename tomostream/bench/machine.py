"""What the figures are for: the processor, its memory, and who else uses them."""

import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tomostream.runtime.spread import spread

_STREAM_BYTES = 384 << 20
"""Several times the last-level cache of most machines."""
_STREAM_REPEATS = 7


def cpu_model(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Give the processor's name as it says itself."""
    try:
        lines = cpuinfo.read_text(errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() == "model name" and value.strip():
            return value.strip()
    return platform.processor() or platform.machine()


def cores() -> int:
    """Give the cores that this process may use."""
    return len(os.sched_getaffinity(0))


def load_average() -> float | None:
    """Give the threads that wanted to run, mean of the last minute; None: unknown."""
    try:
        return os.getloadavg()[0]
    except OSError:
        return None


def memory_gb_per_s(
    threads: int,
    *,
    n_bytes: int = _STREAM_BYTES,
    now_s: Callable[[], float] = time.perf_counter,
) -> float:
    """Measure how fast memory moves in the ring's own pattern; the best of some runs.

    For each new 16-bit pixel a half-precision value is read and another one is written
    in its place. So 16-bit numbers are added in place here: 2 bytes read, 2 read, 2
    written. All threads work on parts of their own.
    """
    count = max(n_bytes // (4 * threads), 1)
    parts = [
        (np.ones(count, np.uint16), np.ones(count, np.uint16)) for _ in range(threads)
    ]

    def add(index: int) -> None:
        new, ring = parts[index]
        np.add(new, ring, out=ring)

    best_s = np.inf
    for _ in range(_STREAM_REPEATS):
        start_s = now_s()
        spread(add, threads, threads=threads)
        best_s = min(best_s, now_s() - start_s)
    return 1e-9 * 6 * count * threads / best_s


class OtherLoad:
    """How many cores other programs took meanwhile: they slow both sides, unevenly."""

    def __init__(self, stat: Path = Path("/proc/stat")) -> None:
        self._stat = stat
        self._start = self._now()

    def cores(self) -> float | None:
        """Give the mean since the start; None where the system does not say."""
        busy, own, wall = (
            now - then for now, then in zip(self._now(), self._start, strict=True)
        )
        if self._start[0] < 0 or wall <= 0:
            return None
        return max((busy - own) / wall, 0.0)

    def _now(self) -> tuple[float, float, float]:
        return self._busy_s(), time.process_time(), time.perf_counter()

    def _busy_s(self) -> float:
        """Give the seconds of all cores in use since the start of the machine."""
        try:
            fields = self._stat.read_text().splitlines()[0].split()
            user, nice, system, _idle, _wait, irq, soft, steal = map(int, fields[1:9])
        except (OSError, IndexError, ValueError):
            return -1.0
        ticks = user + nice + system + irq + soft + steal
        return ticks / os.sysconf("SC_CLK_TCK")
