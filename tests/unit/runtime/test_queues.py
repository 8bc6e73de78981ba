from typing import TypeVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tomostream.core.arrivals import (
    ConnectionArrival,
    FieldArrival,
    FirstIdArrival,
    ImageArrival,
    RejectedArrival,
    TableArrival,
)
from tomostream.core.frame import FrameKind
from tomostream.core.health import RejectReason
from tomostream.runtime.queues import ArrivalQueue, DropOldestQueue
from tomostream.runtime.worker import StopSignal, Worker

T = TypeVar("T")


def image(camera_id, *, n_bytes=8, arrived_s=0.0):
    return ImageArrival(
        camera_id=camera_id, timestamp_s=0.0, arrived_s=arrived_s, n_bytes=n_bytes,
        pixels=lambda: np.zeros((2, 4), np.uint16),
    )  # fmt: skip


def dark(value=0.0, *, n_pixels=8):
    return FieldArrival(
        kind=FrameKind.DARK, values=np.full(n_pixels, value, np.float32),
        size_x=0, size_y=0, arrived_s=0.0,
    )  # fmt: skip


def first_id(number):
    return FirstIdArrival(first_id=number, arrived_s=0.0)


def taken(arrivals: ArrivalQueue, kind: type[T], limit: int = 10**6) -> list[T]:
    drained = arrivals.drain(limit)
    assert all(isinstance(a, kind) for a in drained)
    return [a for a in drained if isinstance(a, kind)]


def queue(frames=4, n_bytes=1 << 20, per_kind=4):
    return ArrivalQueue(
        capacity_frames=frames, capacity_bytes=n_bytes, capacity_per_kind=per_kind
    )


def test_arrivals_leave_in_the_order_of_their_coming():
    sent = [image(1), dark(), image(2), first_id(3), image(3)]
    arrivals = queue()
    for arrival in sent:
        arrivals.put(arrival)
    assert arrivals.drain(2) + arrivals.drain(99) == sent


def test_a_full_queue_loses_its_oldest_image_and_counts_it():
    arrivals = queue(frames=2)
    for number in range(5):
        arrivals.put(image(number))
    left = [a.camera_id for a in taken(arrivals, ImageArrival)]
    assert (left, arrivals.dropped, arrivals.depth) == ([3, 4], 3, 0)


def test_a_field_never_goes_for_an_image():
    arrivals = queue(frames=1)
    arrivals.put(dark(7.0))
    for number in range(10):
        arrivals.put(image(number))
    assert [type(a) for a in arrivals.drain(99)] == [FieldArrival, ImageArrival]


def test_images_are_bounded_by_their_bytes():
    arrivals = queue(frames=100, n_bytes=100)
    for number in range(10):
        arrivals.put(image(number, n_bytes=40))
    assert (arrivals.depth, arrivals.n_bytes, arrivals.dropped) == (2, 80, 8)


def test_an_image_larger_than_the_queue_is_taken_alone():
    arrivals = queue(n_bytes=100)
    arrivals.put(image(1))
    arrivals.put(image(2, n_bytes=1000))
    assert [a.camera_id for a in taken(arrivals, ImageArrival)] == [2]


def test_what_is_no_image_counts_as_one():
    arrivals = queue(frames=2)
    for _ in range(5):
        arrivals.put(
            RejectedArrival(reason=RejectReason.EMPTY, message="", arrived_s=0.0)
        )
    assert (arrivals.depth, arrivals.dropped) == (2, 3)


def test_a_newer_field_supersedes_the_last_of_its_kind_when_many_wait():
    arrivals = queue(per_kind=3)
    for value in range(6):
        arrivals.put(dark(value))
    values = [a.values[0] for a in taken(arrivals, FieldArrival)]
    assert (values, arrivals.superseded) == ([0, 1, 5], 3)


def test_huge_tables_do_not_pile_up():
    arrivals = queue(n_bytes=100)
    for start in range(5):
        values = np.full(20, start, np.float32)
        arrivals.put(TableArrival(values=values, arrived_s=0.0))
    assert [a.values[0] for a in taken(arrivals, TableArrival)] == [4]


def test_connections_of_different_sources_do_not_supersede_each_other():
    arrivals = queue(per_kind=1)
    for source in "ab":
        arrivals.put(ConnectionArrival(source=source, is_connected=True, arrived_s=0.0))
    assert [a.source for a in taken(arrivals, ConnectionArrival)] == ["a", "b"]


def test_the_oldest_image_tells_the_lag():
    arrivals = queue()
    arrivals.put(dark())
    assert arrivals.oldest_arrived_s is None
    arrivals.put(image(1, arrived_s=5.0))
    arrivals.put(image(2, arrived_s=6.0))
    assert arrivals.oldest_arrived_s == 5.0


def test_waiting_ends_when_something_comes():
    arrivals = queue()
    sender = Worker("sender", lambda _: arrivals.put(image(1)))
    sender.start()
    assert arrivals.wait(10.0)
    assert sender.join(10.0)


def test_waiting_ends_when_nothing_comes():
    assert not queue().wait(0.0)


def test_a_wake_before_the_wait_is_not_lost():
    arrivals = queue()
    arrivals.wake()
    assert not arrivals.wait(60.0)


@pytest.mark.parametrize("capacity", ["capacity_frames", "capacity_bytes"])
def test_a_capacity_of_zero_is_refused(capacity):
    with pytest.raises(ValueError, match="expected capacities"):
        ArrivalQueue(**({"capacity_frames": 1, "capacity_bytes": 1} | {capacity: 0}))


@settings(derandomize=True, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.integers(0, 50).map(lambda n: image(n, n_bytes=n)),
            st.just("dark"), st.integers(1, 9),
        )
    )
)  # fmt: skip
def test_every_image_is_given_or_counted_as_dropped(steps):
    arrivals = queue(frames=3, n_bytes=60, per_kind=2)
    put = given_back = 0
    numbers = []
    for step in steps:
        if isinstance(step, int):
            numbers += arrivals.drain(step)
        elif step == "dark":
            arrivals.put(dark())
        else:
            put += 1
            arrivals.put(step)
        assert arrivals.depth <= 3
        assert arrivals.n_bytes <= 60
    numbers += arrivals.drain(10**6)
    given_back = sum(isinstance(a, ImageArrival) for a in numbers)
    assert put == given_back + arrivals.dropped
    assert arrivals.n_bytes == 0


def test_many_threads_lose_nothing_uncounted():
    arrivals = queue(frames=50)

    def send(_: StopSignal) -> None:
        for number in range(2000):
            arrivals.put(image(number))

    senders = [Worker(f"sender-{k}", send) for k in range(3)]
    for sender in senders:
        sender.start()
    got = []
    while any(s.is_alive for s in senders) or arrivals.depth:
        arrivals.wait(0.01)
        got += arrivals.drain(64)
    assert len(got) + arrivals.dropped == 6000


def test_drop_oldest_queue_counts_what_goes():
    numbers = DropOldestQueue[int](2)
    for number in range(5):
        numbers.put(number)
    assert (numbers.drain(9), numbers.dropped, numbers.depth) == ([3, 4], 3, 0)


def test_drop_oldest_queue_gives_none_when_nothing_comes():
    assert DropOldestQueue[int](1).get(0.0) is None


def test_drop_oldest_queue_gives_in_order():
    numbers = DropOldestQueue[int](9)
    for number in range(3):
        numbers.put(number)
    assert [numbers.get(0.0) for _ in range(3)] == [0, 1, 2]


def test_drop_oldest_queue_refuses_no_room():
    with pytest.raises(ValueError, match="capacity"):
        DropOldestQueue(0)
