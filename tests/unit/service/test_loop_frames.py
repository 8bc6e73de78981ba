import math
from dataclasses import replace

import numpy as np
import pytest

from tomostream.core.arrivals import ConnectionArrival, RejectedArrival
from tomostream.core.errors import MalformedFrameError
from tomostream.core.frame import FrameKind
from tomostream.core.health import RejectReason
from tomostream.core.ports import Command
from tomostream.service import SessionState
from tomostream.testing.arrivals import frame_type_arrival


def raising(error):
    def pixels():
        raise error

    return pixels


def replaced(image, **changes):
    return replace(image, **changes)


def test_gaps_are_counted_as_missing(streaming):
    streaming.send_frames([12, 20])
    assert streaming.health().frames_missing == 1 + 7


def test_frames_that_the_queue_dropped_are_not_missing_too(make_bench):
    bench = make_bench(capacity=10)
    bench.start()
    bench.scan()
    for number in range(1, 101):
        bench.queue.put(bench.image(number))
    bench.settle()
    health = bench.health()
    assert (health.frames_dropped, health.frames_received) == (90, 100)
    # The first frames to come through are not known to follow any others.
    assert health.frames_missing == 0


def test_drops_in_mid_stream_are_not_missing_too(make_bench):
    bench = make_bench(capacity=10)
    bench.start()
    bench.scan()
    bench.send(1)
    for number in range(2, 102):
        bench.queue.put(bench.image(number))
    bench.send(105)
    health = bench.health()
    assert (health.frames_dropped, health.frames_missing) == (91, 3)


def test_repeated_ids_are_not_used_twice(streaming):
    streaming.send_frames([10, 10, 9, 8])
    assert streaming.rejected(RejectReason.REPEATED) == 4
    assert streaming.loop.frames_entered == 10


def test_ids_that_go_backwards_are_not_used(streaming):
    streaming.send_frames([15, 12])
    assert streaming.rejected(RejectReason.BACKWARDS) == 1


def test_a_source_that_counts_anew_goes_on_with_an_empty_ring(streaming):
    streaming.clock.advance(1.0)
    streaming.send_frames(range(1, 9))
    assert streaming.rejected(RejectReason.REPEATED) == 4
    assert sorted(streaming.engine.slots) == [0, 1, 2, 3]
    assert streaming.last.session == 2


def test_a_source_that_counts_anew_below_its_first_id_keeps_its_angles(bench):
    bench.start()
    bench.scan(first_id=1001)
    bench.send_frames(range(1001, 1011))
    bench.clock.advance(1.0)
    bench.send_frames(range(1, 9))
    assert [c.angle_deg for c in bench.engine.slots.values()] == [5.0, 6.0, 7.0, 8.0]


def test_one_impossible_id_does_not_poison_the_stream(streaming):
    streaming.send_frames([2**31 - 1, -5, 11, 12])
    assert streaming.loop.frames_entered == 12
    assert streaming.health().frames_missing == 0
    assert streaming.rejected(RejectReason.MALFORMED) == 2


def test_an_impossible_id_just_below_the_wrap_does_not_shift_later_ones(streaming):
    streaming.send_frames([65530, 11, 12])
    assert streaming.last.last_projection_id == 12


def test_ids_after_an_outage_are_believed(make_bench):
    bench = make_bench()
    bench.start()
    bench.scan(step_deg=0.25, count=1_000_000)
    bench.send_frames([*range(1, 11), *range(500_001, 500_011)])
    assert bench.loop.frames_entered == 10 + 6
    assert bench.health().frames_missing == 500_004 - 10


def test_sixteen_bit_ids_go_on_over_the_wrap(bench):
    bench.start()
    bench.scan(first_id=65531, count=100)
    bench.send_frames([*range(65531, 65536), *range(6)])
    assert [c.angle_deg for c in bench.engine.slots.values()] == list(range(11))


def test_ids_past_the_table_have_no_angle_and_that_is_told(bench):
    bench.start()
    bench.scan(count=5)
    bench.send_frames(range(1, 11))
    assert bench.loop.frames_entered == 5
    bench.clock.advance(5.0)
    bench.send_frames(range(11, 13))
    assert "expected 0 to 4" in bench.status
    assert bench.rejected(RejectReason.NO_ANGLE) == 7


def test_ids_before_the_scan_have_no_angle(bench):
    bench.start()
    bench.scan(first_id=101)
    bench.send_frames(range(98, 104))
    assert bench.rejected(RejectReason.NO_ANGLE) == 3
    assert bench.engine.slots[0].value == 101


