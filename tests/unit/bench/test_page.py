"""The documentation's figures are written by a command."""

from dataclasses import replace
from pathlib import Path

import pytest

from tomostream.bench.__main__ import main
from tomostream.bench.page import BEGIN, END, RUNS, Plan, command, page_with, tables
from tomostream.bench.reconfigure import ReconfigureConfig
from tomostream.bench.result import PHASE, BenchConfig
from tomostream.bench.run import run
from tomostream.bench.sweep_result import SweepConfig
from tomostream.core.errors import ConfigurationError
from tomostream.core.parameters import FilterType

pytest.importorskip("scipy", reason="the published algorithm needs scipy.fft")

DOCS = Path(__file__).parents[3] / "docs" / "reference" / "performance.md"


def test_only_what_stands_between_the_markers_is_replaced():
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert page_with(page, "new") == f"before\n{BEGIN}\nnew\n{END}\nafter\n"


@pytest.mark.parametrize("page", ["", BEGIN, END, f"{END}\n{BEGIN}"])
def test_a_page_without_markers_is_refused_before_anything_is_measured(page, tmp_path):
    path = tmp_path / "page.md"
    path.write_text(page)
    with pytest.raises(ConfigurationError, match="markers"):
        main([str(path)])


def test_tables_name_the_machine_and_the_command():
    config = BenchConfig(size=32, angles=8, batch=2, rounds=1, accuracy=False)
    result = run(config)
    text = tables([result])
    assert result.cpu in text
    assert command(result) in text
    assert "tomostream bench --size 32 --angles 8 --batch 2" in text


def test_page_shows_what_is_promised_of_the_speed():
    shown = {(run.size, run.angles, run.batch, run.isa) for run in RUNS}
    assert shown >= {
        (512, 360, 8, "auto"),
        (512, 360, 8, "avx2"),
        (512, 360, 8, "baseline"),
        (512, 360, 1, "auto"),
        (1024, 720, 8, "auto"),
    }


def test_one_command_writes_page_and_picture(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr("tomostream.bench.throughput._ROUND_S", 0.01)
    monkeypatch.setattr("tomostream.bench.reconfigure._SETTLE_S", 0.05)
    page = tmp_path / "reference" / "page.md"
    page.parent.mkdir()
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    tiny = BenchConfig(size=16, angles=8, batch=2, rounds=1, accuracy=False)
    phase = replace(tiny, dezinger=3, phase=PHASE)
    plan = Plan(
        runs=(tiny, phase),
        sweep=SweepConfig(
            base=tiny, sizes=(16,), batches=(1,), growth_size=16, growth_angles=(8,)
        ),
        reconfigure=ReconfigureConfig(
            base=tiny, rate_hz=200.0, changes={"ramp": {"filter_type": FilterType.RAMP}}
        ),
    )
    assert main([str(page)], plan) == 0
    text = page.read_text()
    assert text.startswith(f"before\n{BEGIN}\nMeasured on: ")
    assert "--dezinger 3 --phase" in text
    assert "(../images/performance.svg)" in text
    assert (tmp_path / "images" / "performance.svg").exists()
    assert "| ramp |" in text
    assert "old" not in text


def test_documentation_has_the_markers():
    if not DOCS.exists():
        pytest.skip("the documentation is not beside the tests")
    assert page_with(DOCS.read_text(), "")
