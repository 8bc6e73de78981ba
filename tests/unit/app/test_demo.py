import json

import pytest

from tomostream.app.demo import write_json
from tomostream.app.names import Names


def test_names_are_made_from_the_part_before_the_first_colon():
    names = Names.below("lab2:TomoStream:")
    assert names.recon == "lab2:TomoStream:StreamRecon"
    assert names.image == "lab2:Pva1:Image"
    assert names.theta == "lab2:TomoScanStream:StreamTheta"
    assert names.channels()["recon_x"] == "lab2:TomoStream:StreamReconX"


def test_a_prefix_without_colon_is_its_own_family():
    assert Names.below("demo").image == "demoPva1:Image"


def test_a_report_is_never_seen_half_written(tmp_path):
    path = tmp_path / "report.json"
    write_json(path, {"health": {"frames_received": 1}})
    with pytest.raises(TypeError):
        write_json(path, {"health": object()})
    assert json.loads(path.read_text()) == {"health": {"frames_received": 1}}
    assert [p.name for p in tmp_path.iterdir()] == ["report.json"]
