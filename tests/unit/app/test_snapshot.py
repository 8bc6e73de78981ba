import numpy as np
import pytest
from PIL import Image

from tomostream.app.snapshot import (
    draw_snapshot,
    grey_limits,
    nice_ticks,
    to_grey,
    write_snapshot,
)
from tomostream.core.geometry import Geometry, Planes
from tomostream.core.ortho_planes import ortho_planes
from tomostream.core.publication import Publication
from tomostream.core.slices import Slices, pack, unpack


def publication(n=64, n_z=48, **changes):
    y, x = np.mgrid[:n, :n] - n / 2
    disc = np.where(x**2 + y**2 < (n / 3) ** 2, 0.02, 0).astype(np.float32)
    upright = np.repeat(disc[n // 2][None], n_z, axis=0)
    packed = pack(Slices(z=disc, y=upright, x=upright))
    geometry = Geometry(n_z=n_z, n_x=n, n_slots=8, n_out=n)
    values = {
        "unique_id": 7, "published_s": 0.0, "data_s": 0.0, "packed": packed,
        "slices": unpack(packed, geometry), "first_projection_id": 1,
        "last_projection_id": 8, "angle_deg": 12.0, "center": n / 2,
        "planes": Planes.middle(geometry), "filter_type": "Parzen",
        "slots_filled": 8, "slots_stale": 0, "completeness": 1.0, "session": 1,
    }  # fmt: skip
    return Publication(**(values | changes))


def test_the_picture_holds_the_bright_disc(tmp_path):
    write_snapshot(
        publication(), tmp_path / "a.png", channel="sim:TomoStream:StreamRecon"
    )
    with Image.open(tmp_path / "a.png") as picture:
        pixels = np.asarray(picture.convert("L"))
    assert (pixels > 250).mean() > 0.1
    assert pixels.shape[1] > 2.5 * pixels.shape[0]


@pytest.mark.parametrize(("n", "n_z"), [(640, 2), (5, 1), (33, 300), (1024, 700)])
def test_every_shape_can_be_drawn(n, n_z):
    assert max(draw_snapshot(publication(n, n_z), channel="a:b").size) < 3000


def test_slices_of_nothing_but_nan_can_be_drawn():
    shown = publication()
    shown.packed[:] = np.nan
    assert draw_snapshot(shown, channel="a:b").size[0] > 1000


def test_crosshairs_are_white():
    image = np.array([[0.0, np.nan, 1.0]], np.float32)
    assert to_grey(image, 0.0, 1.0).tolist() == [[0, 255, 255]]


def test_grey_limits_leave_out_a_single_hot_pixel():
    image = np.linspace(0, 1, 10_000, dtype=np.float32).reshape(100, 100)
    image[0, 0] = 1e6
    low, high = grey_limits(image)
    assert low == pytest.approx(0.005, abs=1e-3)
    assert high == pytest.approx(0.99, abs=1e-3)


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 255, [0, 50, 100, 150, 200, 250]),
        (-0.31, 7.9, [0, 2, 4, 6]),
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (3, 3, [3]),
    ],
)
def test_ticks_are_round_numbers(low, high, ticks):
    assert nice_ticks(low, high) == ticks


def drawn_in(picture, color):
    """Give rows and columns of the pixels in which a colour stands out."""
    pixels = np.asarray(picture.convert("RGB")).astype(int)
    # Left panel: the horizontal slice, from its corner on.
    panel = pixels[150:590, 114:554]
    strong = np.abs(panel - color).sum(axis=2) < 200
    return np.nonzero(strong)


def test_the_other_planes_are_marked_where_they_cross_a_slice():
    empty = np.zeros((64, 3 * 64), np.float32)
    geometry = Geometry(n_z=64, n_x=64, n_slots=8, n_out=64)
    turned = Planes(x=40, y=32, z=32, rot_x=90.0)
    picture = draw_snapshot(
        publication(
            64, 64, packed=empty, slices=unpack(empty, geometry), planes=turned
        ),
        channel="a:b",
    )
    rows, columns = drawn_in(picture, (255, 158, 87))
    # Turned by 90 degrees the plane x = 8 from the axis is y = -8: row 24 of 64.
    assert np.ptp(rows) <= 1
    assert rows.mean() == pytest.approx(24.5 * 440 / 64, abs=1.5)
    assert np.ptp(columns) > 400


@pytest.mark.parametrize(
    ("angle_deg", "ends"),
    [
        (0.0, ((-0.5, 20.0), (39.5, 20.0))),
        (90.0, ((20.0, -0.5), (20.0, 39.5))),
        (45.0, ((-0.5, -0.5), (39.5, 39.5))),
    ],
)
def test_a_turned_plane_crosses_the_horizontal_slice_from_edge_to_edge(angle_deg, ends):
    geometry = Geometry(n_z=30, n_x=40, n_slots=1, n_out=40)
    x, _, z = ortho_planes(Planes(x=20, y=20, z=15, rot_x=angle_deg), geometry)
    crossing = x.crossing(z, 40, 40)
    assert crossing is not None
    np.testing.assert_allclose(crossing, ends, atol=1e-9)


def test_a_plane_beside_the_image_or_along_it_does_not_cross_it():
    geometry = Geometry(n_z=30, n_x=40, n_slots=1, n_out=40)
    x, y, z = ortho_planes(Planes(x=39, y=20, z=15, rot_x=90.0), geometry)
    assert x.crossing(y, 30, 40) is None
    crossing = x.crossing(z, 10, 40)
    assert crossing is not None
    np.testing.assert_allclose(crossing, ((1.0, -0.5), (1.0, 39.5)))
    assert x.crossing(z, 1, 40) is None
