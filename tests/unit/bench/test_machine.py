"""Which processor figures are for."""

from pathlib import Path

from tomostream.bench.machine import cpu_model, usable_cores


def test_processor_is_named_as_it_names_itself(tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text("processor\t: 0\nmodel name\t: A CPU @ 2 GHz\nflags\t: a b\n")
    assert cpu_model(info) == "A CPU @ 2 GHz"


def test_processor_without_a_file_still_has_some_name(tmp_path: Path) -> None:
    assert cpu_model(tmp_path / "missing")


def test_there_is_a_core_to_run_on() -> None:
    assert usable_cores() >= 1
