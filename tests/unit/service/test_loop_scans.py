import numpy as np
import pytest

from tomostream.core.health import RejectReason
from tomostream.service import AngleSource
from tomostream.testing.arrivals import first_id_arrival, table_arrival


def back_and_forth(sweep_deg, sweeps):
    """Give a sweep and its mirror image in turn, as tomoScan tiles them."""
    forth = np.asarray(sweep_deg, np.float32)
    both = np.concatenate([forth, forth[::-1]])
    return np.tile(both, (sweeps + 1) // 2)[: sweeps * len(forth)]


@pytest.mark.parametrize(
    ("step_deg", "slots"), [(0.25, 720), (0.12, 1500), (0.7, 257), (1.0, 180)]
)
def test_a_continuous_scan_has_a_slot_for_each_step(bench, step_deg, slots):
    bench.start()
    bench.scan(step_deg=step_deg, count=5000)
    bench.send_frames(range(1, slots + 1))
    assert bench.engine.geometry.n_slots == slots
    assert sorted(bench.engine.slots) == list(range(slots))
    assert bench.loop.state == "streaming"


def test_slots_count_from_the_sessions_first_frame(bench):
    bench.start()
    bench.scan()
    bench.send_frames(range(38, 41))
    assert sorted(bench.engine.slots) == [0, 1, 2]
    assert bench.engine.slots[0].angle_deg == 37.0


def test_a_step_that_does_not_divide_the_range_skips_no_slot(bench):
    bench.start()
    bench.scan(step_deg=0.7, count=2000)
    bench.send_frames(range(1, 515))
    assert len(bench.engine.slots) == 257
    assert bench.engine.slots[0].angle_deg == pytest.approx(179.9, abs=1e-9)


def test_angles_of_a_long_scan_are_exact(bench):
    bench.start()
    bench.scan(step_deg=0.12, count=1_000_000)
    bench.send_frames([1, 2])
    bench.send_frames(range(9_001, 9_003))
    assert bench.engine.slots[0].angle_deg == pytest.approx(1080.0, abs=1e-9)


@pytest.mark.parametrize(("n_sweep", "slots"), [(721, 720), (180, 179), (181, 180)])
def test_the_ends_of_an_exact_sweep_share_a_slot(bench, n_sweep, slots):
    bench.start()
    table = back_and_forth(np.linspace(0, 180, n_sweep), 4)
    bench.send(first_id_arrival(1), table_arrival(table))
    bench.send_frames(range(1, 2 * n_sweep + 1))
    assert len(bench.engine.slots) == slots
    assert bench.engine.slots[0].angle_deg in {0.0, 180.0}


def test_the_second_sweep_runs_backwards_through_the_same_slots(bench):
    bench.start()
    table = back_and_forth(np.arange(0, 180, 2.0), 4)
    bench.send(first_id_arrival(1), table_arrival(table))
    bench.send_frames(range(1, 181))
    values = [bench.engine.slots[k].value for k in range(90)]
    assert values == list(range(180, 90, -1))


def test_many_sweeps_leave_the_newest_frame_in_each_slot(bench):
    bench.start()
    n_sweep = 37
    table = back_and_forth(np.linspace(0, 180, n_sweep), 8)
    bench.send(first_id_arrival(1), table_arrival(table))
    bench.send_frames(range(1, len(table) + 1))
    expected = {}
    for number, angle in enumerate(table, start=1):
        expected[round(angle / 5.0) % 36] = number
    assert {k: c.value for k, c in bench.engine.slots.items()} == expected


def test_the_same_table_sent_again_keeps_the_ring(streaming):
    streaming.send(table_arrival())
    streaming.send(11)
    streaming.clock.advance(2.1)
    streaming.settle()
    assert len(streaming.engine.slots) == 11
    assert streaming.last.session == 1


def test_a_table_that_continues_keeps_the_ring(streaming):
    streaming.send(first_id_arrival(11), table_arrival(start_deg=10.0))
    streaming.send(11, 12)
    assert sorted(streaming.engine.slots) == list(range(12))
    assert streaming.last.session == 1


def test_a_table_that_continues_elsewhere_goes_on_at_that_angles_slot(streaming):
    streaming.send(first_id_arrival(11), table_arrival(start_deg=360.0 + 50.0))
    streaming.send(11)
    assert streaming.engine.slots[50].value == 11


def test_another_step_empties_the_ring(streaming):
    streaming.send(first_id_arrival(11), table_arrival(step_deg=0.5))
    streaming.send(11)
    assert streaming.engine.geometry.n_slots == 360
    assert sorted(streaming.engine.slots) == [0]
    assert streaming.last.session == 2


def test_frames_before_the_new_first_id_keep_the_old_table(streaming):
    streaming.send(first_id_arrival(13), table_arrival(step_deg=0.5))
    streaming.send(11, 12)
    assert len(streaming.engine.slots) == 12
    streaming.send(13)
    assert sorted(streaming.engine.slots) == [0]


def test_frames_between_first_id_and_table_wait(streaming):
    streaming.send(first_id_arrival(11), 11, 12)
    assert streaming.loop.frames_entered == 10
    assert streaming.loop.frames_held == 2
    streaming.send(table_arrival(start_deg=100.0))
    assert streaming.engine.slots[100].value == 11
    assert streaming.is_conserved()


def test_a_table_that_comes_before_the_first_id_of_all_waits_for_it(bench):
    bench.start()
    bench.send(table_arrival(), 101)
    assert bench.loop.frames_held == 1
    bench.send(first_id_arrival(101))
    assert bench.engine.slots[0].value == 101


def test_a_scans_first_frame_has_the_id_first_projid(bench):
    bench.start()
    bench.send(first_id_arrival(100), table_arrival(start_deg=7.0), 100, 101)
    assert [c.angle_deg for c in bench.engine.slots.values()] == [7.0, 8.0]


def test_cameras_that_count_one_further_are_set_by_the_origin(make_bench):
    bench = make_bench(id_origin=1)
    bench.start()
    bench.send(first_id_arrival(100), table_arrival(start_deg=7.0), 100, 101)
    assert [c.angle_deg for c in bench.engine.slots.values()] == [7.0]
    assert bench.rejected(RejectReason.NO_ANGLE) == 1


def test_a_table_without_any_first_id_holds_from_zero_on(bench):
    bench.start()
    bench.send(table_arrival(), 0, 1)
    bench.clock.advance(2.5)
    bench.settle()
    assert [c.angle_deg for c in bench.engine.slots.values()] == [0.0, 1.0]


def test_a_first_id_that_follows_its_table_is_recognised(streaming):
    streaming.send(table_arrival(start_deg=50.0), first_id_arrival(11), 11)
    assert streaming.loop.frames_held == 1
    streaming.clock.advance(0.6)
    streaming.settle()
    assert streaming.engine.slots[50].value == 11


def test_a_first_id_without_a_new_table_is_waited_for_longer(streaming):
    streaming.clock.advance(60.0)
    streaming.send(first_id_arrival(11), 11)
    streaming.clock.advance(5.0)
    streaming.step()
    assert streaming.loop.frames_held == 1
    streaming.clock.advance(6.0)
    streaming.step()
    assert streaming.loop.frames_entered == 11


def test_a_table_that_needs_too_many_slots_is_refused(streaming):
    streaming.send(first_id_arrival(11), table_arrival(step_deg=1e-4))
    assert "expected at most 20000" in streaming.loop._feed.intake.angles.problem
    assert "not used: angle table" in streaming.status
    streaming.send(11)
    streaming.clock.advance(60.0)
    streaming.send(12)
    assert streaming.loop.frames_held == 2


def test_an_angle_that_is_not_finite_is_no_angle(bench):
    values = np.arange(2_000_000, dtype=np.float32)
    values[1_500_000] = np.nan
    bench.start()
    bench.send(first_id_arrival(1), table_arrival(values))
    bench.send_frames([1_500_000, 1_500_001, 1_500_002])
    assert bench.rejected(RejectReason.NO_ANGLE) == 1
    assert bench.loop.frames_entered == 2


def test_a_fixed_step_counts_from_the_first_frame(make_bench):
    bench = make_bench(
        angle_source=AngleSource.FIXED_STEP, angle_step_deg=-2.0, angle_start_deg=90.0
    )
    bench.start()
    bench.send_frames([1005, 1006, 1008])
    angles = {k: c.angle_deg for k, c in bench.engine.slots.items()}
    assert angles == {0: 90.0, 1: 88.0, 3: 84.0}
    assert bench.engine.geometry.n_slots == 90


def test_a_fixed_step_needs_no_table_and_ignores_one(make_bench):
    bench = make_bench(angle_source=AngleSource.FIXED_STEP)
    bench.start()
    bench.send(first_id_arrival(10**6), table_arrival(step_deg=0.1), 5)
    assert bench.loop.frames_entered == 1


def test_angles_can_come_with_the_frames(make_bench):
    bench = make_bench(angle_source=AngleSource.ATTRIBUTE, angle_bins=180)
    bench.start()
    golden = 180 * (np.sqrt(5) - 1) / 2
    for number in range(300):
        bench.send(bench.image(number, angle_deg=number * golden))
    assert bench.engine.geometry.n_slots == 180
    for slot, content in bench.engine.slots.items():
        away = (content.angle_deg - slot + 90) % 180 - 90
        assert abs(away) <= 0.5


def test_a_frame_without_its_angle_is_no_use(make_bench):
    bench = make_bench(angle_source=AngleSource.ATTRIBUTE)
    bench.start()
    bench.send(1, bench.image(2, angle_deg=float("nan")))
    assert bench.rejected(RejectReason.NO_ANGLE) == 2


def test_a_ring_of_360_degrees_has_twice_the_slots(streaming):
    streaming.controls.turn(scan_range=360)
    streaming.send(11)
    assert streaming.engine.geometry.n_slots == 360
    assert streaming.last.session == 2
    assert "ScanRange" not in streaming.status


def test_a_first_id_said_again_after_a_wrap_is_the_same(bench):
    bench.start()
    bench.scan(first_id=65001, count=10_000)
    bench.send_frames([65001, 65535, 0, 1])
    bench.send(first_id_arrival(65001), 2)
    assert bench.loop.frames_entered == 5
    assert bench.loop.frames_held == 0


@pytest.mark.parametrize("source", [AngleSource.FIXED_STEP, AngleSource.ATTRIBUTE])
def test_without_a_table_a_source_may_count_anew(make_bench, source):
    bench = make_bench(angle_source=source)
    bench.start()
    bench.send_frames(range(500, 510), angle_deg=7.0)
    bench.clock.advance(1.0)
    bench.send_frames(range(1, 8), angle_deg=7.0)
    assert bench.loop.frames_entered == 13
    assert bench.last.session == 2
    assert bench.last.first_projection_id in {5, 7}
