import numpy as np
import pytest

from tomostream.app import recon_center
from tomostream.app.recon_center import candidate_centers, center_of
from tomostream.app.scan_file import ScanFile
from tomostream.core.errors import ConfigurationError, ReconstructionError
from tomostream.core.geometry import Planes
from tomostream.core.parameters import FilterType, Parameters

CENTER = 60.4


@pytest.fixture
def path(write_scan):
    return write_scan(n_x=128, n_z=24, n_theta=180, center=CENTER)


def test_the_axis_is_found_where_nobody_says_it(path):
    with ScanFile(path) as scan:
        found = center_of(scan, None)
    # What issue and docs promise for a phantom.
    assert found.center == pytest.approx(CENTER, abs=0.25)
    assert found.confidence is not None
    assert found.confidence > 0.6
    assert "estimated with confidence" in found.told()


def test_of_a_large_file_the_middle_rows_say_it(path, monkeypatch):
    monkeypatch.setattr(recon_center, "_ESTIMATE_BYTES", 6 * 128 * 2 * 180)
    with ScanFile(path) as scan:
        rows = recon_center._middle_rows(scan)
        assert (rows.start, rows.stop) == (9, 15)
        assert center_of(scan, None).center == pytest.approx(CENTER, abs=0.25)


def test_missing_flats_do_not_hide_the_axis(write_scan):
    path = write_scan(
        n_x=128, n_z=24, n_theta=180, center=CENTER, data_white=None, data_dark=None
    )
    with ScanFile(path) as scan:
        assert center_of(scan, None).center == pytest.approx(CENTER, abs=0.25)


@pytest.fixture
def featureless(write_scan):
    def empty(contents):
        noise = np.random.default_rng(5).normal(0, 100, contents["data"].shape)
        contents["data"] = (30000 + noise).astype(np.uint16)

    return write_scan(n_x=128, n_z=24, n_theta=180, change=empty)


def test_an_axis_that_cannot_be_told_is_not_guessed(featureless):
    with (
        ScanFile(featureless) as scan,
        pytest.raises(ReconstructionError, match="cannot be told") as refusal,
    ):
        center_of(scan, None)
    assert "--try" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_guess_is_good_enough_to_look_at_candidates(featureless):
    with ScanFile(featureless) as scan:
        found = center_of(scan, None, guesses=True)
    assert found.doubt
    assert 0 <= found.center <= 127


def test_the_operators_word_is_taken(featureless):
    with ScanFile(featureless) as scan:
        assert center_of(scan, 12.5).center == 12.5
        with pytest.raises(ConfigurationError, match="0 to 127"):
            center_of(scan, 128.0)


def test_a_tilted_axis_is_told(write_scan):
    def tilt(contents):
        data = contents["data"].astype(np.float32)
        columns = np.arange(data.shape[2])
        for row in range(data.shape[1]):
            # Two columns over the height.
            for frame in data[:, row]:
                frame[:] = np.interp(columns - (row - 63.5) / 64, columns, frame)
        contents["data"] = data.astype(np.uint16)

    path = write_scan(n_x=128, n_z=128, n_theta=90, center=CENTER, change=tilt)
    with ScanFile(path) as scan:
        found = center_of(scan, None)
    assert "the axis is tilted" in found.note


def test_candidates_stand_side_by_side(path):
    with ScanFile(path) as scan:
        strip = candidate_centers(
            scan, Parameters(filter_type=FilterType.HANN), center=CENTER, step=2.0,
            planes=Planes(x=64, y=64, z=12),
        )  # fmt: skip
    assert strip.centers[0] == pytest.approx(CENTER - 8)
    assert strip.centers[-1] == pytest.approx(CENTER + 8)
    tiles = [
        strip.pixels[: strip.width, k * strip.width : (k + 1) * strip.width]
        for k in range(9)
    ]
    # Air is empty where the axis is right; elsewhere negative arcs are smeared into it.
    negative = [float(np.square(np.minimum(tile, 0)).sum()) for tile in tiles]
    assert int(np.argmin(negative)) == 4
