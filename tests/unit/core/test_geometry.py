from dataclasses import replace

import pytest

from tomostream.core.errors import ConfigurationError
from tomostream.core.geometry import (
    Geometry,
    Planes,
    output_pad,
    output_width,
    rescale_center,
    rescale_center_by_width,
    rescale_index,
)


def make_geometry(**changes):
    return replace(Geometry(n_z=20, n_x=30, n_slots=10, n_out=30), **changes)


def test_half_a_turn_gives_slices_as_wide_as_the_detector():
    assert output_width(640, 295.5, 180) == 640


@pytest.mark.parametrize("center", [64.0, 575.0])
def test_a_full_turn_reaches_from_the_axis_to_the_farther_edge(center):
    assert output_width(640, center, 360) == 2 * 575 + 1


@pytest.mark.parametrize("center", [-65536.0, -0.5, 639.5, 65536.0])
def test_an_axis_outside_the_frames_makes_slices_no_wider(center):
    # A slip of the operator's finger must not ask for 69 GB of slice.
    width, pad = output_width(640, center, 360), output_pad(640, center, 360)
    assert width == 2 * 639 + 1
    assert pad == (width - 640 if center < 0 else 0)


def test_a_full_turn_about_the_middle_is_no_narrower_than_the_detector():
    assert output_width(640, 319.5, 360) >= 640


def test_binning_by_two_moves_the_center_by_half_pixels():
    assert rescale_center(295.5, binning_old=1, binning_new=2) == 147.5


def test_binning_and_back_is_the_identity():
    binned = rescale_center(
        301.25, binning_old=1, binning_new=4, offset_old=8, offset_new=2
    )
    back = rescale_center(
        binned, binning_old=4, binning_new=1, offset_old=2, offset_new=8
    )
    assert back == pytest.approx(301.25)


def test_a_region_shifts_the_center():
    center = rescale_center(
        300.0, binning_old=1, binning_new=1, offset_old=0, offset_new=100
    )
    assert center == 200.0


def test_widths_alone_give_the_same_center_as_binning():
    assert rescale_center_by_width(295.5, width_old=640, width_new=320) == 147.5


def test_an_index_keeps_its_place_and_stays_inside():
    assert rescale_index(100, size_old=640, size_new=320) == 50
    assert rescale_index(639, size_old=640, size_new=320) == 319


def test_planes_outside_are_moved_to_the_nearest_inside():
    planes = Planes(x=-5, y=99, z=40).clipped(make_geometry())
    assert planes == Planes(x=0, y=29, z=19)


def test_the_packed_image_holds_a_volume_taller_than_wide():
    assert make_geometry(n_z=100).packed_shape == (100, 90)


@pytest.mark.parametrize("size", ["n_z", "n_x", "n_slots", "n_out"])
def test_a_size_of_zero_is_refused_by_name(size):
    with pytest.raises(ConfigurationError, match=size):
        make_geometry(**{size: 0})


def test_impossible_geometry_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        Geometry(n_z=1, n_x=3, n_slots=1, n_out=4)


def test_frames_must_fit_the_ring() -> None:
    with pytest.raises(ConfigurationError, match="pad_x: expected 0 to 0, got 3"):
        Geometry(n_z=4, n_x=30, n_slots=2, n_out=33, pad_x=3)
    with pytest.raises(ConfigurationError, match="pad_x: expected 0 to 20, got 21"):
        Geometry(n_z=4, n_x=30, n_slots=2, n_out=50, scan_range=360, pad_x=21)
