import json
from dataclasses import replace

import h5py
import numpy as np
import pytest
from PIL import Image

from tomostream.app import recon_job
from tomostream.app.recon_job import EngineChoice, ReconJob, run_job
from tomostream.core.errors import ConfigurationError
from tomostream.core.parameters import FilterType, Parameters
from tomostream.core.steps import FlatScale, RingRemoval

CENTER = 23.3


class Screen:
    """Remembers what it was told; ends the work at a share."""

    def __init__(self, end_at=2.0):
        self.said, self.warned = [], []
        self._end_at = end_at

    def say(self, text):
        self.said.append(text)

    def warn(self, text):
        self.warned.append(text)

    def tick(self, share):
        if share >= self._end_at:
            raise KeyboardInterrupt


@pytest.fixture
def job(write_scan, tmp_path):
    engine = EngineChoice(backend="cpu", threads=2)
    return ReconJob(
        file=write_scan(), center=CENTER, output=tmp_path / "out", engine=engine
    )


def tiff(path):
    with Image.open(path) as image:
        return np.asarray(image)


def test_slices_come_with_a_picture_and_their_settings(job):
    report = run_job(replace(job, x=20, y=21, z=5), Screen())
    folder = job.target
    assert {p.name for p in folder.iterdir()} == {
        "slices.png", "recon.json", "x_0020.tiff", "y_0021.tiff", "z_0005.tiff"
    }  # fmt: skip
    assert tiff(folder / "z_0005.tiff").shape == (48, 48)
    assert tiff(folder / "y_0021.tiff").shape == (20, 48)
    assert tiff(folder / "slices.png").ndim == 3
    settings = json.loads((folder / "recon.json").read_text())
    assert (settings["center"], settings["projections"]) == (CENTER, 60)
    assert report.as_json()["output"] == str(folder)
    json.dumps(report.as_json())


def test_both_forms_of_a_volume_hold_the_same(job, tmp_path):
    run_job(replace(job, is_volume=True), Screen())
    run_job(replace(job, is_volume=True, output=tmp_path / "v.h5"), Screen())
    stack = [tiff(job.target / f"recon_{row:05d}.tiff") for row in range(20)]
    with h5py.File(tmp_path / "v.h5") as file:
        assert np.array_equal(np.asarray(file["/exchange/data"]), stack)


def test_slices_go_into_one_hdf5_file_too(job, tmp_path):
    run_job(replace(job, output=tmp_path / "s.h5"), Screen())
    with h5py.File(tmp_path / "s.h5") as file:
        assert set(file["/exchange"]) == {"slice_x", "slice_y", "slice_z"}  # pyright: ignore[reportArgumentType]  a group


def test_candidate_centres_make_one_picture(job, tmp_path):
    job = replace(job, output=tmp_path / "centers.png", try_step=1.5)
    report = run_job(job, Screen())
    assert tiff(job.target).shape[1] == 9 * 48
    assert report.facts["centers"][4] == CENTER
    with pytest.raises(ConfigurationError, match="--force replaces it"):
        run_job(job, Screen())


def test_rows_keep_their_detector_row_as_name(job):
    run_job(replace(job, is_volume=True, rows=(5, 8)), Screen())
    names = sorted(p.name for p in job.target.glob("*.tiff"))
    assert names == [f"recon_{row:05d}.tiff" for row in (5, 6, 7)]


def test_steps_are_noted(job):
    parameters = Parameters(filter_type=FilterType.HANN, hardening_2=0.1, pixel_um=1.5)
    run_job(replace(job, parameters=parameters, pixel_um=1.5), Screen())
    settings = json.loads((job.target / "recon.json").read_text())
    assert settings["filter"] == "Hann"
    assert settings["steps"] == {"BeamHardening2": 0.1, "PixelSize": 1.5}
    assert settings["pixel_um"] == 1.5


def test_choices_are_noted_in_words(job):
    # The record of radius 3 holds a 2.
    wanted = Parameters(dezinger_radius=3, ring_removal=RingRemoval.HIGH_PASS)
    run_job(replace(job, parameters=wanted), Screen())
    settings = json.loads((job.target / "recon.json").read_text())
    assert settings["steps"] == {"Dezinger": "Radius 3", "RingRemoval": "high-pass"}


@pytest.mark.parametrize("name", ["out", "out.h5"])
@pytest.mark.parametrize("is_volume", [True, False])
def test_an_interrupted_run_leaves_nothing(job, tmp_path, name, is_volume):
    before = set(tmp_path.iterdir())
    job = replace(job, output=tmp_path / name, is_volume=is_volume)
    with pytest.raises(KeyboardInterrupt):
        run_job(job, Screen(end_at=0.5))
    assert set(tmp_path.iterdir()) == before


def test_a_result_is_not_overwritten_unasked(job):
    run_job(job, Screen())
    with pytest.raises(ConfigurationError, match="--force replaces it"):
        run_job(job, Screen())
    run_job(replace(job, replaces=True, is_volume=True), Screen())
    assert (job.target / "recon_00000.tiff").exists()
    assert not (job.target / "slices.png").exists()


def test_what_is_lacking_is_told_and_noted(job, write_scan):
    screen = Screen()
    file = write_scan(name="bare.h5", data_white=None)
    report = run_job(replace(job, file=file), screen)
    assert "no flat fields" in screen.warned[0]
    assert report.notes == tuple(screen.warned)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"x": 48}, "x: expected 0 to 47, got 48"),
        ({"z": 30}, "z: expected 0 to 19, got 30"),
        ({"z": 3, "rows": (5, 9)}, "z: expected 5 to 8, got 3"),
        ({"rows": (0, 21)}, "rows 0:21: expected a part of 0:20"),
        ({"center": 60.0}, "center: expected a column of 0 to 47, got 60"),
        ({"center": float("nan")}, "got nan"),
        ({"parameters": Parameters(alpha=0.1)}, "needs Energy, Distance"),
        (
            {
                "parameters": Parameters(
                    flat_scale=FlatScale.REGION,
                    region_x=48,
                    region_width=2,
                    region_height=2,
                )
            },
            "region: expected a part of 48 x 20 pixels, got 2 x 2 from 48, 0 on",
        ),
    ],
)
def test_what_the_file_does_not_have_is_refused(job, tmp_path, change, told):
    before = set(tmp_path.iterdir())
    with pytest.raises(ConfigurationError, match=told):
        run_job(replace(job, **change), Screen())
    assert set(tmp_path.iterdir()) == before


def test_a_volume_that_does_not_fit_on_the_disk_is_not_begun(job, monkeypatch):
    def nearly_full(_):
        return shutil_usage(total=10**9, used=10**9 - 1000, free=1000)

    shutil_usage = type(recon_job.shutil.disk_usage("/"))
    monkeypatch.setattr(recon_job.shutil, "disk_usage", nearly_full)
    with pytest.raises(ConfigurationError, match="GB left"):
        run_job(replace(job, is_volume=True), Screen())


def test_the_output_is_named_for_the_file(job):
    assert replace(job, output=None).target.name == "scan_slices"
    assert replace(job, output=None, is_volume=True).target.name == "scan_volume"
