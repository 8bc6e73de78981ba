"""The raw ring of a CUDA engine lies in memory that devices copy from by themselves."""

import logging
import shutil
from dataclasses import replace

import numpy as np
import pytest

from tomostream.core.errors import ReconstructionError
from tomostream.core.geometry import Geometry, Planes
from tomostream.core.parameters import FilterType, ReconParameters
from tomostream.recon.cuda.backend import CudaBackend
from tomostream.recon.cuda.feed import PinnedFrames
from tomostream.recon.engine import Engine
from tomostream.testing.cuda_shim import ShimDevice

pytestmark = pytest.mark.skipif(
    shutil.which("g++") is None, reason="the shim needs g++"
)

SHAPE, N_SLOTS = (10, 40), 24
GEOMETRY = Geometry(n_z=10, n_x=40, n_slots=N_SLOTS, n_out=40)
PARAMETERS = ReconParameters(
    center=20.0, filter_type=FilterType.RAMP, planes=Planes(x=20, y=20, z=5)
)


class Counting(ShimDevice):
    """Counts what is pinned and not more than `room`; remembers what went up."""

    room = 1 << 40
    pinned_bytes = 0
    sources: frozenset[int] = frozenset()
    """Addresses."""

    def upload(self, target, source):
        self.sources |= {source.ctypes.data}
        return super().upload(target, source)

    def pinned(self, nbytes):
        self.pinned_bytes += nbytes
        if self.pinned_bytes > self.room:
            raise ReconstructionError("no memory that could be pinned")
        return super().pinned(nbytes)


def engine_on(*devices, raw_slots=None):
    engine = Engine(
        backend=CudaBackend(list(devices), ring_dtype="float"), raw_slots=raw_slots
    )
    engine.configure(GEOMETRY, PARAMETERS)
    return engine


def stream(engine, *, dtype="u2", revolutions=3):
    """Add frames by one array that is used again; give those of the last revolution."""
    random = np.random.default_rng(0)
    frames = random.integers(100, 900, (revolutions * N_SLOTS, *SHAPE)).astype(dtype)
    array = np.empty((4, *SHAPE), dtype)
    for first in range(0, len(frames), 4):
        array[:] = frames[first : first + 4]
        numbers = np.arange(first, first + 4)
        engine.add(list(array), numbers * 180 / N_SLOTS, numbers % N_SLOTS)
    return frames[-N_SLOTS:]


def wanted(frames, parameters=PARAMETERS):
    engine = Engine(backend="cpu", ring_dtype="float", threads=1)
    engine.configure(GEOMETRY, parameters)
    engine.add(list(frames), np.arange(N_SLOTS) * 180 / N_SLOTS, np.arange(N_SLOTS))
    return engine.packed()


def assert_shows(engine, expected):
    # Another order of the additions.
    np.testing.assert_allclose(
        engine.packed(), expected, rtol=0, atol=5e-5 * np.ptp(expected)
    )


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
def test_the_ring_is_pinned_and_what_the_caller_does_is_its_own_affair(dtype):
    device = Counting()
    engine = engine_on(device)
    frames = stream(engine, dtype=dtype)
    kept = engine.snapshot().frames
    assert len(kept) == N_SLOTS
    assert all(map(device.is_pinned, kept))
    assert not any(frame.flags.writeable for frame in kept)
    np.testing.assert_array_equal(kept, frames)
    assert_shows(engine, wanted(frames))


def test_frames_of_the_ring_are_uploaded_from_where_they_are():
    device = Counting()
    engine = engine_on(device)
    frames = stream(engine)
    places = {frame.ctypes.data for frame in engine.snapshot().frames}
    assert places <= device.sources
    device.sources, before = frozenset(), device.pinned_bytes
    hann = replace(PARAMETERS, filter_type=FilterType.HANN)
    engine.set_parameters(hann)
    assert engine.refilter(N_SLOTS) == 0
    assert device.pinned_bytes == before
    assert places <= device.sources
    assert_shows(engine, wanted(frames, hann))


@pytest.mark.parametrize("devices", [1, 2])
def test_memory_on_its_way_is_not_given_to_others(devices):
    # Of four frames added, the ring forgets three before they are uploaded.
    engine = engine_on(*(ShimDevice() for _ in range(devices)), raw_slots=1)
    assert_shows(engine, wanted(stream(engine)))


def test_large_integers_go_up_as_floats_and_are_kept_as_they_are():
    engine = engine_on(ShimDevice())
    frames = stream(engine, dtype="u8")
    assert engine.snapshot().frames[0].dtype == np.uint64
    assert_shows(engine, wanted(frames))


def test_what_cannot_be_pinned_stays_where_it_is(caplog):
    device = Counting()
    engine = engine_on(device)
    # Room for half of the ring, and the buffers that everything else goes through.
    frame_bytes = 2 * SHAPE[0] * SHAPE[1]
    device.room = device.pinned_bytes + N_SLOTS // 2 * frame_bytes
    plain = device.pinned

    def pinned(nbytes):
        return (
            plain(nbytes)
            if nbytes == frame_bytes
            else ShimDevice.pinned(device, nbytes)
        )

    device.pinned = pinned
    with caplog.at_level(logging.WARNING):
        frames = stream(engine)
    assert_shows(engine, wanted(frames))
    said = [r.message for r in caplog.records if r.levelno >= logging.WARNING]
    assert said == ["raw frames are not pinned: no memory that could be pinned"]
    assert "not pinned: no memory" in engine.memory.note
    engine.configure(GEOMETRY, PARAMETERS)
    assert "not pinned" not in engine.memory.note


def test_no_more_is_pinned_than_the_machine_can_spare():
    frames = [np.zeros(SHAPE, np.uint16)] * 2
    limit = 5 * frames[0].nbytes
    pinned = PinnedFrames(ShimDevice(), limit_bytes=limit)
    assert pinned.copies(frames, 5)[0] is not frames[0]
    assert not pinned.problem
    assert pinned.copies(frames, 6) is frames
    assert "GiB are more than" in pinned.problem


def test_a_ring_that_keeps_no_frames_pins_none():
    device = ShimDevice()
    assert engine_on(device, raw_slots=0).memory.raw == 0
    frames = [np.zeros(SHAPE, np.uint16)]
    assert CudaBackend([device]).kept(frames, 0) is frames
