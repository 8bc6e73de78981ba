import logging

import numpy as np
import pytest

from tomostream.core.controls import control
from tomostream.core.frame import FrameKind
from tomostream.core.health import RejectReason
from tomostream.core.ports import Command
from tomostream.service import SessionState
from tomostream.testing.arrivals import field_arrival, table_arrival


def test_it_stays_idle_until_started(bench):
    bench.scan()
    bench.send_frames(range(1, 6))
    assert bench.loop.state is SessionState.IDLE
    assert bench.rejected(RejectReason.IDLE) == 5


def test_auto_start_needs_no_button(make_bench):
    bench = make_bench(auto_start=True)
    bench.scan()
    bench.send_frames(range(1, 6))
    assert bench.loop.frames_entered == 5


def test_the_session_waits_fills_and_streams(bench):
    bench.start()
    states = [bench.loop.state]
    bench.scan(step_deg=10.0)
    bench.send_frames(range(1, 5))
    states.append(bench.loop.state)
    bench.send_frames(range(5, 30))
    states.append(bench.loop.state)
    assert states == ["waiting", "filling", "streaming"]


def test_it_says_what_it_waits_for(bench):
    bench.start()
    assert "for frames and the angle table" in bench.status
    bench.send_frames(range(1, 5))
    assert "for angles" in bench.status


def test_it_waits_again_when_frames_stay_away(streaming):
    streaming.clock.advance(10.0)
    streaming.step()
    assert streaming.loop.state is SessionState.WAITING
    assert "for frames" in streaming.status


def test_an_empty_or_broken_table_is_told(bench):
    bench.start()
    bench.send(table_arrival([]), table_arrival([5.0, 5.0, 5.0]))
    assert "all angles are 5" in bench.status


def test_frames_that_waited_for_their_table_are_used(bench):
    bench.start()
    bench.send_frames(range(1, 6))
    bench.scan()
    assert bench.loop.frames_entered == 5


def test_frames_wait_for_their_table_in_bounded_number(make_bench):
    bench = make_bench(held_frames=10)
    bench.start()
    bench.send_frames(range(1, 31))
    bench.scan()
    assert bench.loop.frames_entered == 10
    assert bench.rejected(RejectReason.NO_ANGLE) == 20


def test_frames_wait_for_their_table_in_bounded_memory(make_bench):
    bench = make_bench(held_bytes=32 * 10)
    bench.start()
    bench.send_frames(range(1, 31))
    bench.scan()
    assert bench.loop.frames_entered == 10


def test_abort_stops_once(streaming):
    streaming.controls.readings.clear()
    streaming.controls.press(Command.ABORT)
    streaming.step()
    assert streaming.loop.state is SessionState.STOPPING
    assert streaming.controls.readings["SessionState"] == "stopping"
    streaming.step()
    assert streaming.loop.state is SessionState.IDLE
    assert streaming.controls.readings["SessionState"] == "idle"


def test_frames_after_an_abort_are_not_used(streaming):
    streaming.controls.press(Command.ABORT)
    streaming.send_frames(range(11, 21))
    assert streaming.loop.frames_entered == 10
    assert streaming.rejected(RejectReason.IDLE) == 10


def test_abort_when_idle_says_so_and_does_nothing(bench):
    bench.controls.press(Command.ABORT)
    bench.step()
    assert bench.loop.state is SessionState.IDLE
    assert "nothing to abort" in bench.status


def test_a_start_takes_back_that_nothing_was_running(bench):
    bench.controls.press(Command.ABORT)
    bench.step()
    bench.start()
    assert "no session is running" not in bench.status


def test_a_second_start_while_running_changes_nothing(streaming):
    streaming.start()
    assert "already running" in streaming.status
    assert len(streaming.engine.slots) == 10


