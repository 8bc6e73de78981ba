from dataclasses import replace

import pytest

from tomostream.core.parameters import Parameters
from tomostream.core.steps import FlatScale, Region, RingRemoval, Steps

SHAPE = (20, 30)
INSIDE = Region(x=25, y=-4, width=50, height=10)


@pytest.mark.parametrize(
    "idle",
    [
        {"exposure_ratio": 3.0},
        {"region": INSIDE},
        {"zinger_threshold": 0.9},
        {"ring_width": 99.0},
        {"flat_scale": FlatScale.REGION},
        {
            "flat_scale": FlatScale.REGION,
            "region": Region(x=30, y=0, width=1, height=1),
        },
    ],
)
def test_what_has_no_effect_makes_no_difference(idle) -> None:
    assert Steps(**idle).effective(SHAPE) == Steps()


@pytest.mark.parametrize(
    "active",
    [
        {"flat_scale": FlatScale.EXPOSURE, "exposure_ratio": 3.0},
        {"zinger_radius": 2, "zinger_threshold": 0.9},
        {"ring_removal": RingRemoval.HIGH_PASS, "ring_width": 99.0},
        {"transmission_floor": 0.1},
        {"hardening": (0.1, 0.0)},
    ],
)
def test_what_has_an_effect_stays(active) -> None:
    steps = Steps(**active)
    assert steps.effective(SHAPE) == steps


def test_region_is_cut_to_the_frames() -> None:
    steps = Steps(flat_scale=FlatScale.REGION, region=INSIDE)
    cut = Region(x=25, y=0, width=5, height=6)
    assert steps.effective(SHAPE) == replace(steps, region=cut)


@pytest.mark.parametrize(("image", "flat"), [(1.0, 0.0), (1e4, 1e-300), (1e-9, 1.0)])
def test_exposures_that_cannot_be_are_not_acted_on(image: float, flat: float) -> None:
    wished = Parameters(
        flat_scale=FlatScale.EXPOSURE, exposure_s=image, flat_exposure_s=flat
    )
    assert wished.recon().steps == Steps()
    assert any("FlatExposure" in problem for problem in wished.problems())
