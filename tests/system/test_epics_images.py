"""Images in and slices out over pvAccess, between processes."""

import json
import re
import signal
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tomostream.runtime import SystemClock

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

PROGRAMS = Path(__file__).parent / "programs"
TYPES = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"]
CODECS = ["lz4-u2", "blosc-u2", "bslz4-u2", "jpeg-u1", "lz4-f4", "bslz4-f4"]
HOSTILE = {
    "empty": "empty", "zero": "empty", "flat": "malformed", "colour": "malformed",
    "truncated": "truncated", "zstd-u2": "codec",
}  # fmt: skip


def lines_of(started, key):
    return [
        line
        for text in started.text.splitlines()
        if text.startswith("{") and key in (line := json.loads(text))
    ]


def id_of(refused):
    """Give the id of a refused image, which is known at least in words."""
    in_words = re.search(r"frame (\d+)", refused["message"])
    return int(in_words[1]) if in_words else refused["id"]


@pytest.fixture
def subscribe(start, family):
    def start_subscriber(wanted, limit_s=30):
        program = [sys.executable, str(PROGRAMS / "subscriber.py")]
        started = start(
            f"{family}Image", str(wanted), str(limit_s), program=program
        )  # fmt: skip
        started.wait_ready()
        return started

    return start_subscriber


@pytest.fixture
def image_server(start, family):
    def start_server(kinds):
        program = [sys.executable, str(PROGRAMS / "image_server.py")]
        started = start(
            f"{family}Image", ",".join(kinds), program=program, server="simulator"
        )
        started.wait_ready()
        return started

    return start_server


def test_every_type_and_codec_comes_through_and_every_hostile_image_is_named(
    subscribe, image_server
):
    kinds = [*TYPES, *CODECS, *HOSTILE]
    # The subscriber is there before the server is.
    subscriber = subscribe(4 * len(kinds))
    image_server(kinds)
    assert subscriber.process.wait(40) == 0
    images = lines_of(subscriber, "shape")
    refused = lines_of(subscriber, "reason")
    plain = float((np.arange(48 * 64) % 100).sum())

    by_kind = {kinds[line["id"] % len(kinds)]: line for line in images}
    assert set(by_kind) == {*TYPES, *CODECS}
    for kind, line in by_kind.items():
        assert line["shape"] == [48, 64], kind
        assert line["dtype"] == kind.split("-")[-1], kind
        assert line["sum"] == pytest.approx(plain, rel=0.01 if "jpeg" in kind else 0)
    named = [(id_of(line), line["reason"]) for line in refused]
    assert {(kinds[k % len(kinds)], reason) for k, reason in named} == set(
        HOSTILE.items()
    )
    ids = [k for k, _ in named]
    # Nothing was lost on the way, and nothing counted twice.
    every = sorted([line["id"] for line in images] + ids)
    assert every == list(range(every[0], every[0] + len(every)))


def test_a_simulated_areadetector_loses_no_frame(subscribe, start, family):
    subscriber = subscribe(100_000, limit_s=12)
    detector = start(
        "-cn", f"{family}Image", "-nx", "512", "-ny", "512", "-dt", "uint16",
        "-fps", "100", "-nf", "10", "-cs", "10", "-rt", "5", "-std", "2", "-shd", "0",
        "-rp", "1", "-dc",
        program=["pvapy-ad-sim-server"], server="simulator",
    )  # fmt: skip
    assert subscriber.process.wait(40) == 0
    ids = [line["id"] for line in lines_of(subscriber, "shape")]
    published = [int(n) for n in re.findall(r"frame id\s+(\d+)", detector.text)]
    assert len(ids) > 300
    assert [b - a for a, b in pairwise(ids)] == [1] * (len(ids) - 1)
    assert ids[-1] == max(published)
    assert lines_of(subscriber, "dropped") == [{"dropped": 0}]