def test_after_an_abort_it_starts_with_an_empty_ring(streaming):
    streaming.controls.press(Command.ABORT)
    streaming.step(2)
    streaming.start()
    streaming.send_frames(range(50, 53))
    assert len(streaming.engine.slots) == 3
    assert streaming.last.session == 2


def test_planes_can_still_be_moved_after_an_abort(streaming):
    streaming.controls.press(Command.ABORT)
    streaming.step(2)
    streaming.clock.advance(1.0)
    count = len(streaming.publisher.publications)
    streaming.controls.turn(ortho_x=5)
    streaming.step()
    assert len(streaming.publisher.publications) == count + 1
    assert streaming.last.planes.x == 5


def test_reset_empties_the_ring_and_streaming_goes_on(streaming):
    streaming.controls.press(Command.RESET)
    streaming.step()
    streaming.send_frames(range(11, 14))
    assert len(streaming.engine.slots) == 3
    assert "ring emptied" in streaming.status


def test_a_failing_engine_ends_the_session_with_its_reason(streaming, caplog):
    streaming.engine.error = RuntimeError("device lost")
    with caplog.at_level(logging.CRITICAL):
        streaming.send_frames(range(11, 14))
    assert streaming.loop.state is SessionState.FAILED
    assert "device lost" in streaming.status
    assert streaming.controls.readings["SessionState"] == "failed"


def test_an_engine_that_cannot_be_configured_fails_the_session(bench, caplog):
    bench.start()
    bench.scan()
    bench.engine.error = MemoryError("ring of 900 GB")
    with caplog.at_level(logging.CRITICAL):
        bench.send_frames(range(1, 4))
    assert "ring of 900 GB" in bench.status
    assert bench.is_conserved()


def test_frames_of_a_failed_batch_are_counted(streaming, caplog):
    streaming.engine.error = RuntimeError("device lost")
    with caplog.at_level(logging.CRITICAL):
        streaming.send_frames(range(11, 14))
    assert streaming.rejected(RejectReason.FAILED) == 3
    assert streaming.is_conserved()


def test_after_a_failure_it_starts_with_a_fresh_engine(streaming, caplog):
    streaming.engine.error = RuntimeError("device lost")
    with caplog.at_level(logging.CRITICAL):
        streaming.send_frames(range(11, 14))
    streaming.engine.calls.clear()
    streaming.start()
    streaming.send_frames(range(20, 23))
    assert streaming.engine.calls[0] == "configure"
    assert streaming.loop.state is SessionState.FILLING


def test_a_publisher_that_fails_does_not_end_the_loop(streaming, caplog):
    def fail():
        streaming.publisher.on_publish = lambda: None
        raise OSError("no such interface")

    streaming.publisher.on_publish = fail
    streaming.clock.advance(1.0)
    with caplog.at_level(logging.CRITICAL):
        streaming.send_frames(range(11, 14))
    assert "no such interface" in streaming.status


def test_closing_ends_the_session(streaming):
    streaming.loop.close()
    assert streaming.loop.state is SessionState.IDLE
    assert streaming.controls.readings["SessionState"] == "idle"


def test_required_fields_are_waited_for(make_bench):
    bench = make_bench(require_fields=True)
    bench.start()
    bench.scan()
    bench.send_frames(range(1, 4))
    assert "for dark and flat" in bench.status
    assert bench.rejected(RejectReason.NO_FIELDS) == 3
    bench.send(field_arrival(FrameKind.DARK), field_arrival(FrameKind.FLAT), 4)
    assert bench.loop.frames_entered == 1


def test_the_log_has_no_line_per_frame(streaming, caplog):
    with caplog.at_level(logging.DEBUG):
        for _ in range(100):
            streaming.queue.put(streaming.image(11, np.zeros((0, 0), np.uint16)))
            streaming.queue.put(streaming.image(5))
        streaming.settle()
    assert len(caplog.records) <= 5


@pytest.mark.parametrize("state", list(SessionState))
def test_the_record_knows_every_state(state):
    assert state.value in control("SessionState").choices