def test_dark_and_flat_frames_do_not_enter(streaming):
    at_s = streaming.clock.now_s()
    streaming.send(frame_type_arrival(FrameKind.DARK, at_s + 1.0))
    streaming.send(
        streaming.image(11, timestamp_s=at_s + 0.5),
        streaming.image(12, timestamp_s=at_s + 1.5),
    )
    assert streaming.rejected(RejectReason.FRAME_TYPE) == 1
    assert streaming.last.last_projection_id == 11


def test_a_frame_type_that_comes_after_its_frames_still_finds_them(streaming):
    at_s = streaming.clock.now_s()
    streaming.send(
        streaming.image(11, timestamp_s=at_s + 1.5),
        frame_type_arrival(FrameKind.FLAT, at_s + 1.0),
    )
    assert streaming.rejected(RejectReason.FRAME_TYPE) == 1


def test_frames_near_a_change_of_type_are_guarded(make_bench):
    bench = make_bench(frame_type_guard_s=0.1)
    bench.start()
    bench.scan()
    at_s = bench.clock.now_s()
    bench.send(
        frame_type_arrival(FrameKind.FLAT, at_s + 1.0),
        frame_type_arrival(FrameKind.PROJECTION, at_s + 2.0),
        *(
            bench.image(number, timestamp_s=at_s + 0.25 * number)
            for number in range(1, 11)
        ),
    )
    bench.clock.advance(0.1)
    bench.settle()
    assert bench.rejected(RejectReason.GUARD) == 2
    assert bench.rejected(RejectReason.FRAME_TYPE) == 3
    assert bench.loop.frames_entered == 5


def test_within_the_guard_a_frame_waits_for_a_frame_type_that_comes_late(make_bench):
    bench = make_bench(frame_type_guard_s=0.2)
    bench.start()
    bench.scan()
    taken_s = bench.clock.now_s()
    bench.queue.put(bench.image(1, timestamp_s=taken_s))
    bench.step(3)
    assert bench.loop.frames_entered == 0
    bench.clock.advance(0.1)
    # Stamped when it was written, a tenth of a second after the camera had begun.
    bench.queue.put(frame_type_arrival(FrameKind.DARK, taken_s + 0.1))
    bench.clock.advance(0.2)
    bench.settle()
    assert bench.rejected(RejectReason.GUARD) == 1
    assert bench.loop.frames_entered == 0


def test_frames_that_wait_for_their_frame_type_are_no_overload(make_bench):
    bench = make_bench(frame_type_guard_s=0.5)
    bench.start()
    bench.scan()
    for number in range(1, 200):
        bench.queue.put(bench.image(number))
        bench.step(every_s=0.01)
    assert bench.health().decimation == 1
    assert bench.health().frames_dropped == 0
    assert bench.loop.frames_entered > 100


@pytest.mark.parametrize("unknown", [0.0, -1.0, math.nan, math.inf])
def test_a_frame_without_time_stamp_is_judged_by_its_arrival(streaming, unknown):
    at_s = streaming.clock.now_s()
    streaming.send(frame_type_arrival(FrameKind.DARK, at_s - 1.0))
    streaming.send_frames([11], timestamp_s=unknown)
    assert streaming.rejected(RejectReason.FRAME_TYPE) == 1


def test_a_source_that_says_its_kind_is_believed(streaming):
    streaming.send_frames([11], kind=FrameKind.FLAT)
    streaming.send(frame_type_arrival(FrameKind.DARK, 0.0))
    streaming.send_frames([12], kind=FrameKind.PROJECTION)
    assert streaming.loop.frames_entered == 11


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MalformedFrameError("short", reason="truncated"), RejectReason.TRUNCATED),
        (MalformedFrameError("what?", reason="codec"), RejectReason.CODEC),
        (MalformedFrameError("odd", reason="never heard"), RejectReason.MALFORMED),
        # The words of the engine's own checks.
        (MalformedFrameError("odd", reason="shape"), RejectReason.SIZE),
        (MalformedFrameError("odd", reason="dtype"), RejectReason.MALFORMED),
        (MalformedFrameError("odd", reason="slot"), RejectReason.MALFORMED),
        (MalformedFrameError("odd", reason="angle"), RejectReason.MALFORMED),
        (KeyError("x"), RejectReason.MALFORMED),
        (MemoryError(), RejectReason.MALFORMED),
    ],
)
def test_a_frame_that_cannot_be_decoded_costs_itself_only(streaming, error, reason):
    streaming.send(replaced(streaming.image(11), pixels=raising(error)), 12)
    assert streaming.rejected(reason) == 1
    assert streaming.loop.frames_entered == 11


