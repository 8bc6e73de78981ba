"""`tomostream demo`, as a user starts it."""

import json
import signal

import h5py
import numpy as np
import psutil
import pytest
from PIL import Image

from tomostream.core.health import HEALTH_NUMBERS

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]


@pytest.fixture
def prefix(family):
    return f"{family}TomoStream:"


@pytest.fixture
def demo(start, prefix, tmp_path):
    """Start a demo that reports into a file."""

    def start_demo(*options, prefix=prefix, report=tmp_path / "r.json"):
        return start("demo", "--prefix", prefix, "--json", str(report), *options)

    return start_demo


@pytest.fixture
def reported(wait_until, tmp_path):
    """Give the demo's report once it has been written."""

    def read(report=tmp_path / "r.json"):
        return wait_until(
            lambda: report.exists() and json.loads(report.read_text()), 60
        )

    return read


def test_a_demo_of_some_seconds_shows_the_sample(
    demo, reported, wait_until, tmp_path, pva_client
):
    report, picture = tmp_path / "r.json", tmp_path / "slices.png"
    started = demo(
        "--size", "96", "--angles", "90", "--rate", "60",
        "--duration", "6", "--snapshot", str(picture),
    )  # fmt: skip
    first = reported()
    client = pva_client(first["environment"])
    ids = []
    client.monitor(first["pvs"]["recon"], lambda v: ids.append(v.uniqueId))
    array = client.get(first["pvs"]["recon"])
    columns, rows = (d.size for d in array.dimension)
    image = np.asarray(array.value).reshape(rows, columns)

    assert array.getID() == "epics:nt/NTNDArray:1.0"
    assert (rows, columns) == (96, 288)
    assert image.dtype == np.float32
    assert {a.name for a in array.attribute} >= {
        "FirstProjectionId", "LastProjectionId", "Angle", "Center", "OrthoX",
        "OrthoY", "OrthoZ", "FilterType", "SlotsFilled", "SlotsStale",
        "Completeness", "Session",
    }  # fmt: skip
    assert set(first) >= {"environment", "pvs", "health", "parameters"}
    assert set(first["health"]) == {n.name for n in HEALTH_NUMBERS}
    assert first["parameters"]["Center"] == pytest.approx(47.5)
    assert first["parameters"]["FilterType"] == "Parzen"

    def looks_like_the_sample():
        z = client.image(first["pvs"]["recon_z"])
        # Air beside the sample, where all projections see it.
        inside, outside = z[32:64, 32:64].mean(), np.abs(z[44:52, 3:9]).mean()
        return inside > 5 * outside > 0

    wait_until(looks_like_the_sample, 10)
    assert started.process.wait(30) == 0
    assert ids == sorted(set(ids))
    assert len(ids) > 10
    last = json.loads(report.read_text())
    assert last["health"]["frames_received"] > first["health"]["frames_received"]
    assert last["health"]["frames_missing"] == last["health"]["frames_dropped"] == 0
    assert "Traceback" not in started.text
    assert "black at first: press Auto" in started.text
    with Image.open(picture) as drawn:
        assert drawn.size[0] > 1000


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_demo_and_all_its_processes(demo, reported, living, number):
    started = demo("--size", "64")
    reported()
    family = started.family()
    assert len(family) == 3
    assert started.end(number) == 0
    assert not living(family)
    assert "Traceback" not in started.text
    assert not [line for line in started.text.splitlines() if "rror" in line]


def test_nothing_is_left_when_the_demo_is_killed(demo, reported, wait_until, living):
    started = demo("--size", "64")
    reported()
    family = started.family()
    started.process.kill()
    started.process.wait(5)
    wait_until(lambda: not living(family), 10)


def test_the_demo_tells_which_of_its_parts_was_lost(demo, reported, living):
    started = demo("--size", "64")
    reported()
    family = started.family()
    camera = next(p for p in family if "simulate" in p.cmdline())
    camera.kill()
    assert started.process.wait(20) == 1
    assert not living(family)
    last = started.text.strip().splitlines()[-1]
    assert last == "tomostream: the camera was ended by SIGKILL: it said nothing"


