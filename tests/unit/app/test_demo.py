import json

import pytest

from tomostream.app.demo import DemoPlan, first_parameters, write_json
from tomostream.app.names import Names
from tomostream.core.errors import ConfigurationError

CAMERA = {"n_x": 160, "n_z": 135}


@pytest.mark.parametrize(
    ("camera", "asked", "center"),
    [
        (CAMERA, None, 79.5),
        (CAMERA | {"center": 85.8}, None, 85.8),
        (CAMERA | {"center": 85.8}, 80.0, 80.0),
    ],
)
def test_the_demo_begins_at_the_axis_where_it_is_known(camera, asked, center):
    found = first_parameters(camera, asked)
    assert (found.center, found.ortho_x, found.ortho_z) == (center, 80, 67)


@pytest.mark.parametrize("asked", [-1.0, 160.0])
def test_a_centre_outside_the_frames_is_refused(asked):
    with pytest.raises(ConfigurationError, match="expected a column of 0 to 159, got"):
        first_parameters(CAMERA, asked)


def test_names_are_made_from_the_part_before_the_first_colon():
    names = Names.below("lab2:TomoStream:")
    assert names.recon == "lab2:TomoStream:StreamRecon"
    assert names.image == "lab2:Pva1:Image"
    assert names.theta == "lab2:TomoScanStream:StreamTheta"
    assert names.channels()["recon_x"] == "lab2:TomoStream:StreamReconX"


def planned(prefix):
    return DemoPlan(
        prefix=prefix, size=64, rate_hz=1.0, n_angles=9, scan="continuous", replay=None,
        center=None, backend="cpu", isa="auto", threads=None,
    )  # fmt: skip


def test_a_prefix_too_long_for_tomoscan_s_names_is_refused_before_anything_starts():
    with pytest.raises(ConfigurationError, match=r"39 characters at most .* got 40"):
        planned("p" * 25)


def test_the_demo_takes_a_prefix_whose_names_just_fit():
    assert len(Names.below(planned("p" * 24).prefix).tomoscan) == 39


def test_a_prefix_without_colon_is_its_own_family():
    assert Names.below("demo").image == "demoPva1:Image"


def test_a_report_is_never_seen_half_written(tmp_path):
    path = tmp_path / "report.json"
    write_json(path, {"health": {"frames_received": 1}})
    with pytest.raises(TypeError):
        write_json(path, {"health": object()})
    assert json.loads(path.read_text()) == {"health": {"frames_received": 1}}
    assert [p.name for p in tmp_path.iterdir()] == ["report.json"]