def test_frames_that_the_engine_refuses_are_counted_and_the_ring_stays(streaming):
    streaming.engine.error = MalformedFrameError("odd", reason="shape")
    streaming.send(11, 12)
    assert streaming.rejected(RejectReason.SIZE) == 2
    assert streaming.rejected(RejectReason.FAILED) == 0
    streaming.send(13)
    assert streaming.loop.frames_entered == 11
    assert streaming.loop.state == "filling"
    assert streaming.is_conserved()


@pytest.mark.parametrize(
    ("pixels", "reason"),
    [
        (np.zeros((0, 0), np.uint16), RejectReason.EMPTY),
        (np.zeros((2, 0), np.uint16), RejectReason.EMPTY),
        (np.zeros(16, np.uint16), RejectReason.EMPTY),
        (np.zeros((2, 8, 3), np.uint16), RejectReason.EMPTY),
        (np.zeros((2, 8), complex), RejectReason.MALFORMED),
        (np.zeros((2, 8), object), RejectReason.MALFORMED),
        (np.zeros((16, 1), np.uint16), RejectReason.SIZE),
        (np.full((2, 8), np.nan, np.float32), RejectReason.SIZE),
        (np.zeros((4, 8), np.uint16), RejectReason.SIZE),
    ],
)
def test_a_hostile_frame_is_counted_and_the_stream_goes_on(streaming, pixels, reason):
    streaming.send(streaming.image(11, pixels), 12, 13)
    assert streaming.rejected(reason) == 1
    assert streaming.loop.frames_entered == 12
    assert streaming.is_conserved()


def test_what_is_no_image_is_counted(streaming):
    streaming.send(
        RejectedArrival(reason=RejectReason.EMPTY, message="no union", arrived_s=0.0)
    )
    assert streaming.rejected(RejectReason.EMPTY) == 1
    assert streaming.is_conserved()


def test_the_id_of_what_is_no_image_is_not_missing(streaming):
    nothing = RejectedArrival(
        reason=RejectReason.TRUNCATED, message="", arrived_s=0.0, camera_id=11
    )
    streaming.send(nothing, 12)
    assert streaming.health().frames_missing == 0
    assert streaming.is_conserved()


def test_frames_of_unusable_pixels_are_counted(bench):
    bench.start()
    bench.scan()
    nothing = np.full((2, 8), np.nan, np.float32)
    bench.send(bench.image(1, nothing + 1), bench.image(2, np.ones_like(nothing)))
    bench.send(bench.image(3, nothing))
    assert bench.rejected(RejectReason.PIXELS) == 2
    assert bench.loop.frames_entered == 1


def test_a_lost_connection_is_told(streaming):
    streaming.send(
        ConnectionArrival(source="sim:Pva1:Image", is_connected=False, arrived_s=0.0)
    )
    assert "not connected: sim:Pva1:Image" in streaming.status
    streaming.send(
        ConnectionArrival(source="sim:Pva1:Image", is_connected=True, arrived_s=0.0)
    )
    assert "not connected" not in streaming.status


def test_one_stray_frame_does_not_empty_the_ring(streaming):
    stray = np.zeros((4, 8), np.uint16)
    streaming.send(streaming.image(11, stray), 12)
    assert len(streaming.engine.slots) == 11
    assert streaming.rejected(RejectReason.SIZE) == 1


def test_two_frames_of_a_new_size_begin_a_new_ring_and_both_are_used(streaming):
    smaller = np.zeros((1, 4), np.uint16)
    streaming.send(streaming.image(11, smaller), streaming.image(12, smaller))
    assert streaming.engine.geometry.frame_shape == (1, 4)
    assert sorted(streaming.engine.slots) == [0, 1]
    assert streaming.last.session == 2


def test_another_pixel_type_begins_a_new_ring(streaming):
    other = np.full((2, 8), 7, np.uint8)
    streaming.send(streaming.image(11, other), streaming.image(12, other))
    assert {c.value for c in streaming.engine.slots.values()} == {7.0}
    assert streaming.last.session == 2


def test_sizes_that_alternate_do_not_thrash(streaming):
    stray = np.zeros((4, 8), np.uint16)
    for number in range(11, 31):
        image = streaming.image(number, stray if number % 2 else None)
        streaming.send(image)
    assert streaming.health().rejected[RejectReason.SIZE] == 10
    assert streaming.last.session == 1


def test_a_size_that_waits_is_given_up_by_an_abort(streaming):
    streaming.send(streaming.image(11, np.zeros((4, 8), np.uint16)))
    assert streaming.loop.frames_held == 1
    streaming.controls.press(Command.ABORT)
    streaming.step(2)
    assert streaming.loop.frames_held == 0
    assert streaming.is_conserved()
    assert streaming.loop.state is SessionState.IDLE
