import json
import os
from dataclasses import replace

import numpy as np
import pytest

from tomostream.app.interruption import Interruption
from tomostream.app.recon_job import ReconJob
from tomostream.app.tomocupy import run_tomocupy, tomocupy_call, tomocupy_program
from tomostream.core.errors import (
    BackendUnavailableError,
    ConfigurationError,
    ProcessError,
)
from tomostream.core.parameters import FilterType, Parameters
from tomostream.core.steps import FlatScale, RingRemoval

_FAKE = """\
#!/usr/bin/env python3
import json, os, pathlib, sys, time
pathlib.Path({noted!r}).write_text(json.dumps(sys.argv[1:]))
def write():
    folder = pathlib.Path(sys.argv[sys.argv.index("--out-path-name") + 1])
    (folder / "recon_00000.tiff").write_bytes(b"x")
{does}
"""
FLAT = np.full((20, 48), 40000.0, np.float32)


class Screen:
    def __init__(self):
        self.said, self.warned = [], []

    def say(self, text):
        self.said.append(text)

    def warn(self, text):
        self.warned.append(text)

    def tick(self, share):
        pass


@pytest.fixture
def job(write_scan, tmp_path):
    return ReconJob(
        file=write_scan(), center=23.25, output=tmp_path / "out", is_volume=True
    )


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a tomocupy onto the PATH that notes its arguments and does as told."""

    def put(script="write"):
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        program = folder / "tomocupy"
        does = "write()" if script == "write" else script
        noted = str(tmp_path / "arguments.json")
        program.write_text(_FAKE.format(noted=noted, does=does), encoding="utf-8")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    return put


def noted(tmp_path):
    return json.loads((tmp_path / "arguments.json").read_text())


def pairs(arguments):
    return dict(zip(arguments[1::2], arguments[2::2], strict=True))


def run(job, screen=None):
    with Interruption() as interruption:
        return run_tomocupy(job, screen or Screen(), interruption)


def test_the_volume_is_there_when_tomocupy_has_made_it(job, install, tmp_path):
    install()
    assert run(job) == job.target
    assert [p.name for p in job.target.iterdir()] == ["recon_00000.tiff"]
    arguments = noted(tmp_path)
    assert arguments[0] == "recon"
    options = pairs(arguments)
    options.pop("--out-path-name")
    assert options == {
        "--file-name": str(job.file), "--rotation-axis": "23.25",
        "--reconstruction-type": "full", "--fbp-filter": "parzen",
    }  # fmt: skip


def call(job, **parameters):
    job = replace(job, parameters=Parameters(**parameters))
    found = tomocupy_call(job, center=23.25, flat=FLAT, rows=20)
    return found.arguments[0], pairs(found.arguments), found.not_done


def test_settings_become_its_options(job):
    _, options, not_done = call(
        job, filter_type=FilterType.HANN, dezinger_radius=2, dezinger_threshold=0.25,
        scan_range=360, flat_scale=FlatScale.EXPOSURE, exposure_s=0.1,
        flat_exposure_s=0.2,
    )  # fmt: skip
    assert options["--fbp-filter"] == "hann"
    # A width, and counts: a quarter of the light.
    assert (options["--dezinger"], options["--dezinger-threshold"]) == ("5", "10000")
    assert options["--file-type"] == "double_fov"
    assert options["--bright-ratio"] == "2"
    assert not_done == ()


def test_phase_retrieval_needs_its_other_command(job):
    command, options, _ = call(
        job, energy_kev=25.0, distance_mm=150.0, pixel_um=1.5, alpha=0.002
    )
    assert command == "recon_steps"
    assert options["--retrieve-phase-method"] == "paganin"
    assert options["--energy"] == "25"
    assert options["--propagation-distance"] == "150"
    assert options["--pixel-size"] == "1.5"
    # Its frequencies are cycles, ours radians: (2 pi)^2 between the alphas.
    assert float(options["--retrieve-phase-alpha"]) == pytest.approx(
        0.002 / (2 * np.pi) ** 2
    )


def test_a_part_of_the_file_stays_a_part(job):
    found = tomocupy_call(
        replace(job, rows=(3, 9), projections=(10, 50)), center=1.0, flat=FLAT, rows=20
    )
    options = pairs(found.arguments)
    assert (options["--start-row"], options["--end-row"]) == ("3", "9")
    assert (options["--start-proj"], options["--end-proj"]) == ("10", "50")


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"filter_type": FilterType.BUTTERWORTH}, "Butterworth filter"),
        ({"ring_removal": RingRemoval.HIGH_PASS}, "ring removal high-pass"),
        ({"ring_removal": RingRemoval.FOURIER_WAVELET}, "the ring width 6"),
        ({"hardening_2": 0.1}, "beam-hardening"),
        ({"transmission_floor": 0.01}, "transmission floor"),
        (
            {
                "flat_scale": FlatScale.REGION, "region_width": 2, "region_height": 2,
            },
            "region",
        ),
    ],
)  # fmt: skip
def test_what_it_does_not_have_is_named(job, install, parameters, told):
    install()
    screen = Screen()
    run(replace(job, parameters=Parameters(**parameters)), screen)
    assert len(screen.warned) == 1
    assert told in screen.warned[0]


def test_without_tomocupy_one_sentence_says_so(job, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackendUnavailableError, match="not on the PATH") as refusal:
        tomocupy_program()
    assert "\n" not in str(refusal.value)
    with pytest.raises(BackendUnavailableError):
        run(job)
    assert not job.target.exists()


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("write(); sys.exit(3)", "status 3"),
        ("write(); os.kill(os.getpid(), 9)", "SIGKILL"),
        ("pass", "has written nothing"),
    ],
)
def test_a_failure_leaves_nothing(job, install, tmp_path, script, told):
    install(script)
    with pytest.raises(ProcessError, match=told):
        run(job)
    assert {p.name for p in tmp_path.iterdir()} == {"bin", "scan.h5", "arguments.json"}


@pytest.mark.timeout(30)
def test_the_wish_to_end_ends_it(job, install, tmp_path):
    install("write(); time.sleep(60)")
    with Interruption() as interruption:
        interruption.request()
        with pytest.raises(KeyboardInterrupt):
            run_tomocupy(job, Screen(), interruption)
    assert not job.target.exists()


def test_what_is_there_stays(job, install):
    install()
    run(job)
    with pytest.raises(ConfigurationError, match="--force replaces it"):
        run(job)
    run(replace(job, replaces=True))
    (job.target / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match="something else"):
        run(replace(job, replaces=True))


def test_one_hdf5_file_is_not_made(job, install, tmp_path):
    install()
    with pytest.raises(ConfigurationError, match="folder of TIFF files"):
        run(replace(job, output=tmp_path / "v.h5"))
