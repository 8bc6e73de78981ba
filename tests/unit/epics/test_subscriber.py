import numpy as np
import pvaccess
import pytest

from tomostream.core.arrivals import FieldArrival, ImageArrival, TableArrival
from tomostream.core.frame import FrameKind
from tomostream.epics.subscriber import (
    FieldSubscriber,
    ImageSubscriber,
    ThetaSubscriber,
)
from tomostream.testing.fakes import FakeClock

FIELD = {"value": [pvaccess.FLOAT], "sizex": pvaccess.INT, "sizey": pvaccess.INT}


@pytest.fixture
def dark():
    return FieldSubscriber("d", FakeClock(), kind=FrameKind.DARK)


@pytest.fixture
def theta():
    return ThetaSubscriber("t", FakeClock())


def field(values, sizex=0, sizey=0):
    return pvaccess.PvObject(
        FIELD, {"value": np.asarray(values, "f4"), "sizex": sizex, "sizey": sizey}
    )


def test_a_field_may_come_before_its_sizes(dark):
    arrival = dark._arrival(field([1, 2, 3, 4]))
    assert isinstance(arrival, FieldArrival)
    assert (arrival.kind, arrival.size_x, arrival.size_y) == (FrameKind.DARK, 0, 0)
    np.testing.assert_array_equal(arrival.values, [1, 2, 3, 4])


def test_sizes_that_come_later_are_no_new_field(dark):
    pv = field([1, 2, 3, 4])
    assert dark._arrival(pv) is not None
    pv["sizex"] = 2
    assert dark._arrival(pv) is None


def test_equal_values_put_again_are_a_new_field(dark):
    assert dark._arrival(field([1, 2])) is not None
    arrival = dark._arrival(field([1, 2], sizex=2, sizey=1))
    assert (arrival.size_x, arrival.size_y) == (2, 1)


def test_an_empty_field_is_nothing(dark):
    assert dark._arrival(field([])) is None


def test_fields_of_doubles_are_taken_as_floats(dark):
    pv = pvaccess.PvObject({"value": [pvaccess.DOUBLE]}, {"value": [1.5, 2.5]})
    arrival = dark._arrival(pv)
    assert arrival.values.dtype == np.float32
    assert not arrival.values.flags.writeable


@pytest.mark.parametrize(
    "pv",
    [
        pvaccess.PvObject({"value": pvaccess.INT}, {"value": 3}),
        pvaccess.PvObject({"value": [pvaccess.STRING]}, {"value": ["a"]}),
        pvaccess.PvObject({"other": pvaccess.INT}, {"other": 3}),
    ],
)
def test_something_else_than_a_field_is_passed_over(dark, theta, pv):
    assert dark._arrival(pv) is None
    assert theta._arrival(pv) is None


def test_a_table_is_not_copied_and_not_writeable(theta):
    pv = field(np.arange(1000))
    arrival = theta._arrival(pv)
    assert isinstance(arrival, TableArrival)
    assert not arrival.values.flags.writeable
    assert not arrival.values.flags.owndata
    np.testing.assert_array_equal(arrival.values, np.arange(1000))


def test_an_empty_table_is_a_table(theta):
    assert theta._arrival(field([])).values.size == 0


def test_a_table_may_count_the_other_way_round():
    theta = ThetaSubscriber("t", FakeClock(), rotation_sign=-1)
    arrival = theta._arrival(field([0, 1]))
    assert isinstance(arrival, TableArrival)
    np.testing.assert_array_equal(arrival.values, [0, -1])


def test_a_table_keeps_its_values_when_the_next_one_comes(theta):
    pv = field([1, 2, 3])
    first = theta._arrival(pv)
    pv["value"] = np.asarray([4, 5, 6], "f4")
    second = theta._arrival(pv)
    np.testing.assert_array_equal(first.values, [1, 2, 3])
    np.testing.assert_array_equal(second.values, [4, 5, 6])


def test_a_server_that_has_published_nothing_gives_no_arrival():
    images = ImageSubscriber("i", FakeClock())
    assert images._arrival(pvaccess.NtNdArray()) is None


def test_an_image_is_told_when_it_came(ntndarray):
    images = ImageSubscriber("i", FakeClock(now_s=5.0))
    arrival = images._arrival(ntndarray(np.ones((2, 2), "u1")))
    assert isinstance(arrival, ImageArrival)
    assert arrival.arrived_s == 5.0
