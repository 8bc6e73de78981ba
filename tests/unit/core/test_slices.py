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
    geometry = Geometry(n_z=9, n_x=16, n_slots=1, n_out=16)
    draw_crosshair(slices, Planes(x=0, y=7, z=4), geometry)
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


N_OUT, N_Z = 40, 31
VOLUME = Geometry(n_z=N_Z, n_x=N_OUT, n_slots=1, n_out=N_OUT)
TURNED = Planes(x=17, y=25, z=12, rot_x=20.0, rot_y=-35.0, rot_z=10.0)


def sample_point(image, row, column, planes):
    """Give the place that a pixel shows, by docs/reference/planes.md."""
    rotation = {"x": planes.rot_x, "y": planes.rot_y, "z": planes.rot_z}[image]
    c, s = np.cos(np.deg2rad(rotation)), np.sin(np.deg2rad(rotation))
    half, middle = N_OUT // 2, N_Z // 2
    if image == "z":
        x, y, z = column - half, row - half, planes.z - middle
        return x * c + z * s, y, -x * s + z * c
    x, y = (
        (planes.x - half, column - half)
        if image == "x"
        else (column - half, planes.y - half)
    )
    return x * c + y * s, -x * s + y * c, row - middle


def distances(point, planes):
    """Give how far a place is from each of the three planes."""
    x, y, z = point
    (a, b, r), half = np.deg2rad([planes.rot_x, planes.rot_y, planes.rot_z]), N_OUT // 2
    return {
        "x": x * np.cos(a) - y * np.sin(a) - (planes.x - half),
        "y": x * np.sin(b) + y * np.cos(b) - (planes.y - half),
        "z": x * np.sin(r) + z * np.cos(r) - (planes.z - N_Z // 2),
    }


@pytest.mark.parametrize(
    "planes",
    [
        TURNED,
        Planes(x=17, y=25, z=12, rot_x=90.0),
        Planes(x=17, y=25, z=12, rot_y=-45.0),
        Planes(x=17, y=25, z=12, rot_z=89.0),
    ],
)
def test_the_crosshair_lies_where_turned_planes_cross(planes):
    slices = make_slices(N_OUT, N_Z)
    draw_crosshair(slices, planes, VOLUME)
    normals = {
        name: np.array(
            [
                distances(unit, planes)[name] - distances((0, 0, 0), planes)[name]
                for unit in np.eye(3)
            ]
        )
        for name in "xyz"
    }
    for image, others in (("z", "xy"), ("y", "xz"), ("x", "yz")):
        rows, columns = np.mgrid[: N_Z if image != "z" else N_OUT, :N_OUT]
        away = distances(sample_point(image, rows, columns, planes), planes)
        is_near = np.zeros(rows.shape, bool)
        for other in others:
            slope = np.linalg.norm(np.cross(normals[image], normals[other]))
            if slope > 1e-6:
                # Three pixels wide, measured in the image.
                is_near |= abs(away[other]) < 1.5 * slope - 1e-9
        np.testing.assert_array_equal(np.isnan(getattr(slices, image)), is_near)


def test_planes_that_do_not_cross_draw_nothing():
    slices = make_slices(N_OUT, N_Z)
    planes = Planes(x=17, y=25, z=12, rot_x=90.0)
    draw_crosshair(slices, planes, VOLUME)
    # X stands where Y would: in the image of Y only Z is a line.
    assert np.isnan(slices.y).sum() == 3 * N_OUT


@pytest.mark.parametrize(("image", "first"), [("z", 0), ("y", 1), ("x", 2)])
def test_after_a_click_all_planes_show_what_was_clicked(image, first):
    row, column = 14, 22
    after = planes_at_click(first * N_OUT + column, row, TURNED, VOLUME)
    point = sample_point(image, row, column, TURNED)
    # Whole pixels.
    assert all(abs(away) <= 0.5 + 1e-9 for away in distances(point, after).values())
    assert getattr(after, image) == getattr(TURNED, image)


def test_a_click_whose_planes_lie_outside_takes_the_nearest():
    planes = Planes(x=20, y=20, z=15, rot_x=45.0)
    after = planes_at_click(39, 0, planes, VOLUME)
    assert (after.x, after.y) == (N_OUT - 1, 0)
