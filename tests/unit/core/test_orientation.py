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
    "options", [{"axis": "diagonal"}, {"rotation_sign": 0}, {"roll_deg": 0.3}]
)
def test_what_cannot_be_done_is_refused(options):
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        Orientation(**options)
