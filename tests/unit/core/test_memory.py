from pathlib import Path

import pytest

from tomostream.core.memory import free_bytes, total_bytes

MEMINFO = "MemTotal:  100 kB\nMemFree:  1 kB\nMemAvailable:    80 kB\n"


def system(root: Path, meminfo: str = MEMINFO, **container: str) -> Path:
    """Write what a system says of its memory; give the folder."""
    (root / "proc").mkdir()
    (root / "proc/meminfo").write_text(meminfo)
    cgroup = root / "sys/fs/cgroup"
    cgroup.mkdir(parents=True)
    for name, text in container.items():
        (cgroup / f"memory.{name}").write_text(f"{text}\n")
    return root


def test_free_memory_is_what_the_system_says(tmp_path: Path) -> None:
    assert free_bytes(system(tmp_path)) == 80 * 1024


def test_free_memory_is_not_guessed(tmp_path: Path) -> None:
    assert free_bytes(tmp_path / "missing") is None


@pytest.mark.parametrize(
    ("limit", "used", "free"),
    [("5000", "2000", 3000), ("5000", "6000", 0), ("900000", "0", 80 * 1024),
     ("max", "2000", 80 * 1024)],
)  # fmt: skip
def test_free_memory_ends_at_the_limit_of_the_container(
    tmp_path: Path, limit: str, used: str, free: int
) -> None:
    assert free_bytes(system(tmp_path, max=limit, current=used)) == free


def test_all_memory_ends_at_the_limit_of_the_container(tmp_path: Path) -> None:
    machine = total_bytes(tmp_path / "missing")
    assert machine is not None
    assert machine > 5000
    assert total_bytes(system(tmp_path, max="5000")) == 5000


def test_a_container_without_a_limit_has_all_memory(tmp_path: Path) -> None:
    unlimited = system(tmp_path, max="max")
    assert total_bytes(unlimited) == total_bytes(tmp_path / "missing")