def test_a_server_that_was_away_is_found_again_within_ten_seconds(
    subscribe, image_server, wait_until
):
    subscriber = subscribe(100_000, limit_s=60)
    first = image_server(["u2"])
    wait_until(lambda: lines_of(subscriber, "connected"), 20)
    first.end(signal.SIGKILL)
    gone = wait_until(
        lambda: [c for c in lines_of(subscriber, "connected") if not c["connected"]], 5
    )
    # Away long enough for the channel to be made anew.
    before = len(lines_of(subscriber, "shape"))
    clock = SystemClock()
    wait_until(lambda: clock.now_s() - gone[0]["at"] > 7, 20)
    image_server(["u2"])
    wait_until(lambda: len(lines_of(subscriber, "shape")) > before, 10)

    def states():
        return [c["connected"] for c in lines_of(subscriber, "connected")]

    wait_until(lambda: states() == [True, False, True], 2)


def test_fields_and_tables_are_taken_once_and_stay_what_they_were(start, family):
    started = start(
        family, program=[sys.executable, str(PROGRAMS / "tables.py")]
    )  # fmt: skip
    assert started.process.wait(60) == 0, started.text
    found = json.loads(started.text.splitlines()[-1])

    def values(first):
        return [[100_000, first + k, first + k] for k in range(5)]

    assert found["DarkField"] == values(0)
    assert found["FlatField"] == values(10)
    # The empty table of the beginning comes as well.
    assert found["theta"] == [[0, 0, 0], *values(20)]


@pytest.fixture
def slices(start, family, pva_client, environment, wait_until):
    """Publish slices; give what a p4p client saw of them."""
    program = [sys.executable, str(PROGRAMS / "publisher.py")]
    start(f"{family}Recon", "40", program=program).wait_ready()
    client = pva_client(environment.client())
    packed = []
    client.monitor(f"{family}Recon", packed.append)
    wait_until(lambda: len(packed) > 20, 20)
    single = {axis: client.get(f"{family}Recon{axis}") for axis in "XYZ"}
    return packed[1:], single


def test_a_client_gets_whole_ntndarrays(slices):
    packed, single = slices
    for array in [*packed, *single.values()]:
        assert array.getID() == "epics:nt/NTNDArray:1.0"
        assert array.value.dtype == np.float32
        assert array.codec.name == ""
        assert array.uncompressedSize == array.compressedSize == array.value.nbytes
    ids = [array.uniqueId for array in packed]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    for array in packed:
        columns, rows = (d.size for d in array.dimension)
        assert (columns, rows) == (24, 8)
        image = array.value.reshape(rows, columns)
        number = array.uniqueId
        assert (image[:, :8] == number).all()
        assert (image[:5, 8:16] == number + 0.25).all()
        assert (image[:5, 16:] == number + 0.5).all()
        assert (image[5:, 8:] == 0).all()


def test_single_slices_have_their_own_sizes(slices):
    _, single = slices
    sizes = {a: [d.size for d in v.dimension] for a, v in single.items()}
    assert sizes == {"X": [8, 5], "Y": [8, 5], "Z": [8, 8]}
    parts = {"X": 0.5, "Y": 0.25, "Z": 0.0}
    for axis, array in single.items():
        assert (array.value == array.uniqueId + parts[axis]).all()


def test_attributes_and_times_say_what_was_published(slices):
    array = slices[0][-1]
    found = {a.name: a.value for a in array.attribute}
    assert found == {
        "ColorMode": 0, "FirstProjectionId": 2**40,
        "LastProjectionId": 2**40 + array.uniqueId, "Angle": 1.5, "Center": 3.25,
        "OrthoX": 4, "OrthoY": 5, "OrthoZ": 2, "FilterType": "Shepp-logan",
        "SlotsFilled": 3, "SlotsStale": 1, "Completeness": 0.75, "Session": 2,
    }  # fmt: skip
    published, data = (
        s.secondsPastEpoch + 1e-9 * s.nanoseconds
        for s in (array.timeStamp, array.dataTimeStamp)
    )
    assert published - data == pytest.approx(0.5, abs=1e-6)
