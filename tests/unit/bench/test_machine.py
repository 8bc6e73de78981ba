"""Which processor figures are for."""

from pathlib import Path

import pytest

from tomostream.bench.machine import (
    OtherLoad,
    cpu_model,
    memory_gb_per_s,
)


def test_processor_is_named_as_it_names_itself(tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text("processor\t: 0\nmodel name\t: A CPU @ 2 GHz\nflags\t: a b\n")
    assert cpu_model(info) == "A CPU @ 2 GHz"


def test_processor_without_a_file_still_has_some_name(tmp_path: Path) -> None:
    assert cpu_model(tmp_path / "missing")


def test_cores_in_use_by_others_are_counted(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    stat.write_text("cpu  100 0 50 900 3 0 0 0 0 0\n")
    others = OtherLoad(stat)
    # A thousand seconds of work can not have been done in no time by this process.
    stat.write_text("cpu  100100 0 50 900 3 0 0 0 0 0\n")
    cores = others.cores()
    assert cores is not None
    assert cores > 100


def test_waiting_is_not_work(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    stat.write_text("cpu  100 0 50 900 3 0 0 0 0 0\n")
    others = OtherLoad(stat)
    stat.write_text("cpu  100 0 50 99900 300 0 0 0 0 0\n")
    assert others.cores() == 0.0


def test_a_system_that_does_not_say_is_not_guessed(tmp_path: Path) -> None:
    assert OtherLoad(tmp_path / "missing").cores() is None


def test_memory_speed_counts_two_reads_and_a_write_of_two_bytes() -> None:
    times = iter(range(100))
    # Each run seems to take a second: 6 bytes for each of 2 x 1000 numbers.
    speed = memory_gb_per_s(2, n_bytes=8000, now_s=lambda: float(next(times)))
    assert speed == pytest.approx(6 * 2000 * 1e-9)
