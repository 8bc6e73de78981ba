import pytest

from tomostream.core.frame import FrameKind, IdUnwrapper, IdWrap
from tomostream.core.scan import angle_table
from tomostream.core.schedule import AngleSchedule
from tomostream.sim.camera import wrapped
from tomostream.sim.config import FieldMoment


def test_scan_is_announced_in_tomoscans_order(stage):
    scan = stage(frame_count=2)
    scan.run()
    assert scan.names() == [
        "frame_type", "field", "field", "first_id", "table", "frame", "frame"
    ]  # fmt: skip


def test_ids_and_indices_have_no_gap(stage):
    scan = stage(frame_count=500)
    summary = scan.run()
    assert scan.frames() == [(k + 1, k) for k in range(500)]
    assert (summary.frames_sent, summary.frames_lost) == (500, 0)


def test_stream_ends_after_its_duration(stage):
    scan = stage(duration_s=2.0)
    summary = scan.run()
    assert summary.frames_sent == pytest.approx(200, abs=2)
    assert summary.slipped_s == 0.0


def test_wish_to_end_is_heard_between_frames(stage):
    summary = stage().run(after_s=1.0)
    assert summary.frames_sent == pytest.approx(100, abs=2)


@pytest.mark.parametrize(("first_id", "origin"), [(1, 1), (1, 0), (0, 0), (7, 1)])
def test_first_id_points_at_the_first_projection(stage, first_id, origin):
    scan = stage(frame_count=20, first_id=first_id, id_origin=origin)
    scan.run()
    schedule = AngleSchedule(id_origin=origin)
    schedule.announce(next(e[1] for e in scan.log if e[0] == "first_id"))
    schedule.add(angle_table(scan.scene.table(1000)))
    for camera_id, index in scan.frames():
        assert schedule.assign(camera_id).index == index


def test_first_id_wraps_as_the_ids_do(stage):
    scan = stage(
        frame_count=200, table_angles=100, first_id=65_500, id_origin=0,
        id_wrap=IdWrap.BITS16,
    )  # fmt: skip
    scan.run()
    assert [e[1] for e in scan.log if e[0] == "first_id"] == [65_500, 72, 180]
    assert (0, 36) in scan.frames()


def test_frames_can_be_lost_on_purpose(stage):
    scan = stage(frame_count=20, lose_every=5)
    summary = scan.run()
    assert [f[0] for f in scan.frames()] == [k for k in range(1, 21) if k % 5]
    assert (summary.frames_sent, summary.frames_lost) == (16, 4)
    assert all(index == camera_id - 1 for camera_id, index in scan.frames())


def test_channels_go_away_and_come_back_while_the_ids_go_on(stage):
    scan = stage(rate_hz=10.0, disconnect_every_s=3.0, disconnect_s=1.0)
    summary = scan.run(after_s=6.5)
    log = [e for e in scan.log if e[0] in {"frame", "connected"}]
    changes = [k for k, entry in enumerate(log) if entry[0] == "connected"]
    assert [log[k][1] for k in changes] == [False, True, False, True]
    for gone, back in (changes[:2], changes[2:]):
        # Nothing is sent meanwhile; ten frames are.
        assert back == gone + 1
        assert log[back + 1][1] - log[gone - 1][1] == pytest.approx(11, abs=1)
    assert summary.frames_lost == pytest.approx(20, abs=2)


def test_channels_stay_where_nothing_else_was_asked_for(stage):
    scan = stage(frame_count=500)
    scan.run()
    assert "connected" not in scan.names()


def test_table_is_renewed_ahead_of_its_end_and_every_frame_keeps_its_angle(stage):
    scan = stage(frame_count=500, table_angles=100)
    scan.run()
    schedule = AngleSchedule(id_origin=0)
    renewals = 0
    for entry in scan.log:
        if entry[0] == "first_id":
            schedule.announce(entry[1])
            renewals += 1
        elif entry[0] == "table":
            schedule.add(angle_table(scan.scene.table(entry[1])))
        elif entry[0] == "frame":
            expected = (entry[1] - 1) % 12 * 15.0
            assert schedule.assign(entry[1]).angle_deg == expected
    # From ids 1, 109, 217, 325 and 433 on, and the one that the next frames will need.
    assert renewals == 6


def test_retake_says_the_kind_before_each_frame_and_sends_the_fields_after(stage):
    scan = stage(field_frames=3, fields=FieldMoment.NEVER)
    scan.camera.start()
    stop = scan.until(0.0)
    scan.camera.run(stop)
    scan.log.clear()
    scan.operator.wants_retake = True
    for _ in range(8):
        scan.clock.time_s += scan.camera.step()

    kinds = [e[1:] for e in scan.log if e[0] not in {"say", "first_id", "table"}]
    assert kinds == [
        (FrameKind.DARK,), (2, -1), (3, -1), (4, -1),
        (FrameKind.FLAT,), (5, -2), (6, -2), (7, -2),
        (FrameKind.PROJECTION,), (FrameKind.DARK,), (FrameKind.FLAT,), (),
        (8, 7), (9, 8),
    ]  # fmt: skip


def test_fields_may_come_after_the_first_projections(stage):
    scan = stage(frame_count=80, fields=FieldMoment.AFTER, fields_delay_s=0.5)
    scan.run()
    names = scan.names()
    assert names.index("field") > names.index("frame") + 50
    assert names.count("field") == 2


def test_fields_may_never_come(stage):
    scan = stage(frame_count=300, fields=FieldMoment.NEVER)
    scan.run()
    assert "field" not in scan.names()


def test_scene_without_fields_has_nothing_to_retake(stage):
    scan = stage(frame_count=10, has_fields=False)
    scan.operator.wants_retake = True
    scan.run()
    assert scan.names().count("end_retake") == 1
    assert all(index >= 0 for _, index in scan.frames())


