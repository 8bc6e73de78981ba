"""Whatever comes in whatever order: every frame is accounted for, nothing stops."""

import logging

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tomostream.core.arrivals import RejectedArrival
from tomostream.core.frame import FrameKind
from tomostream.core.geometry import Geometry
from tomostream.core.health import RejectReason
from tomostream.core.ports import Command
from tomostream.service import ServiceSettings, SessionState
from tomostream.testing.arrivals import (
    field_arrival,
    first_id_arrival,
    frame_type_arrival,
    table_arrival,
)
from tomostream.testing.loop_rig import LoopRig

PIXELS = (
    np.ones((2, 8), np.uint16),
    np.ones((4, 8), np.uint16),
    np.ones((2, 8), np.float32),
    np.full((2, 8), np.nan, np.float32),
    np.zeros((0, 5), np.uint8),
    np.zeros((3, 2), np.int64),
    np.zeros((2, 8), object),
)

images = st.tuples(
    st.just("image"),
    st.one_of(st.integers(0, 60), st.sampled_from([-1, 65535, 2**31, 2**62])),
    st.sampled_from([0, 0, 0, 0, 1, 2, 3, 4, 5, 6]),
    st.sampled_from([0.0, -5.0, 0.25, float("nan"), float("inf"), 1e300]),
)
runs = st.tuples(st.just("run"), st.integers(0, 400), st.integers(1, 40))
controls = st.one_of(
    st.tuples(st.just("first id"), st.integers(-5, 200)),
    st.tuples(
        st.just("table"),
        st.one_of(
            st.lists(st.floats(-720, 720, width=32), max_size=6),
            st.sampled_from([[0.0, 1.0, 2.0] * 50, list(range(100)), []]),
        ),
    ),
    st.tuples(st.just("field"), st.sampled_from([1, 16, 32, 0])),
    st.tuples(st.just("type"), st.sampled_from(FrameKind), st.floats(-2, 2)),
    st.tuples(st.just("no image")),
    st.tuples(st.just("button"), st.sampled_from(Command)),
    st.tuples(st.just("engine fails")),
    st.tuples(st.just("time"), st.floats(0, 5)),
    st.tuples(st.just("step")),
)
events = st.lists(st.one_of(images, runs, controls, controls), max_size=40)


def happen(bench, event):
    word, *values = event
    HAPPENINGS[word](bench, *values)


def image_comes(bench, number, which, ago_s):
    now_s = bench.clock.now_s()
    bench.queue.put(bench.image(number, PIXELS[which], timestamp_s=now_s - ago_s))


def run_comes(bench, start, count):
    for number in range(start, start + count):
        bench.queue.put(bench.image(number))


def type_changes(bench, kind, later_s):
    bench.queue.put(frame_type_arrival(kind, bench.clock.now_s() + later_s))


def engine_fails(bench):
    bench.engine.error = RuntimeError("device lost")


NO_IMAGE = RejectedArrival(reason=RejectReason.EMPTY, message="", arrived_s=0.0)
HAPPENINGS = {
    "image": image_comes,
    "run": run_comes,
    "first id": lambda bench, number: bench.queue.put(first_id_arrival(number)),
    "table": lambda bench, values: bench.queue.put(table_arrival(values)),
    "field": lambda bench, n_pixels: bench.queue.put(
        field_arrival(FrameKind.FLAT, n_pixels=n_pixels)
    ),
    "type": type_changes,
    "no image": lambda bench: bench.queue.put(NO_IMAGE),
    "button": lambda bench, command: bench.controls.press(command),
    "engine fails": engine_fails,
    "time": lambda bench, seconds: bench.clock.advance(seconds),
    "step": lambda bench: bench.step(),
}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(events, st.sampled_from([20, 1000]), st.sampled_from([0.0, 0.02]))
@example([("image", 65535, 0, 0.0), ("run", 0, 6)], 1000, 0.0)
def test_every_frame_is_accounted_for_whatever_comes(happenings, capacity, cost_s):
    logging.disable()
    try:
        bench = LoopRig(ServiceSettings(held_frames=10), capacity, cost_s)
        bench.scan()
        bench.start()
        for event in happenings:
            happen(bench, event)
        bench.settle()
        assert bench.is_conserved()
        ids = [p.unique_id for p in bench.publisher.publications]
        assert ids == list(range(1, len(ids) + 1))
        assert len(bench.engine.slots) <= (bench.engine.geometry or _ONE).n_slots
        bench.engine.error = None
        # Whatever has happened, a good scan streams again.
        bench.controls.press(Command.ABORT)
        bench.step(2)
        bench.clock.advance(30.0)
        bench.send(frame_type_arrival(FrameKind.PROJECTION, bench.clock.now_s() - 9))
        bench.start()
        bench.scan(first_id=1, step_deg=2.0)
        bench.send_frames(range(1, 120))
        bench.scan(first_id=1, step_deg=1.0)
        for number in range(120, 150):
            bench.queue.put(bench.image(number))
        bench.settle()
        # A table without a new FirstProjid is not believed at once.
        bench.clock.advance(3.0)
        bench.settle()
        bench.send_frames(range(150, 153))
        assert bench.loop.state in {SessionState.FILLING, SessionState.STREAMING}
        assert bench.is_conserved()
    finally:
        logging.disable(logging.NOTSET)


_ONE = Geometry(n_z=1, n_x=4, n_slots=1, n_out=4)


@pytest.mark.slow
def test_a_hundred_thousand_frames_cost_little_and_leave_nothing_behind(bench):
    bench.start()
    bench.scan(step_deg=0.25, count=200_000)
    pixels = np.ones((2, 8), np.uint16)
    for start in range(1, 100_001, 32):
        for number in range(start, min(start + 32, 100_001)):
            bench.queue.put(bench.image(number, pixels))
        bench.step(every_s=0.1)
    bench.settle()
    assert bench.loop.frames_entered == 100_000
    assert bench.is_conserved()
    assert bench.health().slots_stale == 0
    assert len(bench.loop._recon.unseen) == 0
