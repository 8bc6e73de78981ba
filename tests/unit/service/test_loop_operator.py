import numpy as np
import pytest

from tomostream.core.geometry import Planes
from tomostream.core.parameters import FilterType


def resize(bench, first_id, shape, **others):
    pixels = np.zeros(shape, np.uint16)
    for number in (first_id, first_id + 1):
        bench.send(bench.image(number, pixels, **others))


def test_an_unset_center_becomes_the_middle_and_is_written_back(streaming):
    assert streaming.controls.shown.center == 3.5
    assert streaming.engine.parameters.center == 3.5


def test_unset_planes_become_the_middle_ones(streaming):
    shown = streaming.controls.shown
    assert (shown.ortho_x, shown.ortho_y, shown.ortho_z) == (4, 4, 1)


def test_unset_planes_stay_where_that_is_wanted(make_bench):
    bench = make_bench(center_planes_on_first_frame=False)
    bench.start()
    bench.scan()
    bench.send(1)
    assert bench.engine.parameters.planes == Planes(x=0, y=0, z=0)


def test_saved_values_are_kept_where_they_are_possible(bench):
    bench.controls.turn(center=2.25, ortho_x=1, ortho_y=99)
    bench.start()
    bench.scan()
    bench.send(1)
    shown = bench.controls.shown
    assert (shown.center, shown.ortho_x, shown.ortho_y) == (2.25, 1, 7)


@pytest.mark.parametrize("center", [-1.0, 8.0, 2000.0])
def test_a_saved_center_off_the_detector_becomes_the_middle(bench, center):
    bench.controls.turn(center=center)
    bench.start()
    bench.scan()
    bench.send(1)
    assert bench.controls.shown.center == 3.5


def test_center_and_planes_follow_a_change_of_binning(bench):
    bench.controls.turn(center=295.5, ortho_x=100, ortho_y=200, ortho_z=3)
    bench.start()
    bench.scan()
    bench.send(bench.image(1, np.zeros((8, 640), np.uint16)))
    resize(bench, 2, (4, 320))
    shown = bench.controls.shown
    assert shown.center == 147.5
    assert (shown.ortho_x, shown.ortho_y, shown.ortho_z) == (50, 100, 1)
    assert bench.engine.parameters.center == 147.5


def test_center_follows_a_region_where_the_source_tells_it(bench):
    bench.controls.turn(center=295.5)
    bench.start()
    bench.scan()
    bench.send(bench.image(1, np.zeros((8, 640), np.uint16), binning_x=1.0))
    resize(bench, 2, (8, 320), binning_x=1.0, offset_x=100.0)
    assert bench.controls.shown.center == 195.5


def test_a_region_that_moves_sideways_takes_the_center_along(bench):
    bench.controls.turn(center=300.0)
    bench.start()
    bench.scan()
    bench.send(bench.image(1, np.zeros((8, 640), np.uint16), binning_x=1.0))
    resize(bench, 2, (8, 640), binning_x=1.0, offset_x=20.0)
    assert bench.controls.shown.center == 280.0


def test_a_written_value_counts_before_it_has_come_round(bench):
    bench.controls.is_slow = True
    bench.start()
    bench.scan()
    bench.send_frames(range(1, 5))
    assert bench.engine.parameters.center == 3.5
    bench.controls.turn(center=2.0)
    bench.step()
    assert bench.engine.parameters.center == 2.0


def test_a_written_value_is_written_once(bench):
    bench.controls.is_slow = True
    bench.start()
    bench.scan()
    bench.send_frames(range(1, 5))
    bench.step(10)
    assert len(bench.controls.written) == 1


def test_writing_back_keeps_what_an_operator_turns_meanwhile(bench):
    bench.start()
    bench.scan()
    bench.publisher.on_publish = lambda: bench.controls.turn(energy_kev=55.0)
    bench.send(1)
    assert bench.controls.shown.energy_kev == 55.0
    assert bench.controls.shown.center == 3.5


def test_only_differences_reach_the_engine(streaming):
    streaming.engine.calls.clear()
    streaming.step(5)
    assert streaming.engine.calls == []
    streaming.controls.turn(ortho_z=0)
    streaming.step(5)
    assert streaming.engine.calls == ["set_parameters"]


def test_planes_outside_the_volume_are_clipped(streaming):
    streaming.controls.turn(ortho_x=5000)
    streaming.clock.advance(1.0)
    streaming.step()
    assert streaming.engine.parameters.planes.x == 7
    assert streaming.last.ortho_x == 7


def test_a_change_of_filter_refilters_in_parts_and_tells_it(bench):
    bench.start()
    bench.scan()
    bench.send_frames(range(1, 181))
    bench.engine.cost_s = 0.001
    bench.controls.turn(filter_type=FilterType.HANN)
    bench.clock.advance(1.0)
    bench.step()
    waiting = bench.engine.slots_waiting
    assert 0 < waiting < 180
    assert (
        f"re-filtering {180 - waiting} of 180" in bench.controls.readings["ReconStatus"]
    )
    bench.step(20, every_s=0.1)
    assert bench.engine.slots_waiting == 0
    assert "re-filtering" not in bench.status


def test_slices_are_published_while_the_ring_is_refiltered(bench):
    bench.start()
    bench.scan()
    bench.send_frames(range(1, 181))
    bench.engine.cost_s = 0.001
    bench.controls.turn(filter_type=FilterType.HANN)
    bench.clock.advance(1.0)
    bench.step()
    assert bench.engine.slots_waiting
    assert bench.last.filter_type == "Hann"


def test_frames_go_on_while_the_ring_is_refiltered(bench):
    bench.start()
    bench.scan()
    bench.send_frames(range(1, 181))
    bench.engine.cost_s = 0.001
    bench.controls.turn(filter_type=FilterType.HANN)
    bench.queue.put(bench.image(181))
    report = bench.loop.step()
    assert bench.engine.slots_waiting
    assert report.entered == 1


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Dezinger", {"dezinger_radius": 2}),
        ("RingRemoval", {"ring_removal": "fw"}),
        ("RotX", {"rot_x": 1.0}),
        ("RotY", {"rot_y": -1.0}),
        ("RotZ", {"rot_z": 2.0}),
        ("Alpha", {"alpha": 1e-3}),
    ],
)
def test_what_is_not_acted_on_is_told(streaming, name, values):
    assert name not in streaming.status
    streaming.controls.turn(**values)
    assert f"{name} set but not acted on" in streaming.status
