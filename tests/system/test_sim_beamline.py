"""The simulator and the replay as processes, seen by independent clients."""

import json
import os
import signal
import sys
from pathlib import Path

import h5py
import numpy as np
import psutil
import pytest

from tomostream.core.scan import ScanKind, angle_table

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

# Counts ids in a process of its own: the test's process must not hold frames up.
_COUNTER = """
import json, sys, threading
import pvaccess as pva
channel, count = sys.argv[1], int(sys.argv[2])
ids, stamps, done = [], [], threading.Event()

def take(pv):
    if not pv["dimension"]:
        return
    stamp = pv["timeStamp"]
    ids.append(pv["uniqueId"])
    stamps.append(stamp["secondsPastEpoch"] + 1e-9 * stamp["nanoseconds"])
    if len(ids) >= count:
        done.set()

source = pva.Channel(channel)
source.monitor(take, "record[queueSize=300]field()")
done.wait(40)
source.stopMonitor()
print(json.dumps({"ids": ids[:count], "stamps": stamps[:count]}))
"""


@pytest.fixture
def simulator(start, family):
    def begin(*options, command="simulate"):
        process = start(
            command, *options, "--prefix", family, "--ready-json", server="simulator"
        )
        return process, process.wait_ready()

    return begin


@pytest.fixture
def count_ids(start, tmp_path, wait_until):
    """Give ids and time stamps of some frames, as another process sees them."""

    def count(channel, number):
        counter = start(channel, str(number), program=[sys.executable, "-c", _COUNTER])
        wait_until(lambda: counter.process.poll() is not None, 60)
        assert counter.process.returncode == 0, counter.text
        return json.loads(counter.text.splitlines()[-1])

    return count


def test_ids_have_no_gap_at_300_frames_per_second(simulator, count_ids):
    process, ready = simulator("--size", "512", "--rate", "300", "--angles", "180")
    before = psutil.Process(process.process.pid).cpu_times()
    seen = count_ids(ready["image"], 1500)
    after = psutil.Process(process.process.pid).cpu_times()

    ids, stamps = seen["ids"], seen["stamps"]
    share = (after.user + after.system - before.user - before.system) / (
        stamps[-1] - stamps[0]
    )
    assert np.array_equal(np.diff(ids), np.ones(1499))
    assert 1499 / (stamps[-1] - stamps[0]) == pytest.approx(300, rel=0.1)
    # 0.2 to 0.3 by itself; the counter's start counts in as well.
    assert share < 0.7
    assert process.end() == 0


def test_a_lossy_camera_that_announces_its_region(
    simulator, environment, pva_client, count_ids
):
    process, ready = simulator(
        "--size", "32", "--rate", "100", "--lose-every", "5",
        "--binning", "2", "--offset", "3", "4",
    )  # fmt: skip

    ids = count_ids(ready["image"], 100)["ids"]
    array = pva_client(environment.client()).get(ready["image"])

    assert sorted(set(np.diff(ids))) == [1, 2]
    assert 15 <= np.count_nonzero(np.diff(ids) == 2) <= 30
    assert [(d.binning, d.offset) for d in array.dimension] == [(2, 3), (2, 4)]
    assert process.end() == 0


def test_channels_and_records_are_those_of_the_contract(
    simulator, environment, pva_client, channel_access, family
):
    process, ready = simulator(
        "--width", "64", "--height", "40", "--angles", "90", "--scan", "backforth",
        "--id-origin", "1",
    )  # fmt: skip
    client = pva_client(environment.client())
    scan = f"{family}TomoScanStream:"

    array = client.get(ready["image"])
    assert array.getID() == "epics:nt/NTNDArray:1.0"
    assert [d.size for d in array.dimension] == [64, 40]
    assert array.uncompressedSize == 64 * 40 * 2
    assert [a.name for a in array.attribute] == ["ColorMode"]
    assert array.timeStamp.secondsPastEpoch == array.dataTimeStamp.secondsPastEpoch > 0
    assert np.asarray(array.value).dtype == np.uint16

    dark, flat = (client.get(f"{scan}Stream{k}Fields") for k in ("Dark", "Flat"))
    assert (flat.sizex, flat.sizey, len(flat.value)) == (64, 40, 64 * 40)
    assert np.mean(flat.value) > 10 * np.mean(dark.value)
    theta = client.get(f"{scan}StreamTheta")
    assert theta.sizex == len(theta.value) >= 1 << 16
    table = angle_table(np.asarray(theta.value))
    assert (table.kind, table.slots()) == (ScanKind.BACK_AND_FORTH, 90)

    names = ["FrameType", "FirstProjid", "ImagePVAPrefix", "NumAngles", "RotationStep"]
    values = channel_access(environment.client(), [scan + n for n in names])
    assert list(values.values()) == ["Projection", 0, f"{family}Pva1:", 90, 2.0]
    assert process.end() == 0
    assert "Traceback" not in process.text


