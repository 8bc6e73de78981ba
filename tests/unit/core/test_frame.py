import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tomostream.core.errors import MalformedFrameError
from tomostream.core.frame import PIXEL_TYPES, Frame, IdUnwrapper, IdWrap


def unwrapped(ids, wrap=IdWrap.AUTO):
    unwrapper = IdUnwrapper(wrap)
    return [unwrapper.unwrap(i) for i in ids]


def make_frame(data):
    return Frame(id=7, data=data, timestamp_s=1.0, arrived_s=1.0)


def test_ids_that_never_wrap_stay_as_they_are():
    assert unwrapped([0, 1, 5, 70000, 70001]) == [0, 1, 5, 70000, 70001]


def test_sixteen_bit_ids_go_on_after_65535():
    assert unwrapped([65534, 65535, 0, 1]) == [65534, 65535, 65536, 65537]


def test_gige_ids_skip_zero():
    ids = [65534, 65535, 1, 2]
    assert unwrapped(ids, IdWrap.GIGE) == [65534, 65535, 65536, 65537]


def test_frames_lost_around_a_wrap_leave_a_gap_of_their_number():
    assert unwrapped([65530, 3]) == [65530, 65539]


def test_two_wraps_add_up():
    ids = [*range(65000, 65536), *range(0, 65536, 1000), 65535, 0]
    assert unwrapped(ids)[-1] == 2 * 65536


def test_a_late_id_from_before_the_wrap_goes_back_over_it():
    assert unwrapped([65535, 0, 65535, 1]) == [65535, 65536, 65535, 65537]


def test_a_camera_that_starts_again_is_no_wrap():
    assert unwrapped([30000, 30001, 0, 1]) == [30000, 30001, 0, 1]


def test_ids_above_sixteen_bits_never_wrap_by_themselves():
    assert unwrapped([131071, 0]) == [131071, 0]


def test_no_wrap_where_none_was_set():
    assert unwrapped([65535, 0], IdWrap.NONE) == [65535, 0]


@given(
    start=st.integers(0, 65535),
    steps=st.lists(st.integers(1, 2000), min_size=1, max_size=300),
)
def test_any_growing_ids_survive_sixteen_bits(start, steps):
    true = np.cumsum([start, *steps])
    found = unwrapped([int(i) % 65536 for i in true], IdWrap.BITS16)
    assert found == [int(i) - int(true[0]) + start for i in true]


@pytest.mark.parametrize("dtype", PIXEL_TYPES)
def test_every_pixel_type_makes_a_frame(dtype):
    assert make_frame(np.zeros((2, 3), dtype)).data.dtype == dtype


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (np.zeros((0, 4), np.uint16), "empty"),
        (np.zeros(4, np.uint16), "empty"),
        (np.zeros((2, 2), np.complex64), "malformed"),
        (np.zeros((2, 2), ">u2"), "malformed"),
    ],
)
def test_impossible_pixels_are_refused_with_a_reason(data, reason):
    with pytest.raises(MalformedFrameError, match="frame 7") as caught:
        make_frame(data)
    assert caught.value.reason == reason


def test_a_preview_of_an_impossible_id_shifts_no_later_one():
    unwrapper = IdUnwrapper()
    unwrapper.unwrap(10)
    assert unwrapper.preview(65530) == 65530
    assert unwrapper.unwrap(11) == 11


def test_a_number_of_the_same_counting_is_unwrapped_to_the_nearest():
    unwrapper = IdUnwrapper(IdWrap.BITS16)
    for camera_id in (65000, 65535, 200):
        unwrapper.unwrap(camera_id)
    assert [unwrapper.nearest(n) for n in (150, 65100, 70_000)] == [
        65686,
        65100,
        70_000,
    ]
