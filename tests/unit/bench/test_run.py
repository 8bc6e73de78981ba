"""`tomostream bench` as a whole, on a small case."""

import json
from dataclasses import replace

import pytest

from tomostream.bench import BenchConfig, run
from tomostream.bench.machine import cores
from tomostream.bench.pair import cpu_threads, expected_baseline_ms
from tomostream.bench.report import speed_text
from tomostream.bench.result import PHASE
from tomostream.bench.throughput import Rounds
from tomostream.core.errors import BackendUnavailableError, ConfigurationError
from tomostream.recon.cpu.backend import available_isas

pytest.importorskip("scipy", reason="the published algorithm needs scipy.fft")

PROMISED = {
    "size", "angles", "batch", "backend", "isa", "threads", "projections_per_s",
    "gigabytes_per_s", "baseline_projections_per_s", "baseline_ms", "ratio",
    "arrival_ms", "slice_move_ms", "baseline_slice_move_ms", "stage_ms", "memory_gib",
    "error_l2", "bias",
}  # fmt: skip


@pytest.fixture(scope="module")
def small():
    lines = []
    config = BenchConfig(size=64, angles=40, batch=4, rounds=3, accuracy=False)
    return run(config, lines.append), "\n".join(lines)


def test_json_has_every_promised_key(small):
    values = json.loads(small[0].to_json())
    assert set(values) >= PROMISED
    assert set(values["slice_move_ms"]) == {"x", "y", "z"}


def test_json_says_what_was_asked(small):
    values = json.loads(small[0].to_json())
    assert (values["size"], values["angles"], values["batch"]) == (64, 40, 4)
    assert values["isa"] in available_isas()
    assert values["backend"] == "cpu"


def test_what_was_not_measured_is_null(small):
    values = json.loads(small[0].to_json())
    assert values["error_l2"] is None
    assert values["bias"] is None


def test_figures_fit_each_other(small):
    result = small[0]
    assert result.ratio == pytest.approx(result.baseline_ms / result.ms)
    assert result.projections_per_s == pytest.approx(1e3 / result.ms)
    per_s = result.gigabytes_per_s * 1e9
    assert per_s == pytest.approx(result.projections_per_s * 2 * 64 * 64)
    assert result.ratio_low <= result.ratio_high


def test_report_shows_speed_and_memory(small):
    assert "ratio" in small[1]
    assert "memory, GiB" in small[1]
    assert small[0].cpu in small[1]


def test_ratio_is_that_of_the_medians():
    rounds = Rounds(ours_ms=[1.0, 2.0, 9.0], baseline_ms=[10.0, 30.0, 900.0])
    assert rounds.ratio == pytest.approx(15.0)
    assert rounds.ratios == [10.0, 15.0, 100.0]


def test_a_slow_baseline_is_told(small):
    quiet = replace(small[0], other_load=0.0, load_average=0.0)
    assert "less than half" in speed_text(replace(quiet, baseline_is_slow=True))
    assert "NOTE" not in speed_text(replace(quiet, baseline_is_slow=False))


def test_a_busy_machine_is_told(small):
    usual = replace(small[0], baseline_is_slow=False, load_average=0.0)
    assert "0.7 cores" in speed_text(replace(usual, other_load=0.7))
    assert "NOTE" not in speed_text(replace(usual, other_load=None))


def test_a_busy_minute_before_is_told(small):
    quiet = replace(small[0], other_load=0.0, baseline_is_slow=False)
    assert "3.2 threads" in speed_text(replace(quiet, load_average=3.2))
    assert "NOTE" not in speed_text(replace(quiet, load_average=None))


def test_distance_to_the_memory_is_printed(small):
    line = small[0].roofline
    assert line.distance == pytest.approx(small[0].ms / line.floor_ms)
    assert f"we take {line.distance:.1f} times that" in small[1]


def test_the_published_algorithm_runs_on_the_processor_whatever_we_run_on():
    assert cpu_threads(3, backend="cuda", threads=1) == 3
    assert cpu_threads(0, backend="cuda", threads=1) == cores()
    assert cpu_threads(0, backend="cpu", threads=2) == 2


def test_a_comparison_across_processors_is_told(small):
    text = speed_text(replace(small[0], backend="cuda", roofline=None))
    assert "ran on the CPU" in text
    assert "times that" not in text


def test_steps_are_done_by_both():
    lines = []
    config = BenchConfig(
        size=32, angles=12, batch=4, rounds=1, accuracy=False, dezinger=2, phase=PHASE
    )
    result = run(config, lines.append)
    assert {"zinger", "phase"} <= set(result.baseline_stage_ms)
    assert result.stage_ms["prepass"] > 0
    assert "median of radius 2 and Paganin at 25 keV" in lines[-2]
    assert json.loads(result.to_json())["phase"]["alpha"] == PHASE.alpha


def test_baseline_is_expected_to_scale_with_pixels_and_threads():
    usual = BenchConfig(size=512)
    known = expected_baseline_ms(usual, batch=8, threads=2)
    assert known == pytest.approx(6.6)
    large = BenchConfig(size=1024)
    assert expected_baseline_ms(large, batch=8, threads=4) == 2 * known
    assert expected_baseline_ms(usual, batch=1, threads=2) > known


def test_baseline_is_expected_to_take_longer_with_its_steps():
    times = [
        expected_baseline_ms(config, batch=8, threads=2)
        for config in (
            BenchConfig(),
            BenchConfig(phase=PHASE),
            BenchConfig(dezinger=2, phase=PHASE),
            BenchConfig(dezinger=3, phase=PHASE),
        )
    ]
    assert times == sorted(set(times))


@pytest.mark.parametrize(
    "wrong", [{"size": 3}, {"angles": 1}, {"batch": 0}, {"rounds": 0}, {"batch": 500}]
)
def test_an_impossible_measurement_is_refused(wrong):
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        BenchConfig(**wrong)


def test_an_instruction_set_that_the_cpu_lacks_is_refused(monkeypatch):
    monkeypatch.setattr(
        "tomostream.recon.cpu.backend.available_isas", lambda: ["baseline"]
    )
    with pytest.raises(BackendUnavailableError, match="avx512"):
        run(BenchConfig(size=32, angles=8, batch=2, isa="avx512", accuracy=False))
