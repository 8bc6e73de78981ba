import numpy as np
import pytest

from tomostream.core.health import RejectReason
from tomostream.core.ports import Command
from tomostream.service.slots import Place


class Source:
    """A camera that goes on sending whatever the loop is doing."""

    def __init__(self, bench, *, rate_hz):
        self.bench = bench
        self.rate_hz = rate_hz
        self.number = 0
        self.next_s = bench.clock.monotonic_s()

    def catch_up(self):
        """Put what came since the last call, each at its own time."""
        clock = self.bench.clock
        while self.next_s <= clock.monotonic_s():
            self.number += 1
            ago_s = clock.monotonic_s() - self.next_s
            taken_s = clock.now_s() - ago_s
            image = self.bench.image(self.number, timestamp_s=taken_s)
            object.__setattr__(image, "arrived_s", taken_s)
            self.bench.queue.put(image)
            self.next_s += 1.0 / self.rate_hz

    def run(self, seconds, *, watch=lambda: None):
        clock = self.bench.clock
        until_s = clock.monotonic_s() + seconds
        while clock.monotonic_s() < until_s:
            self.catch_up()
            self.bench.loop.step()
            clock.advance(0.001)
            watch()

    def pause(self, seconds):
        self.bench.clock.advance(seconds)
        self.next_s = self.bench.clock.monotonic_s()


@pytest.fixture
def start(make_bench):
    """Start to stream from a camera; give the bench and the camera."""

    def started(*, rate_hz=300.0, making_s=0.0, **settings):
        bench = make_bench(**settings)
        bench.engine.making_s = making_s
        bench.start()
        bench.scan(count=100_000)
        return bench, Source(bench, rate_hz=rate_hz)

    return started


@pytest.fixture
def overloaded(start):
    """Frames come five times as fast as they can be used."""
    return start(cost_s=0.01, rate_hz=500.0)


def test_with_room_no_frame_is_left_out(start):
    bench, source = start(cost_s=0.001, rate_hz=500.0)
    source.run(5.0)
    assert bench.rejected(RejectReason.DECIMATED) == 0
    assert bench.health().decimation == 1


def test_under_overload_every_nth_frame_is_used(overloaded):
    bench, source = overloaded
    source.run(10.0)
    health = bench.loop.health.get()
    assert 5 <= health.decimation <= 12
    assert health.frames_dropped == 0
    assert "overload: every" in str(bench.controls.readings["ReconStatus"])
    assert bench.is_conserved()


def test_under_overload_latency_stays_bounded(overloaded):
    bench, source = overloaded
    source.run(20.0)
    health = bench.health()
    assert health.arrival_p99_ms < 1000
    assert health.latency_p99_ms < 1000
    assert health.arrival_p50_ms < 250


def test_under_overload_slices_keep_coming(overloaded):
    bench, source = overloaded
    source.run(5.0)
    before = len(bench.publisher.publications)
    source.run(5.0)
    assert len(bench.publisher.publications) - before > 5.0 * 10


def test_the_decimation_does_not_flap(overloaded):
    bench, source = overloaded
    source.run(5.0)
    seen = []
    source.run(20.0, watch=lambda: seen.append(bench.loop._overload.decimation))
    changes = int(np.count_nonzero(np.diff(seen)))
    assert changes <= 12


def test_full_rate_returns_by_itself(overloaded):
    bench, source = overloaded
    source.run(5.0)
    source.rate_hz = 20.0
    source.run(10.0)
    before = bench.rejected(RejectReason.DECIMATED)
    assert bench.health().decimation == 1
    source.pause(0.0)
    source.run(5.0)
    assert bench.rejected(RejectReason.DECIMATED) == before


def test_full_rate_returns_when_frames_become_cheaper(overloaded):
    bench, source = overloaded
    source.run(5.0)
    bench.engine.cost_s = 0.0005
    source.run(15.0)
    assert bench.health().decimation == 1


def test_a_hiccup_is_caught_up_with_without_decimation(start):
    bench, source = start(cost_s=0.0005)
    source.run(3.0)
    bench.clock.advance(0.4)
    source.run(2.0)
    assert bench.rejected(RejectReason.DECIMATED) == 0


def latencies_in(bench):
    """Give the list that takes every latency to come."""
    seen_s, meter = [], bench.loop._publishing.latency
    add = meter.add

    def note(latency_s, now_s):
        seen_s.append(latency_s)
        add(latency_s, now_s)

    meter.add = note
    return seen_s