def test_nothing_listens_beyond_this_machine(demo, reported):
    started = demo("--size", "64")
    reported()
    listening = [
        connection.laddr
        for process in started.family()
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening
    assert all(address.ip == "127.0.0.1" for address in listening), listening


def test_two_demos_do_not_disturb_each_other(demo, reported, tmp_path, pva_client):
    reports = tmp_path / "a.json", tmp_path / "b.json"
    two = [
        demo("--size", size, "--duration", "4", prefix="sim:TomoStream:", report=report)
        for report, size in zip(reports, ("48", "64"), strict=True)
    ]
    for report, size in zip(reports, (48, 64), strict=True):
        client = pva_client(reported(report)["environment"])
        assert client.image("sim:TomoStream:StreamRecon").shape == (size, 3 * size)
    assert [started.process.wait(30) for started in two] == [0, 0]
    for report in reports:
        health = json.loads(report.read_text())["health"]
        assert health["frames_missing"] == 0


def test_a_file_is_replayed_about_its_own_centre(
    demo, reported, wait_until, tmp_path, pva_client
):
    file = tmp_path / "scan.h5"
    centre = 37.0
    write_scan(file, centre=centre)
    started = demo(
        "--replay", str(file), "--center",
        str(centre), "--rate", "100", "--duration", "5",
    )  # fmt: skip
    report = reported()
    client = pva_client(report["environment"])

    def is_sharp():
        z = client.image(report["pvs"]["recon_z"])
        # A rod at x = 12, y = 0 from the axis.
        row, column = np.unravel_index(np.argmax(z), z.shape)
        return abs(row - 40) <= 1 and abs(column - 52) <= 1

    wait_until(is_sharp, 20)
    assert report["parameters"]["Center"] == centre
    assert started.process.wait(30) == 0


def write_scan(path, *, centre, n=80, n_z=6, n_angles=90):
    """Write a scan of a thin rod, 12 pixels from the axis."""
    angles = np.arange(n_angles) * 180 / n_angles
    columns = np.arange(n)
    position = 12 * np.cos(np.deg2rad(angles)) + centre
    integrals = np.exp(-0.5 * (columns[None] - position[:, None]) ** 2)
    counts = 100 + 20000 * np.exp(-integrals)
    data = np.repeat(counts[:, None], n_z, axis=1).round().astype(np.uint16)
    with h5py.File(path, "w") as file:
        file["exchange/data"] = data
        file["exchange/data_white"] = np.full((2, n_z, n), 20100, np.uint16)
        file["exchange/data_dark"] = np.full((2, n_z, n), 100, np.uint16)
        file["exchange/theta"] = angles


def test_a_file_that_is_no_scan_is_refused_in_a_sentence(demo, tmp_path):
    (tmp_path / "not.h5").write_text("nothing")
    started = demo("--replay", "not.h5")
    assert started.process.wait(30) in {1, 2}
    last = started.text.strip().splitlines()[-1]
    assert last.startswith("tomostream: ")
    assert "not.h5" in last
    assert "Traceback" not in started.text


def test_a_backend_that_is_not_there_is_refused_in_a_sentence(demo):
    started = demo("--backend", "cuda")
    assert started.process.wait(30) == 1
    assert "tomostream: backend cuda: " in started.text
    assert "Traceback" not in started.text


def test_the_operator_moves_a_slice_and_the_centre(
    demo, reported, wait_until, pva_client, channel_access
):
    demo("--size", "64", "--rate", "60")
    report = reported()
    pvs, variables = report["pvs"], report["environment"]
    client = pva_client(variables)
    shown = channel_access(
        variables,
        [pvs["StartRecon"], pvs["ServerRunning"], pvs["OrthoX"]],
        {pvs["OrthoX"]: 20, pvs["Center"]: 33.25, pvs["FilterType"]: "Ramp"},
    )
    assert shown == {
        pvs["StartRecon"]: "Acquire", pvs["ServerRunning"]: "Running", pvs["OrthoX"]: 20
    }  # fmt: skip

    def attributes():
        array = client.get(pvs["recon"])
        return {a.name: a.value for a in array.attribute}

    wait_until(lambda: attributes()["OrthoX"] == 20, 10)
    wait_until(lambda: attributes()["Center"] == 33.25, 10)
    wait_until(lambda: attributes()["FilterType"] == "Ramp", 10)


def test_overload_gives_up_frames_and_not_latency(
    demo, reported, wait_until, living, channel_access
):
    """One thread of the slowest kernels cannot keep up with this rate."""
    started = demo(
        "--size", "512", "--angles", "180",
        "--rate", "400", "--isa", "baseline", "--threads", "1",
    )  # fmt: skip
    report = reported()
    pvs, variables = report["pvs"], report["environment"]

    def numbers():
        return channel_access(
            variables, [pvs["Decimation"], pvs["LatencyP99Ms"], pvs["FramesDropped"]]
        )

    wait_until(lambda: numbers()[pvs["Decimation"]] > 1, 30)
    # The figure covers 10 s: at first the start of the session is among them.
    wait_until(lambda: numbers()[pvs["LatencyP99Ms"]] < 1000, 20)
    before = numbers()
    assert before[pvs["Decimation"]] > 1
    family = started.family()
    rate = f"{report['pvs']['FirstProjid'].removesuffix('FirstProjid')}SimRate"
    channel_access(variables, [], {rate: 20.0})
    wait_until(lambda: numbers()[pvs["Decimation"]] == 1, 30)
    assert numbers()[pvs["FramesDropped"]] == before[pvs["FramesDropped"]]
    assert started.end(signal.SIGTERM) == 0
    assert not living(family)
