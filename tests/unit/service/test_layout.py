"""What new frames mean for the oblique plane."""

from dataclasses import replace

import pytest

from tomostream.core.parameters import Parameters
from tomostream.service.layout import FrameLayout, completed, rescaled

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