@pytest.mark.parametrize(("rate_hz", "cost_s"), [(200.0, 0.01), (500.0, 0.01),
    (2000.0, 0.01), (300.0, 0.02), (50.0, 0.2)])  # fmt: skip
@pytest.mark.parametrize("making_s", [0.0, 0.5, 3.0])
def test_latency_is_bounded_from_the_first_slice_on(start, rate_hz, cost_s, making_s):
    bench, source = start(cost_s=cost_s, making_s=making_s, rate_hz=rate_hz)
    seen_s = latencies_in(bench)
    source.run(6.0 + making_s)
    # The first frame waits until its ring is made.
    assert max(seen_s[1:]) < 0.75
    assert len(seen_s) > 0.3 * min(6.0 / cost_s, 6.0 * rate_hz)
    assert bench.is_conserved()


def test_latency_is_bounded_while_first_frames_cost_more(start):
    bench, source = start(cost_s=0.01, making_s=1.0)
    seen_s = latencies_in(bench)
    source.run(2.5)
    bench.engine.cost_s = 0.002
    source.run(4.0)
    assert max(seen_s[1:]) < 0.75
    assert bench.health().decimation == 1


def test_latency_is_bounded_when_frames_suddenly_cost_ten_times_as_much(start):
    bench, source = start(cost_s=0.002)
    seen_s = latencies_in(bench)
    source.run(5.0)
    bench.engine.cost_s = 0.02
    source.run(5.0)
    assert max(seen_s[1:]) < 0.75


def test_what_is_left_out_is_spread_over_all_angles(overloaded):
    bench, source = overloaded
    source.run(8.0)
    first = source.number
    source.run(4.0)
    decimation = bench.loop._overload.decimation
    used = sorted(c.value for c in bench.engine.slots.values() if c.value > first)
    assert np.diff(used).max() <= 2 * decimation


@pytest.mark.parametrize("making_s", [0.4, 1.2])
def test_making_the_ring_costs_no_frame_where_all_can_be_used(start, making_s):
    bench, source = start(cost_s=0.0005)
    bench.send(1)
    bench.clock.advance(making_s)
    source.number, source.next_s = 1, source.next_s + 0.1
    source.run(2.0)
    assert bench.rejected(RejectReason.DECIMATED) == 0


@pytest.mark.parametrize("making_s", [0.3, 1.2, 2.0])
def test_the_time_for_a_new_ring_is_no_cost_of_frames(start, making_s):
    bench, source = start(cost_s=0.0005, making_s=making_s)
    costs_s = []
    source.run(5.0, watch=lambda: costs_s.append(bench.loop._work.cost_s))
    assert bench.engine.calls.count("configure") == 1
    assert max(costs_s) == pytest.approx(0.0005)
    assert bench.rejected(RejectReason.DECIMATED) == 0


def test_a_new_ring_under_overload_does_not_overstate_it(start):
    bench, source = start(cost_s=0.01, making_s=1.2, rate_hz=200.0)
    seen = []
    source.run(6.0, watch=lambda: seen.append(bench.loop._overload.decimation))
    assert 2 <= max(seen) <= 8


def test_a_small_queue_is_saved_from_overflowing(start):
    bench, source = start(capacity=60, cost_s=0.01, rate_hz=500.0)
    source.run(3.0)
    before = bench.queue.dropped
    source.run(6.0)
    assert bench.queue.dropped - before <= 30


def test_every_slot_is_renewed_under_overload(overloaded):
    bench, source = overloaded
    source.run(5.0)
    decimation = bench.loop._overload.decimation
    first = source.number
    source.run(2 * 180 * decimation / 500.0)
    oldest = min(content.value for content in bench.engine.slots.values())
    assert oldest > first - 180


@pytest.mark.parametrize("n_slots", [180, 181, 720, 721, 257])
@pytest.mark.parametrize("decimation", [2, 3, 4, 7, 10])
def test_the_choice_takes_each_slot_once_in_as_many_cycles(n_slots, decimation):
    taken = np.zeros(n_slots, int)
    for cycle in range(decimation):
        for position in range(n_slots):
            place = Place(slot=position, position=position, cycle=cycle)
            taken[position] += place.is_taken(decimation)
    assert (taken == 1).all()


def test_a_new_start_begins_at_full_rate(overloaded):
    bench, source = overloaded
    source.run(3.0)
    bench.controls.press(Command.ABORT)
    bench.settle()
    bench.start()
    assert bench.loop._overload.decimation == 1
