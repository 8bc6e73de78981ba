"""How much memory there is, and is to be had. Linux promises more than it has."""

import os
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path("/")
_LIMIT = "sys/fs/cgroup/memory.max"


def free_bytes(root: Path = _ROOT) -> int | None:
    """Give what the system and the container can still give; None: unknown.

    Parameters
    ----------
    root
        The folder that ``proc`` and ``sys`` are in.
    """
    return min(_free_figures(root), default=None)


def total_bytes(root: Path = _ROOT) -> int | None:
    """Give all that the system or the container has; None: unknown.

    Parameters
    ----------
    root
        The folder that ``sys`` is in.
    """
    return min(_total_figures(root), default=None)


def _free_figures(root: Path) -> Iterator[int]:
    for line in _lines(root / "proc/meminfo"):
        if line.startswith("MemAvailable:"):
            yield int(line.split()[1]) << 10
    limit = _number(root / _LIMIT)
    used = _number(root / "sys/fs/cgroup/memory.current")
    if limit is not None and used is not None:
        yield max(limit - used, 0)


def _total_figures(root: Path) -> Iterator[int]:
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = _number(root / _LIMIT)
    if limit is not None:
        yield limit


def _number(path: Path) -> int | None:
    text = "".join(_lines(path)).strip()
    return int(text) if text.isdecimal() else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
