"""What new frames mean for the oblique plane and the region that sees air."""

from dataclasses import replace

import pytest

from tomostream.core.parameters import Parameters
from tomostream.service.layout import FrameLayout, completed, placed, rescaled

SMALL = FrameLayout(n_z=30, n_x=64)
LARGE = FrameLayout(n_z=60, n_x=128)


def test_an_oblique_plane_never_placed_goes_through_the_middle():
    shown = completed(Parameters(), SMALL, are_planes_centred=True)
    assert (shown.oblique_x, shown.oblique_y, shown.oblique_z) == (32.0, 32.0, 15.0)


@pytest.mark.parametrize(
    ("point", "centred"), [((0.0, 0.0, 0.0), False), ((0.0, 3.0, 0.0), True)]
)
def test_an_oblique_plane_stays_where_it_was_put(point, centred):
    x, y, z = point
    wanted = Parameters(oblique_x=x, oblique_y=y, oblique_z=z)
    shown = completed(wanted, SMALL, are_planes_centred=centred)
    assert (shown.oblique_x, shown.oblique_y, shown.oblique_z) == point


def test_an_oblique_plane_stays_in_place_in_frames_of_another_binning():
    wanted = Parameters(oblique_x=20.0, oblique_y=10.0, oblique_z=7.0)
    finer = rescaled(wanted, SMALL, LARGE)
    assert (finer.oblique_x, finer.oblique_y, finer.oblique_z) == (40.5, 20.5, 14.5)
    assert replace(rescaled(finer, LARGE, SMALL), center=0.0) == replace(
        wanted, center=0.0
    )


@pytest.mark.parametrize(
    ("point", "inside"),
    [((200.0, 3.0, 100.0), (63.0, 3.0, 29.0)), ((-4.0, 63.5, 0.0), (0.0, 63.0, 0.0))],
)
def test_an_oblique_plane_ends_where_the_volume_does(point, inside):
    x, y, z = point
    wanted = Parameters(center=32.0, oblique_x=x, oblique_y=y, oblique_z=z)
    shown = placed(wanted, SMALL, are_planes_centred=False)
    assert (shown.oblique_x, shown.oblique_y, shown.oblique_z) == inside


def with_region(x, y, width, height):
    return Parameters(
        center=32.0, region_x=x, region_y=y, region_width=width, region_height=height
    )


def region(shown):
    return shown.region_x, shown.region_y, shown.region_width, shown.region_height


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        ((2, 3, 10, 20), (2, 3, 10, 20)),
        # Steps cut what juts out; a width is not taken away while it is being typed.
        ((60, 3, 64, 30), (60, 3, 64, 30)),
        ((50, 3, 100, 20), (50, 3, 14, 20)),
        ((70, 3, 10, 20), (0, 0, 0, 0)),
        ((2, 40, 10, 0), (0, 0, 0, 0)),
    ],
    ids=["inside", "juts out", "too wide", "outside", "none"],
)
def test_a_region_saved_for_other_frames_becomes_one_that_these_have(wanted, shown):
    found = placed(with_region(*wanted), SMALL, are_planes_centred=False)
    assert region(found) == shown


def test_a_region_sees_the_same_air_in_frames_of_another_binning():
    finer = rescaled(with_region(2, 3, 5, 20), SMALL, LARGE)
    assert region(finer) == (4, 6, 10, 40)
    assert region(rescaled(finer, LARGE, SMALL)) == (2, 3, 5, 20)


def test_a_region_of_one_pixel_stays_one_in_coarse_pixels():
    assert region(rescaled(with_region(4, 4, 1, 1), LARGE, SMALL)) == (2, 2, 1, 1)
