import numpy as np
import pytest

from tomostream.core.geometry import Geometry, Planes
from tomostream.core.slices import Slices, draw_crosshair, pack, planes_at_click, unpack


def make_slices(n_out, n_z):
    rng = np.random.default_rng(0)
    return Slices(
        z=rng.random((n_out, n_out), np.float32),
        y=rng.random((n_z, n_out), np.float32),
        x=rng.random((n_z, n_out), np.float32),
    )


@pytest.mark.parametrize(("n_out", "n_z"), [(8, 5), (8, 8), (8, 13), (4, 1)])
def test_packing_and_unpacking_give_the_slices_back(n_out, n_z):
    slices = make_slices(n_out, n_z)
    packed = pack(slices)
    geometry = Geometry(n_z=n_z, n_x=n_out, n_slots=1, n_out=n_out)
    assert packed.shape == geometry.packed_shape
    again = unpack(packed, geometry)
    for name in ("z", "y", "x"):
        np.testing.assert_array_equal(getattr(again, name), getattr(slices, name))


def test_unused_pixels_are_zero():
    packed = pack(make_slices(8, 5))
    assert not packed[5:, 8:].any()


def test_the_crosshair_is_centred_and_stays_in_its_slice():
    slices = make_slices(16, 9)
    draw_crosshair(slices, Planes(x=0, y=7, z=4))
    rows = np.flatnonzero(np.isnan(slices.z).all(axis=1))
    columns = np.flatnonzero(np.isnan(slices.z).all(axis=0))
    assert rows.tolist() == [6, 7, 8]
    assert columns.tolist() == [0, 1]
    packed = pack(slices)
    assert not np.isnan(packed[0, 15])


@pytest.mark.parametrize(
    ("click", "expected"),
    [
        ((3, 5), Planes(x=3, y=5, z=2)),
        ((11, 4), Planes(x=3, y=1, z=4)),
        ((22, 0), Planes(x=0, y=6, z=0)),
    ],
)
def test_a_click_sets_the_two_planes_that_it_shows(click, expected):
    geometry = Geometry(n_z=5, n_x=8, n_slots=1, n_out=8)
    before = Planes(x=0, y=1, z=2)
    assert planes_at_click(click[0], click[1], before, geometry) == expected


def test_a_click_into_unused_pixels_changes_nothing():
    geometry = Geometry(n_z=5, n_x=8, n_slots=1, n_out=8)
    planes = Planes(x=1, y=2, z=3)
    assert planes_at_click(10, 6, planes, geometry) == planes
    assert planes_at_click(24, 0, planes, geometry) == planes


def test_a_click_leaves_planes_turned_as_they_are():
    geometry = Geometry(n_z=5, n_x=8, n_slots=1, n_out=8)
    turned = Planes(x=1, y=2, z=3, rot_x=10.0, rot_y=20.0, rot_z=30.0)
    for column in (3, 11, 19):
        after = planes_at_click(column, 1, turned, geometry)
        assert (after.rot_x, after.rot_y, after.rot_z) == (10.0, 20.0, 30.0)
