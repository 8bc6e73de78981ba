"""Views beside the slices, to clients that come and go."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]

PROGRAMS = Path(__file__).parent / "programs"


def shape(array):
    return tuple(d.size for d in array.dimension)[::-1]


def attributes(array):
    return {a.name: a.value for a in array.attribute}


class Watcher:
    """A client of a view: what came, in order."""

    def __init__(self, client, channel):
        self._client, self._channel = client, channel
        self.images = []

    def look(self):
        self._subscription = self._client.subscribe(self._channel, self._take)

    def leave(self):
        self._subscription.close()

    def _take(self, array):
        if shape(array) and array.uniqueId:
            self.images.append(array)

    @property
    def newest(self):
        array = self.images[-1]
        return np.asarray(array.value).reshape(shape(array))

    @property
    def ids(self):
        return {array.uniqueId for array in self.images}


@pytest.fixture
def publishing(start, family):
    """Start a publisher of slices, all the time, and of views that are wanted."""
    program = [sys.executable, str(PROGRAMS / "views.py")]
    started = start(f"{family}Recon", program=program)
    started.wait_ready()
    return started


def wanted(started):
    lines = [json.loads(line) for line in started.text.splitlines() if "wanted" in line]
    return lines[-1]["wanted"]


@pytest.mark.parametrize("fields", [None, "field(value,dimension)", "field(uniqueId)"])
def test_a_view_is_made_while_somebody_looks(
    publishing, pva_client, environment, family, wait_until, fields
):
    client = pva_client(environment.client())
    slices = []
    # A client of the slices gets pixels all the time: it looks at no view.
    client.monitor(f"{family}Recon", slices.append)
    wait_until(lambda: len(slices) > 10)
    assert wanted(publishing) == []
    seen = []
    subscription = client.subscribe(f"{family}ReconVolume", seen.append, fields)
    wait_until(lambda: wanted(publishing) == ["Volume"], 20)
    count = len(seen)
    wait_until(lambda: len(seen) > count + 5)
    subscription.close()
    wait_until(lambda: wanted(publishing) == [], 20)


def test_a_volume_comes_with_three_dimensions_x_first(
    publishing, pva_client, environment, family, wait_until
):
    client = pva_client(environment.client())
    watcher = Watcher(client, f"{family}ReconVolume")
    watcher.look()
    wait_until(lambda: watcher.images, 20)
    array = watcher.images[-1]
    assert array.getID() == "epics:nt/NTNDArray:1.0"
    assert [d.size for d in array.dimension] == [32, 24, 16]
    assert array.uncompressedSize == array.value.nbytes == 4 * 32 * 24 * 16
    assert attributes(array) == {"ColorMode": 0, "Center": 1.5}
    expected = array.uniqueId + np.arange(32 * 24 * 16)
    np.testing.assert_array_equal(array.value, expected.astype(np.float32))


@pytest.fixture
def demo(start, family, tmp_path, wait_until):
    report = tmp_path / "r.json"
    start(
        "demo", "--prefix", f"{family}TomoStream:", "--json", str(report),
        "--size", "128", "--angles", "120", "--rate", "60",
    )  # fmt: skip
    return wait_until(lambda: report.exists() and json.loads(report.read_text()), 60)


def test_the_demo_shows_every_view_of_its_sample(
    demo, pva_client, channel_access, wait_until
):
    pvs, variables = demo["pvs"], demo["environment"]
    channel_access(variables, [], {pvs["Oblique"]: "Yes", pvs["ObliqueX"]: 64.0,
                   pvs["ObliqueY"]: 64.0, pvs["ObliqueZ"]: 64.0})  # fmt: skip
    client = pva_client(variables)
    names = ("projection", "sinogram", "overlay", "centers", "volume", "oblique")
    shown = {name: Watcher(client, pvs[f"recon_{name}"]) for name in names}
    for watcher in shown.values():
        watcher.look()
    wait_until(lambda: all(len(w.ids) >= 2 for w in shown.values()), 90)
    assert shown["projection"].newest.shape == (128, 128)
    assert shown["sinogram"].newest.shape == (120, 128)
    assert shown["overlay"].newest.shape == (128, 256)
    assert shown["volume"].newest.shape == (128, 128, 128)
    assert shown["oblique"].newest.shape == (128, 128)
    assert attributes(shown["centers"].images[-1])["Width"] == 128

    projection = shown["projection"].newest
    # Air at the corner, the sample in the middle.
    assert projection[:4, :4].mean() == pytest.approx(1.0, abs=0.02)
    assert projection[60:68, 60:68].mean() < 0.9
    sinogram = shown["sinogram"].newest
    assert sinogram[:, 60:68].mean() > 0.1
    difference, blend = np.hsplit(shown["overlay"].newest, 2)
    # At the true centre opposite views agree, but for noise and what moves.
    assert np.abs(difference).mean() < 0.1 * blend.mean()
    volume = shown["volume"].newest
    z = client.image(pvs["recon_z"])
    # The same slice, with the reconstruction of each at another moment.
    np.testing.assert_allclose(
        volume[64, 40:88, 40:88].mean(), z[40:88, 40:88].mean(), rtol=0.05
    )
    strip = attributes(shown["centers"].images[-1])
    assert strip["Center4"] == demo["parameters"]["Center"]
    numbers = channel_access(variables, [pvs["ViewsFailed"], pvs["FramesDropped"]])
    assert set(numbers.values()) == {0}


def test_the_axis_is_estimated_and_can_be_accepted(demo, channel_access, wait_until):
    pvs, variables = demo["pvs"], demo["environment"]
    true_center = demo["parameters"]["Center"]
    channel_access(variables, [], {pvs["Center"]: true_center + 3.0})

    def estimate():
        found = channel_access(
            variables, [pvs["AutoCenter"], pvs["AutoCenterConfidence"]]
        )
        return found[pvs["AutoCenterConfidence"]] > 0.6 and found[pvs["AutoCenter"]]

    found = wait_until(estimate, 60)
    assert found == pytest.approx(true_center, abs=0.25)
    channel_access(variables, [], {pvs["AutoCenterAccept"]: 1})

    def center():
        return channel_access(variables, [pvs["Center"]])[pvs["Center"]]

    wait_until(lambda: abs(center() - true_center) < 0.25, 20)


def test_writing_delta_over_beta_sets_alpha(demo, channel_access, wait_until):
    pvs, variables = demo["pvs"], demo["environment"]

    def shown():
        values = channel_access(variables, [pvs["Alpha"], pvs["DeltaBeta"]])
        return values[pvs["Alpha"]], values[pvs["DeltaBeta"]]

    channel_access(variables, [], {pvs["DeltaBeta"]: 500.0})
    wait_until(lambda: shown() == (0.002, 500.0), 20)
    channel_access(variables, [], {pvs["Alpha"]: 0.01})
    wait_until(lambda: shown() == (0.01, 100.0), 20)
    status = channel_access(variables, [pvs["ReconStatus"]])[pvs["ReconStatus"]]
    assert "phase retrieval needs Energy, Distance" in status
