import numpy as np
import pytest

from tomostream.core.geometry import Planes
from tomostream.core.health import RejectReason
from tomostream.core.parameters import FilterType
from tomostream.core.ports import Command
from tomostream.core.steps import RingRemoval
from tomostream.recon.center import CenterEstimate
from tomostream.service.handover import AxisFound


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
    assert streaming.last.planes.x == 7


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
    "values", [{"dezinger_radius": 2}, {"transmission_floor": 0.01}, {"alpha": 1e-3,
    "distance_mm": 50.0}, {"ring_removal": RingRemoval.HIGH_PASS}],
)  # fmt: skip
def test_a_change_of_steps_refilters_the_ring(streaming, values):
    streaming.engine.cost_s = 0.03
    streaming.controls.turn(**values)
    streaming.step()
    assert streaming.engine.slots_waiting == 6
    # Four slots took 0.12 s, and 0.02 s is what they may take: now one a step.
    assert "re-filtering 5 of 10" in streaming.status
    streaming.step(10)
    assert streaming.engine.slots_waiting == 0


def test_what_the_engine_marks_itself_is_refiltered_and_told(streaming):
    streaming.engine.cost_s = 0.03
    streaming.engine._waiting = 10
    streaming.step()
    assert "re-filtering" in streaming.status


def test_wishes_that_contradict_each_other_are_told(streaming):
    streaming.controls.turn(alpha=1e-3, distance_mm=0.0)
    assert "phase retrieval needs Energy, Distance" in streaming.status
    assert streaming.engine.parameters.steps.phase is None
    streaming.controls.turn(distance_mm=50.0)
    assert "phase retrieval" not in streaming.status
    phase = streaming.engine.parameters.steps.phase
    assert phase is not None
    assert phase.distance_mm == 50.0


@pytest.mark.parametrize(
    ("first", "turned", "shown"),
    [
        ({}, {"alpha": 0.01}, (0.01, 100.0)),
        ({}, {"delta_beta": 250.0}, (0.004, 250.0)),
        ({"alpha": 0.01}, {"delta_beta": 1000.0}, (0.001, 1000.0)),
        ({"delta_beta": 1000.0}, {"alpha": 0.5}, (0.5, 2.0)),
        ({"alpha": 0.01}, {"alpha": 0.0}, (0.0, 0.0)),
        ({"alpha": 0.01}, {"delta_beta": 0.0}, (0.0, 0.0)),
        # What the other record would clamp is clamped here already.
        ({}, {"alpha": 1e-8}, (1e-8, 1e7)),
    ],
)
def test_alpha_and_delta_beta_follow_each_other(bench, first, turned, shown):
    bench.controls.turn(**first)
    bench.step(3)
    bench.controls.turn(**turned)
    bench.step(5)
    now = bench.controls.shown
    assert (now.alpha, now.delta_beta) == pytest.approx(shown, rel=1e-12)


def test_a_step_that_fails_costs_its_frame_only(streaming):
    streaming.engine.poison = 12.0
    entered = streaming.loop.frames_entered
    for number in range(11, 15):
        streaming.queue.put(streaming.image(number))
    streaming.settle()
    assert streaming.loop.frames_entered == entered + 3
    assert streaming.rejected(RejectReason.STEP) == 1
    assert streaming.loop.state == "filling"
    assert streaming.is_conserved()


def test_the_oblique_plane_goes_out_with_the_slices_when_wanted(streaming):
    assert streaming.last.oblique is None
    streaming.controls.turn(is_oblique_shown=True)
    streaming.send(11)
    oblique = streaming.last.oblique
    assert oblique is not None
    assert oblique.shape == (8, 8)


def found(bench, center, confidence=0.9):
    """Let the work beside the loop find a centre."""
    estimate = CenterEstimate(
        center=center, confidence=confidence, roll_deg=0.1, roll_confidence=0.7
    )
    found = AxisFound(estimate=estimate, session=bench.last.session)
    bench.loop.handover.axis.set(found)
    bench.health()


def test_an_estimate_is_shown_and_changes_nothing(streaming):
    found(streaming, 3.75)
    shown = streaming.controls.readings
    assert (shown["AutoCenter"], shown["AutoCenterConfidence"]) == (3.75, 0.9)
    assert (shown["CameraRoll"], shown["CameraRollConfidence"]) == (0.1, 0.7)
    assert streaming.controls.shown.center == 3.5


