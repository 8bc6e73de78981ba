"""How much memory there is to be had. Linux promises more than it has."""

from collections.abc import Iterator
from pathlib import Path


def free_bytes() -> int | None:
    """Give what the system and the container can still give; None: unknown."""
    return min(_figures(), default=None)


def _figures() -> Iterator[int]:
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemAvailable:"):
            yield int(line.split()[1]) << 10
    limit = _number("/sys/fs/cgroup/memory.max")
    used = _number("/sys/fs/cgroup/memory.current")
    if limit is not None and used is not None:
        yield max(limit - used, 0)


def _number(path: str) -> int | None:
    text = "".join(_lines(path)).strip()
    return int(text) if text.isdecimal() else None


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
