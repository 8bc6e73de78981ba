"""A script and clicks drive a reconstruction: real records, service and scan."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

PROGRAM = Path(__file__).parent / "programs" / "operate.py"

on_both_iocs = pytest.mark.parametrize("server", ["ours", "template"])


@on_both_iocs
def test_a_script_drives_a_reconstruction_from_start_to_abort(
    running, environment, tmp_path, server
):
    beamline, service = running(server)
    ended = subprocess.run(
        [sys.executable, str(PROGRAM), beamline.prefix], cwd=tmp_path,
        env=environment.process_environment("service"), capture_output=True, text=True,
        timeout=200, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-2000:] + service.text[-2000:]
    found = json.loads(ended.stdout.splitlines()[-1])

    assert found["limited"] == 63
    assert found["center"] == 31.25
    # The same plane, reached from another side; the other ones are of another place.
    for turned, other in (("x_turned_to_y", "x_against_y"),
                          ("z_turned_to_x", "z_against_x")):  # fmt: skip
        assert found[turned] < 0.02 < 0.2 < found[other]
    assert found["y_turned_to_x"] < 0.02
    assert found["reset"]["lowest"] < 60
    assert found["reset"]["sessions"] == 1
    assert not found["too_early"]
    assert found["acquire"] == "Acquire"
    # Against the record's value, asked for each 20 ms or so.
    assert abs(found["completed_after_s"]) < 0.5
    assert found["idle"] == "idle"
    assert found["aborted_twice"] == [False, False]
    assert service.text.count("stopped by the operator") == found["aborts"]
    assert "Traceback" not in service.text
