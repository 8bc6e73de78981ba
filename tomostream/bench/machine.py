"""Which processor the figures are for."""

import os
import platform
import time
from pathlib import Path


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