def test_dark_and_flat_are_taken_again_on_request(
    simulator, environment, pva_client, channel_access, family, wait_until
):
    process, ready = simulator("--size", "32", "--rate", "100")
    client = pva_client(environment.client())
    scan = f"{family}TomoScanStream:"
    means, fields = [], []
    client.monitor(ready["image"], lambda a: means.append(np.mean(a.value)))
    client.monitor(f"{scan}StreamDarkFields", fields.append)
    wait_until(lambda: len(means) > 20 and len(fields) == 1)

    channel_access(environment.client(), (), {f"{scan}RetakeDarkFlat": 1})

    wait_until(lambda: len(fields) == 2)
    level = np.mean(fields[-1].value)
    assert sum(m < 2 * level for m in means) == 10
    names = [f"{scan}RetakeDarkFlat", f"{scan}FrameType"]
    values = channel_access(environment.client(), names)
    assert list(values.values()) == ["Done", "Projection"]
    assert process.end() == 0


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32", "float64"])
def test_pixels_have_the_wanted_type(simulator, environment, pva_client, dtype):
    process, ready = simulator("--size", "16", "--dtype", dtype, "--duration", "20")
    image = pva_client(environment.client()).image(ready["image"])
    assert (image.dtype, image.shape) == (np.dtype(dtype), (16, 16))
    assert process.end() == 0


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_signal_ends_it_with_status_0(simulator, name):
    process, _ = simulator("--size", "16")
    assert process.end(getattr(signal, name)) == 0
    assert "Traceback" not in process.text


def test_duration_ends_it_with_status_0(simulator):
    process, _ = simulator("--size", "16", "--duration", "1")
    assert process.process.wait(20) == 0


def test_file_is_replayed_with_growing_ids_and_its_own_frames(
    simulator, environment, pva_client, family, tmp_path, wait_until
):
    path = tmp_path / "scan.h5"
    numbers = np.arange(9, dtype=np.uint16)[:, None, None]
    with h5py.File(path, "w") as file:
        file["exchange/data"] = np.broadcast_to(numbers, (9, 4, 6))
        file["exchange/theta"] = 22.5 * np.arange(9)
    process, ready = simulator(str(path), "--rate", "50", command="replay")
    client = pva_client(environment.client())
    seen = []
    client.monitor(
        ready["image"], lambda a: seen.append((int(a.uniqueId), int(a.value[0])))
    )
    wait_until(lambda: len(seen) > 60)

    theta = np.asarray(client.get(f"{family}TomoScanStream:StreamTheta").value)
    table = angle_table(theta)
    assert (table.kind, table.slots()) == (ScanKind.SAWTOOTH, 8)
    assert all(value == (unique_id - 1) % 9 for unique_id, value in seen)
    assert seen[-1][0] - seen[0][0] == len(seen) - 1
    assert process.end() == 0


def test_file_is_sent_once_on_request(simulator, tmp_path):
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        file["exchange/data"] = np.zeros((30, 4, 6), np.float32)
        file["exchange/theta"] = 6.0 * np.arange(30)
    process, _ = simulator(str(path), "--once", "--rate", "50", command="replay")
    assert process.process.wait(20) == 0


def test_measured_scan_is_replayed(simulator, environment, pva_client):
    folder = Path(
        os.environ.get(
            "TOMOSTREAM_DATA", Path(__file__).parents[2].parent / "shared" / "data"
        )
    )
    path = folder / "derived24737_135x160_361.h5"
    if not path.is_file():
        pytest.skip(f"there is no {path.name} in {folder}")
    process, ready = simulator(str(path), "--rate", "100", command="replay")
    assert (ready["n_x"], ready["n_z"]) == (160, 135)
    image = pva_client(environment.client()).image(ready["image"])
    assert image.max() > 1000
    assert process.end() == 0
