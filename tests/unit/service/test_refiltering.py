"""A full ring is processed again while slices go on: with the real engine."""

from itertools import pairwise
from typing import Any, cast

import numpy as np
import pytest

from tomostream.core.frame import FrameKind
from tomostream.core.parameters import FilterType
from tomostream.recon.engine import Engine
from tomostream.runtime import ArrivalQueue, SystemClock
from tomostream.service import AngleSource, ServiceSettings, StreamLoop
from tomostream.testing.arrivals import field_arrival, image_arrival
from tomostream.testing.fakes import FakeControls, RecordingPublisher

N_Z, N_X, SLOTS = 64, 128, 90

CHANGES = [
    pytest.param({"filter_type": FilterType.HANN}, id="filter"),
    pytest.param({"dezinger_radius": 4}, id="zingers"),
    pytest.param(
        {"alpha": 1e-3, "distance_mm": 50.0, "pixel_um": 1.0}, id="phase retrieval"
    ),
]


class CountingEngine:
    """The real engine, which notes how many slots were processed in one step."""

    def __init__(self):
        self._engine = Engine(backend="cpu", threads=1)
        self.refiltered = []

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def refilter(self, limit):
        before = self._engine.slots_waiting
        left = self._engine.refilter(limit)
        self.refiltered.append(before - left)
        return left


@pytest.fixture
def full():
    """A loop whose ring is full, and its parts."""
    queue = ArrivalQueue(capacity_frames=1000, capacity_bytes=1 << 30)
    settings = ServiceSettings(
        angle_source=AngleSource.FIXED_STEP, angle_step_deg=180.0 / SLOTS,
        auto_start=True, max_lag_s=60.0, batch_frames=8, refilter_budget_s=1e-6,
    )  # fmt: skip
    controls, publisher, engine = FakeControls(), RecordingPublisher(), CountingEngine()
    controls.turn(center=63.25, publish_rate_limit_hz=1000.0)
    clock = SystemClock()
    loop = StreamLoop(
        queue, cast("Any", engine), publisher=publisher, controls=controls,
        clock=clock, settings=settings,
    )  # fmt: skip
    queue.put(field_arrival(FrameKind.DARK, 0.0, N_Z * N_X))
    queue.put(field_arrival(FrameKind.FLAT, 2000.0, N_Z * N_X))
    random = np.random.default_rng(1)
    for number in range(SLOTS):
        pixels = random.integers(800, 2000, (N_Z, N_X)).astype(np.uint16)
        queue.put(image_arrival(number, pixels, now_s=clock.now_s()))
    while loop.frames_entered < SLOTS or engine.slots_waiting:
        loop.step()
    return loop, controls, publisher, engine


@pytest.mark.parametrize("changes", CHANGES)
def test_slices_go_on_and_show_more_of_the_change_each_time(full, changes):
    loop, controls, publisher, engine = full
    engine.refiltered.clear()
    publisher.publications.clear()
    controls.turn(**changes)
    steps = 0
    while steps == 0 or engine.slots_waiting:
        loop.step()
        steps += 1
        assert steps < 1000
    assert sum(engine.refiltered) == SLOTS
    # So little time that each step takes one call, and at first four slots in it.
    assert max(engine.refiltered) <= 4
    assert len(engine.refiltered) == steps
    # Publishing may take half the time, so it is not done at every step.
    images = [p.packed for p in publisher.publications]
    assert len(images) >= 3
    assert all((a != b).any() for a, b in pairwise(images))


@pytest.mark.parametrize("changes", CHANGES)
def test_the_ring_ends_as_a_fresh_one_with_the_change(full, changes):
    loop, controls, _, engine = full
    controls.turn(**changes)
    loop.step()
    while engine.slots_waiting:
        loop.step()
    shown = engine.packed()
    snapshot = engine.snapshot()
    fresh = Engine(backend="cpu", threads=1)
    fresh.configure(engine.geometry, engine.parameters)
    fresh.set_fields(snapshot.dark, snapshot.flat)
    fresh.add(snapshot.frames, snapshot.angles_deg, np.arange(SLOTS))
    expected = fresh.packed()
    # Sums in another order, of values that a half-precision ring holds.
    np.testing.assert_allclose(shown, expected, atol=2e-4 * np.abs(expected).max())
