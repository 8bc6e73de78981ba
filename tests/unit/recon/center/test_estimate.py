"""The axis of phantoms, whose column is known exactly."""

import numpy as np
import pytest

from tomostream.recon.center import estimate_center
from tomostream.sim.phantom import head_phantom
from tomostream.testing.rings import ring_of

HALF_TURN = np.arange(180.0)
SHAPE = (64, 128)
HEAD = head_phantom(128, 64, fill=0.8).still


@pytest.mark.parametrize("center", [63.5, 60.3, 75.77, 31.2])
def test_axis_of_the_phantom_is_found_within_a_quarter_pixel(center: float) -> None:
    found = estimate_center(ring_of(HEAD, HALF_TURN, shape=SHAPE, center=center))
    assert abs(found.center - center) < 0.25
    assert found.confidence > 0.7


def test_air_gives_no_confidence() -> None:
    found = estimate_center(ring_of([], HALF_TURN, shape=SHAPE, center=60.3))
    assert found.confidence < 0.1
    assert found.reason
