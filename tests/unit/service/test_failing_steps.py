"""What a processing step of the real engine fails for costs a frame, not the stream."""

import math

import numpy as np
import pytest

from tomostream.core.health import RejectReason
from tomostream.core.parameters import FilterType
from tomostream.core.steps import RingRemoval
from tomostream.recon.engine import Engine
from tomostream.recon.steps import rings
from tomostream.runtime.queues import ArrivalQueue
from tomostream.service import AngleSource, ServiceSettings, StreamLoop
from tomostream.testing.arrivals import image_arrival
from tomostream.testing.fakes import FakeClock, FakeControls, RecordingPublisher
from tomostream.testing.tight_backend import TightBackend

N_Z, N_X, N_SLOTS = 12, 40, 20


class Stream:
    """A loop and an engine, a frame for each step."""

    def __init__(self, engine=None, **wishes):
        self.clock = FakeClock()
        self.queue = ArrivalQueue(capacity_frames=1000, capacity_bytes=1 << 30)
        self.controls = FakeControls()
        self.controls.turn(center=N_X / 2, **wishes)
        self.publisher = RecordingPublisher()
        self.loop = StreamLoop(
            self.queue, engine or Engine(backend="cpu", threads=1),
            publisher=self.publisher, controls=self.controls, clock=self.clock,
            settings=ServiceSettings(
                angle_source=AngleSource.FIXED_STEP, angle_step_deg=180 / N_SLOTS,
                auto_start=True,
            ),
        )  # fmt: skip
        self.sent = 0
        self.random = np.random.default_rng(1)

    def good(self):
        return self.random.uniform(0.4, 1.0, (N_Z, N_X)).astype(np.float32)

    def send(self, *frames):
        for frame in frames:
            self.queue.put(image_arrival(self.sent, frame, now_s=self.clock.now_s()))
            self.sent += 1
        while self.loop.step().taken:
            pass
        self.clock.advance(1.0)
        self.loop.step()

    def rejected(self, reason):
        health = self.loop.health.get()
        assert health is not None
        return health.rejected.get(reason, 0)

    @property
    def status(self):
        return str(self.controls.readings["ReconStatus"])


@pytest.mark.parametrize("count", [1e30, -3e38])
def test_a_frame_that_has_no_transform_is_left_out(count):
    stream = Stream(alpha=1e-3, distance_mm=100.0)
    bad = stream.good()
    bad[:, 7] = count
    stream.send(*(stream.good() for _ in range(6)))
    stream.send(stream.good(), bad, stream.good())
    assert stream.rejected(RejectReason.STEP) == 1
    assert stream.loop.frames_entered == 8
    assert stream.loop.state == "filling"
    # A frame of 1e30 among others would be seen.
    assert np.abs(stream.publisher.publications[-1].packed).max() < 1.0


def test_pixels_without_a_number_are_mended_before_a_transform():
    stream = Stream(alpha=1e-3, distance_mm=100.0)
    mended = stream.good()
    mended[3, 5:8] = math.nan, math.inf, -math.inf
    stream.send(*(stream.good() for _ in range(6)), mended)
    assert stream.loop.frames_entered == 7
    assert stream.rejected(RejectReason.STEP) == 0


def test_rings_that_cannot_be_removed_stay_and_the_stream_goes_on(monkeypatch):
    def fail(*_, **__):
        raise ValueError("no such wavelet")

    stream = Stream(ring_removal=RingRemoval.FOURIER_WAVELET)
    monkeypatch.setattr(rings, "ring_correction", fail)
    stream.send(*(stream.good() for _ in range(2 * N_SLOTS)))
    assert stream.loop.state == "streaming"
    assert stream.loop.frames_entered == 2 * N_SLOTS
    assert "ring removal: no such wavelet" in stream.status
    monkeypatch.undo()
    stream.send(*(stream.good() for _ in range(N_SLOTS)))
    assert "ring removal" not in stream.status


@pytest.mark.parametrize(
    ("lacks", "name", "wish"),
    [
        ("phase", "phase retrieval", {"alpha": 1e-3, "distance_mm": 100.0}),
        ("zingers", "zinger removal", {"dezinger_radius": 3}),
        ("frames", "zinger removal", {"dezinger_radius": 3}),
        ("rings", "ring removal", {"ring_removal": RingRemoval.HIGH_PASS}),
        ("oblique", "the oblique plane", {"is_oblique_shown": True}),
        ("tilt", "the tilt by RotZ", {"rot_z": 5.0}),
    ],
)
def test_what_lacks_memory_stays_off_while_the_stream_goes_on(lacks, name, wish):
    backend = TightBackend()
    stream = Stream(Engine(backend=backend))
    stream.send(*(stream.good() for _ in range(N_SLOTS)))
    backend.lacks = {lacks}
    stream.controls.turn(**wish)
    stream.send(*(stream.good() for _ in range(N_SLOTS)))
    assert stream.loop.state == "streaming"
    assert stream.loop.frames_entered == 2 * N_SLOTS
    said = f"{name} is off: not enough memory: {lacks}: wanted 3 GiB, 1 GiB available"
    assert said in stream.status
    assert said in str(stream.controls.readings["ErrorText"])
    # The operator's demand is still shown.
    assert all(getattr(stream.controls.shown, k) == v for k, v in wish.items())
    asked = len(backend.refusals)
    stream.send(*(stream.good() for _ in range(5)))
    assert len(backend.refusals) == asked
    backend.lacks.clear()
    stream.controls.turn(filter_type=FilterType.HANN)
    stream.send(*(stream.good() for _ in range(5)))
    assert "is off" not in stream.status


def test_a_filter_that_lacks_memory_is_told_and_the_one_before_stays_in_use():
    backend = TightBackend()
    stream = Stream(Engine(backend=backend))
    stream.send(*(stream.good() for _ in range(6)))
    backend.lacks = {"filter"}
    stream.controls.turn(filter_type=FilterType.HANN)
    stream.send(*(stream.good() for _ in range(6)))
    said = (
        "FilterType: Hann is not used: not enough memory: filter: wanted 3 GiB, "
        "1 GiB available; Parzen stays in use"
    )
    readings = stream.controls.readings
    assert said in stream.status
    assert (readings["ErrorText"], readings["ParametersRefused"]) == (said, 1)
    assert (stream.loop.state, stream.loop.frames_entered) == ("filling", 12)
    assert stream.publisher.publications[-1].filter_type == "Parzen"
    # The operator's wish stays in the record, and another one is tried.
    assert stream.controls.shown.filter_type is FilterType.HANN
    backend.lacks.clear()
    stream.controls.turn(filter_type=FilterType.COSINE)
    stream.send(stream.good())
    assert (readings["ErrorText"], readings["ParametersRefused"]) == ("", 0)
    assert stream.publisher.publications[-1].filter_type == "Cosine"
