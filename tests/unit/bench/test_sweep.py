"""`tomostream bench --sweep` on tiny sizes."""

import json
from dataclasses import replace

import pytest

from tomostream.bench.plot import write_plot
from tomostream.bench.result import BenchConfig
from tomostream.bench.sweep import projections_in, sweep, usual_angles
from tomostream.bench.sweep_report import sweep_text
from tomostream.bench.sweep_result import SweepConfig
from tomostream.core.errors import ConfigurationError

pytest.importorskip("scipy", reason="the published algorithm needs scipy")

BASE = BenchConfig(size=16, angles=16, batch=2, rounds=1, threads=2, accuracy=False)


def small_sweep(**others):
    config = SweepConfig(
        base=BASE, sizes=(16, 24), batches=(1, 4), growth_size=16, growth_angles=(8, 16)
    )
    return sweep(config, **others)


@pytest.fixture(scope="module", autouse=True)
def short_rounds():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tomostream.bench.throughput._ROUND_S", 0.01)
        patch.setattr("tomostream.bench.throughput._CALIBRATION_S", 0.005)
        patch.setattr("tomostream.bench.machine._STREAM_REPEATS", 1)
        yield


@pytest.fixture(scope="module")
def result():
    return small_sweep()


def test_every_size_meets_every_batch(result):
    found = [(p.size, p.batch) for p in result.points]
    assert found == [(16, 1), (16, 4), (24, 1), (24, 4)]
    assert all(p.ms > 0 and p.baseline_ms > 0 for p in result.points)
    assert result.points[0].gigabytes_per_s == pytest.approx(
        result.points[0].projections_per_s * 2 * 16 * 16 * 1e-9
    )


def test_distance_is_that_to_the_memory_measured_in_the_same_run(result):
    for point in result.points:
        line = point.roofline
        assert line.memory_gb_per_s == result.memory_gb_per_s
        assert line.distance == pytest.approx(point.ms / line.floor_ms)


def test_the_ring_grows(result):
    assert [(p.size, p.angles) for p in result.growth] == [(16, 8), (16, 16)]
    assert all(p.baseline_slice_move_ms > 0 for p in result.growth)


def test_json_holds_all_of_it(result):
    values = json.loads(result.to_json())
    assert len(values["points"]) == 4
    assert len(values["growth"]) == 2
    assert values["notes"] == []
    assert "load_average" in values


def test_text_shows_every_point(result):
    text = sweep_text(result)
    assert result.cpu in text
    assert all(f"{p.ms:.3f}" in text for p in (*result.points, *result.growth))


def test_a_slow_baseline_is_told(result):
    slow = replace(result.points[0], baseline_is_slow=True)
    text = sweep_text(replace(result, points=[slow]))
    assert "ratio flatters us: 16 (batch 1)." in text


def test_what_does_not_fit_is_left_out_and_told(monkeypatch):
    monkeypatch.setattr("tomostream.bench.sweep.free_bytes", lambda: 1000)
    lines = []
    result = small_sweep(report=lines.append)
    assert result.points == []
    assert result.growth == []
    assert any(n.startswith("16 x 16 left out: too large") for n in result.notes)
    assert "NOTE: 24 x 24 left out" in lines[-1]


def test_a_shorter_ring_is_taken_where_the_usual_one_does_not_fit(monkeypatch):
    monkeypatch.setattr("tomostream.bench.sweep.projections_in", lambda *_, **__: 65)
    monkeypatch.setattr("tomostream.bench.sweep._USUAL_ANGLES", {16: 80, 24: 65})
    result = small_sweep()
    assert {p.angles for p in result.points} == {65}
    assert [n.partition(",")[0] for n in result.notes] == [
        "16 x 16: 65 of 80 projections"
    ]


def test_memory_of_both_rings_bounds_the_projections():
    pixels = 2048 * 2048
    many = projections_in(64 << 30, size=2048, batch=8, ring="half")
    # Ours in half precision and the published algorithm's 16-bit frames.
    assert 0.9 * (64 << 30) < many * 4 * pixels < (64 << 30)
    assert projections_in(1 << 30, size=2048, batch=8, ring="half") == 0


def test_usual_angles_follow_the_size():
    assert [usual_angles(n) for n in (256, 512, 1024, 2048)] == [180, 360, 720, 1500]
    assert usual_angles(4096) > 2048


@pytest.mark.parametrize("wrong", [{"sizes": ()}, {"batches": (33,)}])
def test_an_impossible_sweep_is_refused(wrong):
    with pytest.raises(ConfigurationError, match="expected"):
        SweepConfig(base=BASE, **wrong)


@pytest.mark.parametrize(
    ("name", "start"), [("a.svg", b"<?xml"), ("a.png", b"\x89PNG")]
)
def test_plot_is_a_small_picture(result, tmp_path, name, start):
    pytest.importorskip("matplotlib")
    path = tmp_path / name
    write_plot(result, path)
    picture = path.read_bytes()
    assert picture.startswith(start)
    assert len(picture) < 150_000


def test_the_same_figures_give_the_same_picture(result, tmp_path):
    pytest.importorskip("matplotlib")
    paths = tmp_path / "a.svg", tmp_path / "b.svg"
    for path in paths:
        write_plot(result, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_picture_of_an_unknown_kind_is_refused(result, tmp_path):
    with pytest.raises(ConfigurationError, match=r"\.svg"):
        write_plot(result, tmp_path / "a.bmp")
