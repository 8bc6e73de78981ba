"""The rotation centre of scans from files.

The tooth is measured. derived24737 is a simulation: the volume of a measured scan,
projected again with noise and stripes.
"""

import os
from pathlib import Path

import pytest

from tomostream.recon.center import CenterEstimate, estimate_center
from tomostream.recon.snapshot import RingSnapshot
from tomostream.testing.rings import ring_of_file

FOLDER = Path(
    os.environ.get("TOMOSTREAM_DATA", Path(__file__).parents[3] / "shared" / "data")
)
CENTERS = {"tooth_2x640_181.h5": 295.5, "derived24737_135x160_361.h5": 85.8}


def loaded(name: str) -> RingSnapshot:
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"{name} is not in {FOLDER}; TOMOSTREAM_DATA may name the folder")
    return ring_of_file(path, center=CENTERS[name])


@pytest.fixture(params=CENTERS)
def found(request: pytest.FixtureRequest) -> tuple[CenterEstimate, float]:
    name = request.param
    return estimate_center(loaded(name)), CENTERS[name]


def test_center_of_the_data_set_is_found_and_trusted(
    found: tuple[CenterEstimate, float],
) -> None:
    estimate, known = found
    # What was asked. The tooth's 295.5 is itself known to half a pixel.
    assert estimate.center == pytest.approx(known, abs=0.5)
    assert estimate.confidence > 0.7


def test_each_method_finds_it(found: tuple[CenterEstimate, float]) -> None:
    estimate, known = found
    assert estimate.registration.center == pytest.approx(known, abs=0.5)
    assert estimate.sharpness.center == pytest.approx(known, abs=0.5)
    assert estimate.spread_px < 0.25


def test_simulated_camera_is_not_rolled() -> None:
    estimate = estimate_center(loaded("derived24737_135x160_361.h5"))
    assert estimate.roll_deg == pytest.approx(0.0, abs=0.05)
    assert estimate.roll_confidence > 0.7
