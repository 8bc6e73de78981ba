"""Copies and computing wait for each other where they must, and only there."""

import shutil

import numpy as np
import pytest

from tomostream.core.geometry import Geometry, Planes
from tomostream.core.parameters import FilterType, ReconParameters
from tomostream.recon.cpu._core import Copier
from tomostream.recon.cuda.backend import CudaBackend
from tomostream.recon.cuda.feed import Feed
from tomostream.recon.cuda.pixels import fetched
from tomostream.recon.engine import Engine
from tomostream.testing.cuda_shim import ShimDevice

pytestmark = pytest.mark.skipif(
    shutil.which("g++") is None, reason="the shim needs g++"
)

GEOMETRY = Geometry(n_z=10, n_x=40, n_slots=48, n_out=40)
PARAMETERS = ReconParameters(
    center=20.0, filter_type=FilterType.RAMP, planes=Planes(x=20, y=20, z=5)
)


def streamed(device):
    random = np.random.default_rng(0)
    engine = Engine(backend=CudaBackend([device], ring_dtype="float"))
    engine.configure(GEOMETRY, PARAMETERS)
    device.uploaded = 0
    # 48 slots make batches of 32; these are many more than there are buffers.
    for first in range(0, 24 * 8, 8):
        frames = random.integers(100, 900, (8, 10, 40)).astype("u2")
        slots = np.arange(first, first + 8) % 48
        engine.add(list(frames), random.random(8) * 180, slots)
    return engine.slices()


def doubled(device, *, count=12):
    """Let a feed of two buffers bring numbers to a kernel that doubles them."""
    feed = Feed(device, 4 * 64, buffers=2)
    out = device.empty((count, 64), np.float32)
    for k in range(count):
        with feed.sent([np.full(64, k + 1, np.float32)]) as (numbers,):
            device.launch(
                "finish_plane",
                (64, 1, 1),
                (out[k], numbers, np.float32(2.0), np.int64(64)),
            )
    return fetched(device, out)[:, 0].tolist()


def test_buffers_are_used_again_only_when_they_are_free():
    assert doubled(ShimDevice()) == [2.0 * (k + 1) for k in range(12)]


@pytest.mark.parametrize("wait", ["wait", "compute_after", "upload_after"])
def test_a_missing_wait_is_seen(wait):
    # Proves that the shim's streams are as treacherous as they should be.
    class Hasty(ShimDevice):
        pass

    setattr(Hasty, wait, lambda self, event: None)
    assert doubled(Hasty()) != [2.0 * (k + 1) for k in range(12)]


def test_frames_are_uploaded_once():
    device = ShimDevice()
    streamed(device)
    raw = 24 * 8 * 10 * 40 * 2
    # The rest are tables: 40 bytes a projection and plane.
    tables = device.uploaded - raw
    assert 0 < tables < 24 * (3 * 16 * 40 + 8 * 32 + 8 * 8 + 4 * 256) + 48 * 40 * 100


def test_adding_integers_waits_for_nothing_but_the_buffers():
    class Counting(ShimDevice):
        waits = 0

        def wait(self, event):
            self.waits += 1
            super().wait(event)

    device = Counting()
    streamed(device)
    # Raw frames: two buffers; tables: four; one for the slices that came back.
    assert device.launches["load_and_sum_odd"] == 24
    assert device.waits <= 24 * 5 + 48


def test_large_frames_are_copied_by_several_threads():
    device = ShimDevice()
    feed = Feed(device, 3 << 20, buffers=2)
    random = np.random.default_rng(0)
    frames = [random.integers(0, 999, (700, 702)).astype("u2") for _ in range(3)]
    for frame in frames:
        frame.flags.writeable = False
    out = device.empty((3, 697, 702), np.uint16)
    with feed.sent([frame[3:] for frame in frames]) as (there,):
        # Copied on the device as floats, two values at a time: small ones are normal.
        count = there.nbytes // 4
        assert there.shape == (3, 697, 702)
        device.launch(
            "finish_plane",
            (count, 1, 1),
            (out, there, np.float32(1.0), np.int64(count)),
        )
    np.testing.assert_array_equal(fetched(device, out), np.stack(frames)[:, 3:])


def test_copier_refuses_what_has_no_room():
    with pytest.raises(ValueError, match="no room"):
        Copier(2).copy(np.zeros(10, np.uint8), [np.zeros(6, "u1"), np.zeros(5, "u1")])
    target = np.zeros(11, np.uint8)
    Copier(2).copy(target, [np.full(6, 1, "u1"), np.full(5, 2, "u1")])
    assert target.tolist() == [1] * 6 + [2] * 5
