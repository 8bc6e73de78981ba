import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tomostream.core.health import RejectReason
from tomostream.service.ids import IdTracker


def tracker():
    return IdTracker(max_jump=100, restart_after=5)


def follow(ids, *, tracks=None, timestamps=None):
    tracks = tracks or tracker()
    timestamps = timestamps or [0.0] * len(ids)
    return [tracks.track(i, t) for i, t in zip(ids, timestamps, strict=True)]


def believed(found):
    return [t.id for t in found if t.fault is None]


def test_growing_ids_are_believed_and_gaps_counted():
    found = follow([5, 6, 9])
    assert believed(found) == [5, 6, 9]
    assert [t.missing for t in found] == [0, 0, 2]


@pytest.mark.parametrize(
    ("ids", "fault"),
    [
        ([5, 6, 5], RejectReason.REPEATED),
        ([5, 8, 6], RejectReason.BACKWARDS),
        ([5, 500], RejectReason.MALFORMED),
        ([5, -1], RejectReason.MALFORMED),
    ],
)
def test_an_id_off_the_track_is_refused_with_its_reason(ids, fault):
    assert follow(ids)[-1].fault is fault


def test_an_id_that_came_with_no_image_is_not_missing():
    tracks = tracker()
    follow([5], tracks=tracks)
    for camera_id in (6, 8, 8, 500, 4, -1):
        tracks.refuse(camera_id)
    found = follow([10, 12], tracks=tracks)
    assert [t.missing for t in found] == [2, 1]  # 7 and 9; 11


def test_an_image_may_follow_with_the_id_that_came_with_none():
    tracks = tracker()
    follow([5], tracks=tracks)
    tracks.refuse(6)
    found = follow([6, 7], tracks=tracks)
    assert believed(found) == [6, 7]
    assert [t.missing for t in found] == [0, 0]


def test_five_frames_further_down_are_a_source_that_counts_anew():
    found = follow([500, 501, 1, 2, 3, 4, 5, 6])
    assert believed(found) == [500, 501, 5, 6]
    assert [t.is_restart for t in found].index(True) == 6


def test_five_frames_further_up_are_an_outage():
    found = follow([1, 2, 1000, 1001, 1002, 1003, 1004])
    assert believed(found) == [1, 2, 1004]
    assert found[-1].missing == 1001
    assert not found[-1].is_restart


def test_strays_between_good_frames_never_add_up():
    ids = [k for n in range(1, 50) for k in (n, 10_000 + n)]
    assert believed(follow(ids)) == list(range(1, 50))


def test_frames_sent_a_second_time_are_no_restart():
    ids = [*range(1, 21), *range(10, 19), 21]
    stamps = [100.0 + number for number in ids]
    found = follow(ids, timestamps=stamps)
    assert not any(t.is_restart for t in found)
    assert believed(found) == list(range(1, 22))


def test_a_source_whose_clock_was_set_back_is_believed_in_the_end():
    ids = [*range(1000, 1010), *range(1, 101)]
    stamps = [1000.0] * 10 + [10.0] * 100
    assert believed(follow(ids, timestamps=stamps))[-1] == 100


@settings(derandomize=True, deadline=None)
@given(st.lists(st.integers(-5, 2**40), max_size=60))
def test_believed_ids_grow_between_restarts(ids):
    last = -1
    for track in follow(ids):
        if track.fault is None:
            assert track.is_restart or track.id > last
            assert track.missing >= 0
            last = track.id


@settings(derandomize=True, deadline=None)
@given(st.lists(st.integers(0, 2**40), max_size=30), st.integers(0, 2**31))
def test_any_source_is_believed_again_in_the_end(hostile, start):
    tracks = tracker()
    follow(hostile, tracks=tracks)
    found = follow(list(range(start, start + 12)), tracks=tracks)
    # 0 after 61440 may be a wrap as well as a new beginning.
    assert (believed(found)[-1] - (start + 11)) % 65536 == 0


@pytest.mark.parametrize(
    ("seen", "first_id", "unwrapped"),
    [
        ([], 7, 7),
        ([65500, 65535], 0, 65536),
        ([65500, 65535, 0, 3000], 2000, 65536 + 2000),
        ([65500, 65535, 0, 3000], 64000, 64000),
        ([65500, 65535, 0, 3000], 70_000, 70_000),
        ([1000, 1001], 64000, 64000),
    ],
)
def test_a_first_id_wraps_as_the_ids_do(seen, first_id, unwrapped):
    tracks = IdTracker(max_jump=10_000, restart_after=5)
    follow(seen, tracks=tracks)
    assert tracks.nearest(first_id) == unwrapped
