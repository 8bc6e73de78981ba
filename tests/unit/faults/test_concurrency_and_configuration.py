"""Faults 25 to 40 of the server that this one replaces: none may come back.

Faults 27, 33 and 34 need real processes: `tests/system/test_faults.py`. Faults 35 to 37
are in `tests/unit/epics/test_generate.py`. Fault 39 is not in the list.
"""

import logging
import threading
from dataclasses import replace
from logging.handlers import RotatingFileHandler

import numpy as np
import pytest

from tomostream.app.log import set_up_log
from tomostream.core.arrivals import ConnectionArrival
from tomostream.core.controls import CONTROLS
from tomostream.core.parameters import FilterType
from tomostream.core.ports import Command
from tomostream.epics.database import database_text
from tomostream.runtime.clock import SystemClock
from tomostream.runtime.queues import ArrivalQueue
from tomostream.runtime.worker import Worker
from tomostream.service import StreamLoop
from tomostream.testing.arrivals import (
    first_id_arrival,
    image_arrival,
    table_arrival,
)
from tomostream.testing.fakes import FakeControls, FakeEngine, RecordingPublisher


class Threads(FakeEngine):
    """An engine that notes who calls it."""

    def __init__(self):
        super().__init__()
        self.seen = set()

    def configure(self, *args, **kwargs):
        self.seen.add(threading.get_ident())
        super().configure(*args, **kwargs)

    def add(self, *args, **kwargs):
        self.seen.add(threading.get_ident())
        return super().add(*args, **kwargs)


@pytest.fixture
def running():
    """A loop in a thread of its own, with real time."""
    clock, queue = (
        SystemClock(),
        ArrivalQueue(capacity_frames=1000, capacity_bytes=1 << 27),
    )
    engine, controls = Threads(), FakeControls()
    loop = StreamLoop(
        queue, engine, publisher=RecordingPublisher(), controls=controls, clock=clock
    )
    steps = []
    step = loop.step
    loop.step = lambda: (steps.append(1), step())[1]
    worker = Worker("loop", loop.run)
    worker.start()
    yield queue, engine, controls, steps
    worker.stop()
    worker.join(timeout_s=10.0)


def test_fault_25_an_idle_loop_waits_instead_of_spinning(running, wait_until):
    _, _, _, steps = running
    wait_until(lambda: len(steps) >= 3)
    clock = SystemClock()
    began_s, began = clock.monotonic_s(), len(steps)
    wait_until(lambda: len(steps) >= began + 10)
    # 20 ms each; a loop that spins makes ten steps within one.
    assert clock.monotonic_s() - began_s > 0.05


def test_fault_26_only_the_loops_thread_touches_the_engine(running, wait_until):
    queue, engine, controls, _ = running
    controls.press(Command.START)
    for first, shape in ((1, (2, 8)), (50, (4, 16))):
        queue.put(first_id_arrival(first))
        queue.put(table_arrival(step_deg=1.0 + first))
        for number in range(first, first + 20):
            image = np.ones(shape, np.uint16)
            queue.put(image_arrival(number, image, now_s=SystemClock().now_s()))
    wait_until(lambda: engine.calls.count("configure") == 2 and not queue.depth)
    assert len(engine.seen) == 1
    assert engine.seen != {threading.get_ident()}


def test_fault_28_a_gap_of_ids_is_counted(bench):
    bench.start()
    bench.scan()
    bench.send_frames([1, 2, 115, 116])
    assert bench.health().frames_missing == 112


def test_fault_29_an_abort_when_idle_is_answered_and_over(bench):
    bench.controls.press(Command.ABORT)
    bench.step()
    assert bench.loop.state == "idle"
    assert "nothing to abort" in bench.status
    bench.step(10, every_s=1.0)
    assert "abort" not in bench.status


def test_fault_29_an_abort_ends_the_session_and_its_frames(bench):
    bench.start()
    bench.scan()
    bench.send_frames([1, 2])
    bench.controls.press(Command.ABORT)
    bench.step(3)
    assert bench.loop.state == "idle"
    entered = bench.loop.frames_entered
    bench.send_frames([3, 4])
    assert bench.loop.frames_entered == entered


def test_fault_30_a_moved_slice_filters_nothing_anew(bench):
    bench.start()
    bench.scan()
    bench.send_frames(range(1, 11))
    bench.engine.calls.clear()
    bench.controls.turn(ortho_z=0, ortho_x=1, center=3.0)
    bench.step()
    assert bench.engine.calls == ["set_parameters"]
    assert bench.engine.slots_waiting == 0


def test_fault_30_the_engine_processes_no_frame_anew_for_a_slice_or_the_center(
    make_engine, frames, monkeypatch
):
    engine, f = make_engine(), frames(16)
    engine.add(list(f), np.arange(16) * 11.25, np.arange(16))
    before, wishes = engine.slices(), engine.parameters
    monkeypatch.setattr(
        engine._backend, "add", lambda *_, **__: pytest.fail("from raw again")
    )
    moved = replace(wishes, planes=replace(wishes.planes, x=3, z=1), center=14.0)
    engine.set_parameters(moved)
    assert engine.slots_waiting == 0
    assert np.abs(engine.slices().x - before.x).max() > 0
    # A change that does need it is the counter-example.
    engine.set_parameters(replace(moved, filter_type=FilterType.PARZEN))
    assert engine.slots_waiting == 16


def test_fault_31_frames_are_held_once(make_engine, frames):
    engine, f = make_engine(), frames(16)
    engine.add(list(f), np.arange(16) * 11.25, np.arange(16))
    # The raw ring holds references of the frames that came.
    assert all(np.shares_memory(held, f) for held in engine.snapshot().frames)
    assert engine.memory.raw == f.nbytes


def test_fault_32_no_line_per_frame_goes_into_the_log(bench, caplog):
    caplog.set_level(logging.DEBUG)
    bench.start()
    bench.scan()
    bench.send_frames(range(1, 501))
    assert len(caplog.records) < 20


def test_fault_32_the_log_file_rotates(tmp_path):
    before = logging.getLogger().handlers[:]
    set_up_log(tmp_path / "t.log", megabytes=1.0, kept=2, to_terminal=False)
    made = [h for h in _handlers() if isinstance(h, RotatingFileHandler)]
    try:
        assert [(h.maxBytes, h.backupCount) for h in made] == [(1_000_000, 2)]
    finally:
        for handler in made:
            handler.close()
            for logger in (logging.getLogger(), logging.getLogger("tomostream")):
                logger.removeHandler(handler)
    assert logging.getLogger().handlers == before


def test_fault_38_names_longer_than_39_characters_fit():
    name = "a:very:long:prefix:of:a:channel:" + "x" * 60
    long_texts = [c for c in CONTROLS if c.kind == "long_text"]
    text = database_text("P:", long_texts, macros={}, saved={"DarkPVAName": name})
    assert long_texts
    assert f'"{name}"' in text
    assert "stringout" not in text


def test_fault_40_a_lost_connection_is_told_until_it_is_back(bench):
    bench.start()
    bench.scan()
    bench.send_frames([1, 2])
    lost = ConnectionArrival(source="cam:Image", is_connected=False, arrived_s=0.0)
    bench.send(lost)
    assert "cam:Image" in bench.status
    bench.send(ConnectionArrival(source="cam:Image", is_connected=True, arrived_s=0.0))
    assert "cam:Image" not in bench.status


def _handlers():
    return [*logging.getLogger().handlers, *logging.getLogger("tomostream").handlers]
