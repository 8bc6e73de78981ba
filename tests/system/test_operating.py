"""A script and clicks drive a reconstruction: real records, service and scan."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tomostream.core.controls import CONTROLS

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
    assert found["idle"] == "idle"
    assert found["aborted_twice"] == [False, False]
    assert service.text.count("stopped by the operator") == found["aborts"]
    assert "Traceback" not in service.text


@on_both_iocs
def test_limits_of_places_follow_the_frames(
    running, environment, channel_access, wait_until, server
):
    beamline, _ = running(server)
    variables, prefix = environment.client(), beamline.prefix
    extents = {
        "slice": 63, "row": 63, "column": 63, "rows": 64, "columns": 64,
    }  # fmt: skip
    ends = {c.name: extents[c.extent] for c in CONTROLS if c.extent}
    assert len(ends) == 10

    def put(**values):
        channel_access(variables, [], {prefix + n: v for n, v in values.items()})

    def shown(names):
        full = [prefix + name for name in names]
        return dict(zip(names, channel_access(variables, full).values(), strict=True))

    def limits(*fields):
        found = shown([f"{name}.{field}" for field in fields for name in ends])
        return list(found.values())

    assert set(limits("DRVH", "HOPR")) == {65535}
    put(StartRecon=1)
    wait_until(lambda: limits("DRVH", "HOPR") == [*ends.values()] * 2)
    assert set(limits("DRVL", "LOPR")) == {0}
    # What lies outside is cut by the record.
    put(**dict.fromkeys(ends, 1000))
    assert shown(ends) == ends
    put(RegionX=8, RegionY=16, RegionWidth=10, RegionHeight=20, ObliqueX=41.5)
    channel_access(variables, [], {f"{beamline.stream}StreamBinning": 1})
    halves = [end // 2 for end in ends.values()]
    wait_until(lambda: limits("DRVH", "HOPR") == halves * 2)
    places = ("RegionX", "RegionY", "RegionWidth", "RegionHeight", "ObliqueX")
    wait_until(lambda: list(shown(places).values()) == [4, 8, 5, 10, 20.5])
    assert shown(["OrthoX", "ObliqueZ"]) == {"OrthoX": 31, "ObliqueZ": 31}
    channel_access(variables, [], {f"{beamline.stream}StreamBinning": 0})
    wait_until(lambda: limits("DRVH", "HOPR") == [*ends.values()] * 2)
    wait_until(lambda: list(shown(places).values()) == [8, 16, 10, 20, 41.5])
