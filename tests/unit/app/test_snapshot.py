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
from tomostream.core.geometry import Geometry
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
        "last_projection_id": 8, "angle_deg": 12.0, "center": n / 2, "ortho_x": n // 2,
        "ortho_y": n // 2, "ortho_z": n_z // 2, "filter_type": "Parzen",
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
