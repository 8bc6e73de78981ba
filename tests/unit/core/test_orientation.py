import math

import numpy as np
import pytest

from tomostream.core.errors import ConfigurationError
from tomostream.core.orientation import Orientation

IMAGE = np.arange(6).reshape(2, 3)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [[0, 1, 2], [3, 4, 5]]),
        ({"flip_x": True}, [[2, 1, 0], [5, 4, 3]]),
        ({"flip_z": True}, [[3, 4, 5], [0, 1, 2]]),
        ({"axis": "rows"}, [[0, 3], [1, 4], [2, 5]]),
        ({"axis": "rows", "flip_x": True}, [[3, 0], [4, 1], [5, 2]]),
        ({"axis": "rows", "flip_z": True}, [[2, 5], [1, 4], [0, 3]]),
        ({"flip_x": True, "flip_z": True}, [[5, 4, 3], [2, 1, 0]]),
    ],
)
def test_an_image_is_turned_and_mirrored(options, expected):
    turned = Orientation(**options).apply(IMAGE)
    np.testing.assert_array_equal(turned, expected)
    assert turned.flags.c_contiguous


def test_an_upright_image_is_not_copied():
    assert np.shares_memory(Orientation().apply(IMAGE), IMAGE)


@pytest.mark.parametrize("axis", ["columns", "rows"])
def test_the_cameras_shape_is_known_from_the_oriented_one(axis):
    orientation = Orientation(axis=axis)
    assert orientation.camera_shape(orientation.apply(IMAGE).shape) == IMAGE.shape


def test_the_sign_of_rotation_turns_angles_only():
    turned = Orientation(rotation_sign=-1)
    assert turned.angle_deg(30.0) == -30.0
    np.testing.assert_array_equal(turned.apply(IMAGE), IMAGE)


@pytest.mark.parametrize(
    "options", [{"axis": "diagonal"}, {"rotation_sign": 0}, {"roll_deg": 20.0}]
)
def test_what_cannot_be_done_is_refused(options):
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        Orientation(**options)


def axis_image(*, roll_deg: float, n_z: int = 80, n_x: int = 101) -> np.ndarray:
    """Give a straight line through the middle, whose column grows with the row."""
    z = np.arange(n_z)[:, None] - (n_z - 1) / 2
    x = np.arange(n_x)[None, :] - (n_x - 1) / 2
    angle = math.radians(roll_deg)
    distance = x * math.cos(angle) - z * math.sin(angle)
    return (1000 * np.exp(-0.5 * (distance / 3) ** 2)).astype(np.uint16)


@pytest.mark.parametrize("roll_deg", [0.7, -3.0])
def test_a_roll_is_taken_out(roll_deg):
    turned = Orientation(roll_deg=roll_deg).apply(axis_image(roll_deg=roll_deg))
    upright = turned.astype(float)
    # Bilinear interpolation of a line of 3 pixels rms flattens its peak by at most
    # 1/8 of the second derivative, 1000 / 9 per pixel squared, in both directions.
    np.testing.assert_allclose(upright, axis_image(roll_deg=0.0), atol=28)


def test_without_correction_a_rolled_axis_is_not_upright():
    rolled = Orientation().apply(axis_image(roll_deg=3.0))
    assert np.abs(rolled - axis_image(roll_deg=0.0).astype(float)).max() > 300


def test_the_roll_is_taken_out_after_the_flips():
    camera = axis_image(roll_deg=2.0)[:, ::-1]
    upright = Orientation(roll_deg=2.0, flip_x=True).apply(camera).astype(float)
    np.testing.assert_allclose(upright, axis_image(roll_deg=0.0), atol=28)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (2, 2), (70, 3)])
def test_a_constant_image_stays_constant_whatever_its_size(shape):
    turned = Orientation(roll_deg=5.0).apply(np.full(shape, 7, np.uint16))
    np.testing.assert_array_equal(turned, np.full(shape, 7, np.float32))
