import argparse
import json
import os

import pytest

from tomostream.cli import recon
from tomostream.cli.main import main
from tomostream.cli.recon_screen import job_of, parameters_of
from tomostream.core.errors import ConfigurationError
from tomostream.core.parameters import FilterType, Parameters
from tomostream.core.steps import FlatScale, RingRemoval


@pytest.fixture(autouse=True)
def somewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def options_of(path, *arguments):
    parser = argparse.ArgumentParser()
    recon.add_arguments(parser)
    return parser.parse_args([str(path), *arguments])


def given(path, *arguments, live=None):
    return parameters_of(options_of(path, *arguments), live)


def test_slices_are_made_by_one_command(write_scan, tmp_path, capfd):
    assert main(["recon", str(write_scan()), "--center", "23.3"]) == 0
    assert (tmp_path / "scan_slices" / "slices.png").exists()
    out, told = capfd.readouterr()
    assert out == ""
    assert "60 projections of 48 x 20 pixels" in told
    assert "center 23.30, as given" in told


def test_a_script_gets_one_json_object(write_scan, capfd):
    arguments = ["--center", "23.3", "--volume", "-o", "v.h5", "--json"]
    assert main(["recon", str(write_scan()), *arguments]) == 0
    report = json.loads(capfd.readouterr().out)
    assert (report["output"], report["shape"]) == ("v.h5", [20, 48, 48])
    assert report["center"] == 23.3


def test_every_step_has_its_option(write_scan):
    found = given(
        write_scan(), "--filter", "Hann", "--dezinger", "3", "--dezinger-threshold",
        "0.3", "--energy", "25", "--distance", "150", "--pixel-size", "1.1",
        "--delta-beta", "500", "--ring-removal", "fw", "--ring-width", "8",
        "--beam-hardening", "0.1", "0.02", "--flat-scale", "region", "--region", "1",
        "2", "3", "4", "--exposure", "0.1", "0.2", "--transmission-floor", "0.001",
        "--scan-range", "360",
    )  # fmt: skip
    assert found == Parameters(
        filter_type=FilterType.HANN, dezinger_radius=3, dezinger_threshold=0.3,
        energy_kev=25, distance_mm=150, pixel_um=1.1, alpha=1 / 500,
        ring_removal=RingRemoval.FOURIER_WAVELET, ring_width=8, hardening_2=0.1,
        hardening_3=0.02, flat_scale=FlatScale.REGION, region_x=1, region_y=2,
        region_width=3, region_height=4, exposure_s=0.1, flat_exposure_s=0.2,
        transmission_floor=0.001, scan_range=360,
    )  # fmt: skip


def test_without_options_the_parameters_are_those_of_new_records(write_scan):
    assert given(write_scan()) == Parameters()


def test_options_come_before_live_settings(write_scan):
    live = Parameters(center=30.0, filter_type=FilterType.RAMP, dezinger_radius=2)
    found = given(write_scan(), "--filter", "cosine", live=live)
    assert (found.filter_type, found.dezinger_radius) == (FilterType.COSINE, 2)


@pytest.mark.parametrize(
    ("arguments", "live_center", "center"),
    [
        ((), 0.0, None),
        (("--center", "auto"), 0.0, None),
        (("--center", "12.5"), 0.0, 12.5),
        (("--live", "a:"), 30.0, 30.0),
        # Nobody has set the record.
        (("--live", "a:"), 0.0, None),
        (("--live", "a:", "--center", "12.5"), 30.0, 12.5),
    ],
)
def test_the_centre_is_the_first_that_somebody_says(
    write_scan, arguments, live_center, center
):
    options = options_of(write_scan(), *arguments)
    assert job_of(options, Parameters(center=live_center)).center == center


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--energy", "200"), "--energy: expected 1 to 100 keV, got 200"),
        (
            ("--dezinger-threshold", "-3"),
            "--dezinger-threshold: expected 0 to 100, got",
        ),
        (("--ring-width", "0"), "--ring-width: expected 1 to 1000 pixel, got 0"),
        (("--transmission-floor", "2"), "--transmission-floor: "),
        (("--alpha", "-1"), "--alpha: "),
        (("--region", "0", "0", "70000", "1"), "--region: "),
    ],
)
def test_values_keep_the_limits_of_the_records(write_scan, arguments, told):
    with pytest.raises(ConfigurationError, match=told):
        given(write_scan(), *arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--center", "left"],
        ["--rows", "5"],
        ["--rows", "9:5"],
        ["--projections", "a:b"],
        ["--dezinger", "1"],
        ["--slices", "--volume"],
        ["--alpha", "1", "--delta-beta", "1"],
        ["--with", "magic"],
        ["-o", "no/such/folder/x"],
    ],
)
def test_a_wrong_option_is_refused_with_status_2(write_scan, arguments):
    with pytest.raises(SystemExit) as end:
        main(["recon", str(write_scan()), *arguments])
    assert end.value.code == 2


@pytest.mark.parametrize(
    ("datasets", "arguments", "status"),
    [
        ({"theta": None}, (), 1),
        ({"data": None}, (), 1),
        ({}, ("--rows", "0:99"), 2),
        ({}, ("--alpha", "0.1"), 2),
        ({}, ("--with", "tomocupy", "--slices"), 2),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    write_scan, capfd, tmp_path, monkeypatch, datasets, arguments, status
):
    fake = tmp_path / "bin" / "tomocupy"
    fake.parent.mkdir()
    fake.touch(mode=0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}{os.pathsep}{os.environ['PATH']}")
    path = write_scan(**datasets)
    before = set(tmp_path.iterdir())
    assert main(["recon", str(path), "--center", "23", *arguments]) == status
    told = capfd.readouterr().err.splitlines()
    assert told[-1].startswith("tomostream: ")
    assert set(tmp_path.iterdir()) == before


def test_a_missing_tomocupy_is_told_with_status_1(write_scan, capfd, monkeypatch):
    path = write_scan()
    monkeypatch.setenv("PATH", "")
    arguments = ["--with", "tomocupy", "--center", "23", "-o", "t"]
    assert main(["recon", str(path), *arguments]) == 1
    assert "tomocupy is not on the PATH" in capfd.readouterr().err