def test_operator_changes_the_rate(stage):
    scan = stage()
    scan.camera.start()
    scan.operator.rate_hz = 10.0
    summary = scan.camera.run(scan.until(5.0))
    assert summary.frames_sent == pytest.approx(50, abs=3)


def test_operator_stops_and_goes_on_without_a_gap_in_ids(stage):
    scan = stage()
    scan.camera.start()
    scan.operator.is_running = False
    scan.camera.run(scan.until(3.0))
    assert scan.frames() == []
    scan.operator.is_running = True
    summary = scan.camera.run(scan.until(1.0))
    assert scan.frames()[0] == (1, 0)
    # The pause is noticed to have ended after up to 0.05 s.
    assert summary.frames_sent == pytest.approx(100, abs=7)
    assert summary.slipped_s == 0.0


def test_rate_that_cannot_be_kept_is_said(stage, caplog):
    scan = stage(frame_count=200)
    send = scan.camera._wire.send_frame

    def slow(*arguments, **names):
        scan.clock.time_s += 0.05
        send(*arguments, **names)

    scan.camera._wire.send_frame = slow
    scan.run()
    assert [f[0] for f in scan.frames()] == list(range(1, 201))
    assert "Cannot keep 100 Hz" in "".join(str(e[1]) for e in scan.log if e[0] == "say")
    assert "rate cannot be kept: wanted 100 Hz" in caplog.text
    assert len(caplog.records) <= 3
    assert scan.operator.reports[-1]["slipped_s"] > 3.0


def test_waiting_time_is_used_to_work_ahead(stage):
    scan = stage(frame_count=30)
    scan.scene.to_prepare = 12
    scan.run()
    assert scan.scene.prepared == 12


def test_working_ahead_takes_a_quarter_of_the_time_at_most(stage):
    scan = stage(duration_s=20.0, rate_hz=50.0)
    scan.scene.to_prepare = 10_000
    prepare = scan.scene.prepare

    def slow():
        scan.clock.time_s += 0.03
        return prepare()

    scan.scene.prepare = slow
    summary = scan.run()
    assert scan.scene.prepared * 0.03 == pytest.approx(5.0, rel=0.1)
    assert summary.frames_sent == pytest.approx(1000, abs=5)
    assert summary.slipped_s == 0.0


def test_late_frames_leave_no_time_to_work_ahead(stage):
    scan = stage(frame_count=100)
    scan.scene.to_prepare = 10_000
    send = scan.camera._wire.send_frame

    def slow(*arguments, **names):
        scan.clock.time_s += 0.05
        send(*arguments, **names)

    scan.camera._wire.send_frame = slow
    scan.run()
    assert scan.scene.prepared == 0


@pytest.mark.parametrize(("wrap", "first"), [(IdWrap.BITS16, 0), (IdWrap.GIGE, 1)])
def test_wrapped_ids_are_those_that_the_service_unwraps(wrap, first):
    unwrapper = IdUnwrapper(wrap)
    ids = range(first, 140_000, 7)
    assert [unwrapper.unwrap(wrapped(k, wrap)) for k in ids] == list(ids)


def events_after(scan, seconds):
    scan.log.clear()
    end_s = scan.clock.time_s + seconds
    while scan.clock.time_s < end_s:
        scan.clock.time_s += max(scan.camera.step(), 0.001)
    return [entry for entry in scan.log if entry[0] != "say"]


def started(stage, **settings):
    scan = stage(**settings)
    scan.camera.start()
    events_after(scan, 0.1)
    return scan


def synced(scan):
    """Sync to 6 angles; give what was sent, the first id and the frames."""
    scan.operator.n_angles, scan.operator.wants_sync = 6, True
    events = events_after(scan, 0.1)
    names = [event[0] for event in events]
    first = next(e[1] for e in events if e[0] == "first_id")
    frames = [e for e in events if e[0] == "frame"]
    return names, first, frames


def test_a_sync_says_the_first_id_first_and_then_the_new_table(stage):
    scan = started(stage, table_delay_s=0.05)
    names, first, frames = synced(scan)
    assert scan.scene.angles == 6
    assert first == frames[0][1]
    # The frames of the new scan begin at its first angle, before the table is there.
    assert frames[0][2] == 0
    assert names.index("first_id") < names.index("frame") < names.index("table")
    assert "end_sync" in names


def test_a_table_can_overtake_its_first_id(stage):
    scan = started(stage, first_id_delay_s=0.05)
    names, first, frames = synced(scan)
    assert first == frames[0][1]
    assert names.index("table") < names.index("frame") < names.index("first_id")


def test_binned_frames_come_before_their_fields(stage):
    scan = started(stage, fields_delay_s=0.05)
    scan.operator.binning = 2
    events = events_after(scan, 0.2)
    names = [event[0] for event in events]
    assert scan.scene.binning == 2
    assert names[0] == "binning"
    assert 3 <= names[: names.index("field")].count("frame") <= 8
    assert names.count("field") == 2


def test_frame_type_may_come_late(stage):
    scan = started(stage, field_frames=3, frame_type_delay_s=0.05)
    scan.operator.wants_retake = True
    events = events_after(scan, 0.3)
    dark = next(i for i, e in enumerate(events) if e == ("frame_type", FrameKind.DARK))
    before = [e for e in events[:dark] if e[0] == "frame"]
    assert (-1 in {e[2] for e in before}) or (-2 in {e[2] for e in before})
    kinds = [e[1] for e in events if e[0] == "frame_type"]
    assert kinds == [FrameKind.DARK, FrameKind.FLAT, FrameKind.PROJECTION]
