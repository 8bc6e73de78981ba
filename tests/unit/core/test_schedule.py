import numpy as np
import pytest

from tomostream.core.errors import NoAngleError
from tomostream.core.scan import angle_table, fixed_step
from tomostream.core.schedule import AngleSchedule, TableAwaitedError


def table(step=1.0, count=100, start=0.0):
    return angle_table((start + step * np.arange(count)).astype(np.float32))


def scheduled(*tables, origin=0):
    schedule = AngleSchedule(id_origin=origin)
    for first_id, added in tables:
        schedule.announce(first_id)
        schedule.add(added)
    return schedule


def test_without_a_table_frames_wait():
    with pytest.raises(TableAwaitedError):
        AngleSchedule().assign(3)


def test_the_first_frame_of_a_scan_has_the_first_angle():
    assert scheduled((50, table(start=10.0))).assign(50).angle_deg == 10.0


def test_an_origin_of_one_shifts_the_table_by_one_frame():
    assert scheduled((50, table()), origin=1).assign(51).index == 0


def test_an_id_before_the_scan_has_no_angle():
    with pytest.raises(NoAngleError, match="before the first id 50"):
        scheduled((50, table())).assign(49)


def test_an_id_past_the_table_has_no_angle():
    with pytest.raises(NoAngleError, match="0 to 99"):
        scheduled((50, table())).assign(150)


def test_angles_switch_by_id_not_by_arrival():
    schedule = scheduled((0, table(step=1.0)), (60, table(step=2.0)))
    assert schedule.assign(59).angle_deg == 59.0
    assert schedule.assign(61).angle_deg == 2.0


def test_frames_of_an_announced_scan_wait_for_its_table_and_older_ones_do_not():
    schedule = scheduled((0, table()))
    schedule.announce(60)
    assert schedule.assign(59).angle_deg == 59.0
    with pytest.raises(TableAwaitedError, match="from id 60 on"):
        schedule.assign(60)


def test_another_step_makes_another_version_and_the_same_step_does_not():
    schedule = scheduled((0, table()), (100, table()))
    assert schedule.assign(100).version == 0
    schedule.announce(150)
    schedule.add(table(step=0.5))
    assert schedule.assign(150).version == 1


def test_a_first_id_that_comes_after_its_table_moves_the_table():
    schedule = scheduled((0, table()))
    schedule.announce(40)
    schedule.reanchor()
    assert schedule.assign(40).index == 0


def test_a_source_that_counts_anew_keeps_its_table():
    schedule = scheduled((500, table()))
    schedule.restart_ids(1)
    assert schedule.assign(1).index == 0


def test_many_tables_do_not_pile_up():
    schedule = AngleSchedule()
    for first_id in range(0, 100_000, 100):
        schedule.announce(first_id)
        schedule.add(table())
    with pytest.raises(NoAngleError, match="before the first id"):
        schedule.assign(0)


def test_a_fixed_step_never_ends():
    assert scheduled((0, fixed_step(0.25))).assign(10**6).angle_deg == 250_000.0


def test_an_assignment_tells_from_which_id_its_table_holds():
    assert scheduled((0, table()), (60, table(step=2.0))).assign(61).first_id == 60


def test_it_tells_which_frames_await_a_table():
    schedule = AngleSchedule()
    assert schedule.is_awaiting(0)
    schedule.add(table())
    schedule.announce(60)
    assert [schedule.is_awaiting(n) for n in (59, 60)] == [False, True]