def test_accepting_sets_the_center_once_and_says_so(streaming):
    found(streaming, 3.75)
    streaming.controls.press(Command.ACCEPT_CENTER)
    streaming.step()
    assert streaming.controls.shown.center == 3.75
    assert streaming.engine.parameters.center == 3.75
    assert "Center set to 3.75, confidence 0.90" in streaming.status
    streaming.controls.turn(center=2.0)
    streaming.step(5)
    assert streaming.controls.shown.center == 2.0


def test_nothing_can_be_accepted_before_there_is_an_estimate(streaming):
    streaming.controls.press(Command.ACCEPT_CENTER)
    streaming.step()
    assert "no rotation centre to accept: none was made yet" in streaming.status
    assert streaming.controls.shown.center == 3.5


def test_following_never_jumps_more_than_the_limit(streaming):
    streaming.controls.turn(is_center_followed=True, center_step_limit=0.5)
    seen = [streaming.controls.shown.center]
    for _ in range(4):
        found(streaming, 4.75)
        seen.append(streaming.controls.shown.center)
    assert seen == [3.5, 4.0, 4.5, 4.75, 4.75]


@pytest.mark.parametrize(
    ("is_followed", "confidence"), [(False, 0.9), (True, 0.2)]
)  # fmt: skip
def test_an_estimate_is_not_followed_unasked_nor_untrusted(
    streaming, is_followed, confidence
):
    streaming.controls.turn(is_center_followed=is_followed)
    found(streaming, 4.0, confidence)
    assert streaming.controls.shown.center == 3.5


def test_an_estimate_of_an_emptied_ring_is_forgotten(streaming):
    found(streaming, 4.0)
    streaming.controls.press(Command.RESET)
    streaming.send_frames(range(11, 13))
    streaming.controls.press(Command.ACCEPT_CENTER)
    streaming.step()
    assert "no rotation centre to accept" in streaming.status
    assert streaming.controls.readings["AutoCenterConfidence"] == 0.0


def half_acquisition(bench, center):
    bench.controls.turn(scan_range=360, center=center)
    bench.start()
    bench.scan(count=2000)
    pixels = np.zeros((2, 64), np.uint16)
    bench.send(*(bench.image(number, pixels) for number in range(1, 11)))


@pytest.mark.parametrize(("moved", "is_kept"), [(7.5, True), (50.0, False)])
def test_half_acquisition_is_begun_anew_only_for_another_side(bench, moved, is_kept):
    half_acquisition(bench, 6.0)
    assert bench.engine.geometry.pad_x > 0
    assert "ScanRange" not in bench.status
    bench.controls.turn(center=moved)
    bench.step()
    assert (bench.health().slots_filled > 0) is is_kept


REFUSAL = "FilterType: expected one of Parzen, Hann, got 17"


def test_a_value_that_is_refused_is_told_with_the_one_in_use_until_a_good_one(bench):
    bench.controls.turn(filter_type=FilterType.HANN)
    bench.controls.refused = {"FilterType": REFUSAL}
    said = f"{REFUSAL}; Hann stays in use"
    assert said in bench.status
    readings = bench.controls.readings
    assert (readings["ErrorText"], readings["ParametersRefused"]) == (said, 1)
    bench.controls.refused = {}
    assert "FilterType" not in bench.status
    assert (readings["ErrorText"], readings["ParametersRefused"]) == ("", 0)


def test_a_refusal_tells_the_value_that_the_service_itself_has_set(streaming):
    streaming.controls.refused = {"Center": "Center: expected a finite number, got nan"}
    assert "got nan; 3.5 pixel stays in use" in streaming.status


def test_a_refusal_is_told_within_half_a_second(streaming):
    streaming.status  # noqa: B018  a report has just been made
    streaming.controls.refused = {"FilterType": REFUSAL}
    streaming.clock.advance(0.5)
    streaming.step()
    assert REFUSAL in streaming.controls.readings["ReconStatus"]


@pytest.mark.parametrize("center", [-0.6, 7.6, 4000.0])
def test_a_center_outside_the_frames_is_used_and_told_until_it_is_back(
    streaming, center
):
    streaming.controls.turn(center=center)
    said = f"Center {center:g} lies outside the frames (columns 0 to 7)"
    assert said in streaming.status
    readings = streaming.controls.readings
    assert said in readings["ErrorText"]
    assert readings["ParametersOutside"] == 1
    assert streaming.engine.parameters.center == center
    streaming.controls.turn(center=7.4)
    assert "Center" not in streaming.status
    assert (readings["ErrorText"], readings["ParametersOutside"]) == ("", 0)
