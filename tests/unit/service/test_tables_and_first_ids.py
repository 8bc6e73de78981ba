"""FirstProjid and its table come in any order: no frame is shown at a wrong angle."""

import numpy as np
import pytest

from tomostream.core.health import RejectReason
from tomostream.service import ServiceSettings
from tomostream.testing.arrivals import first_id_arrival, table_arrival
from tomostream.testing.loop_rig import LoopRig

INTERVAL_S = 0.02
LATE_S = 0.4
"""A FirstProjid and its table come within this time of the scan's first frame."""
SCAN_S = 2.0
"""Less than the time for which a table waits for its first id."""
N_SCANS = 4


class Scans:
    """Scans one after the other while frames come; no two have an angle in common."""

    def __init__(self, lengths, steps_deg):
        self.firsts = np.cumsum([1, *lengths])[: len(steps_deg)]
        self.steps_deg = steps_deg
        self.last = int(self.firsts[-1]) + round(SCAN_S / INTERVAL_S)

    def number(self, frame_id):
        return int(np.searchsorted(self.firsts, frame_id, side="right")) - 1

    def angle_deg(self, frame_id):
        k = self.number(frame_id)
        return 1000.0 * k + (frame_id - self.firsts[k]) * self.steps_deg[k]

    def table(self, k):
        return table_arrival(
            start_deg=1000.0 * k, step_deg=self.steps_deg[k], count=1000
        )


def words(scans, delays):
    """Give (time, what) in the order of coming; a frame is an id, a word a tuple."""
    happenings = [(i * INTERVAL_S, i) for i in range(1, scans.last)]
    for k, first in enumerate(scans.firsts):
        id_late_s, table_late_s = delays[k]
        came_s = float(first) * INTERVAL_S
        happenings += [
            (came_s + id_late_s, ("first id", k)),
            (came_s + table_late_s, ("table", k)),
        ]
    return sorted(happenings, key=lambda happening: happening[0])


def play(bench, scans, delays):
    """Let all come; give the frames that were shown at angles of another scan.

    Frames that came before both words of their scan count from its first id on: nobody
    can know of a scan that has not been told of.
    """
    wrong, told, announced, after_a_word = [], set(), set(), set()
    began_s = bench.clock.monotonic_s()
    for at_s, what in words(scans, delays):
        bench.clock.advance(max(began_s + at_s - bench.clock.monotonic_s(), 0.0))
        if isinstance(what, int):
            bench.queue.put(bench.image(what))
            if scans.number(what) in told:
                after_a_word.add(what)
        elif what[0] == "table":
            bench.queue.put(scans.table(what[1]))
            told.add(what[1])
        else:
            bench.queue.put(first_id_arrival(int(scans.firsts[what[1]])))
            told.add(what[1])
            announced.add(what[1])
        bench.settle_now()
        for content in bench.engine.slots.values():
            frame_id = int(content.value)
            is_right = abs(content.angle_deg - scans.angle_deg(frame_id)) < 1e-6
            is_known = frame_id in after_a_word or scans.number(frame_id) in announced
            if is_known and not is_right:
                wrong.append((at_s, frame_id, content.angle_deg))
    return wrong


class Rig(LoopRig):
    def settle_now(self):
        """Step until nothing is left to take; no time goes by."""
        while self.queue.depth or self.loop.step().taken:
            self.loop.step()


def drawn(seed):
    """Give scans, and by how much FirstProjid and table of each come late."""
    draw = np.random.default_rng(seed)
    scans = Scans(draw.integers(60, 110, N_SCANS - 1), draw.choice([2.0, 3.0], N_SCANS))
    delays = draw.uniform(0.0, LATE_S, (N_SCANS, 2))
    # Often at once, before the scan's first frame.
    return scans, delays * draw.integers(0, 2, (N_SCANS, 2))


@pytest.mark.parametrize("seed", range(30))
def test_no_frame_has_an_angle_of_another_scan_whatever_comes_first(seed):
    scans, delays = drawn(seed)
    bench = Rig(ServiceSettings())
    bench.start()
    assert not play(bench, scans, delays)
    bench.clock.advance(3.0)
    bench.settle()
    # Everything that was held has gone in, and nothing was left behind.
    newest = max(int(c.value) for c in bench.engine.slots.values())
    assert newest == scans.last - 1
    assert bench.is_conserved()


@pytest.mark.parametrize("is_table_first", [True, False])
def test_frames_wait_for_the_second_of_the_two(streaming, is_table_first):
    pair = [first_id_arrival(13), table_arrival(step_deg=0.5, start_deg=500.0)]
    if is_table_first:
        pair.reverse()
    streaming.send(pair[0], 11, 12, 13, 14)
    # A first id says from where on; a table alone does not.
    assert streaming.loop.frames_held == (4 if is_table_first else 2)
    streaming.send(pair[1])
    streaming.clock.advance(0.6)
    streaming.settle()
    assert streaming.loop.frames_held == 0
    assert [c.angle_deg for c in streaming.engine.slots.values()] == [500.0, 500.5]
    assert streaming.loop.frames_entered == 14


def test_a_table_that_stays_alone_holds_for_the_scan_that_goes_on(streaming):
    """A longer table, for a scan that takes more frames than expected."""
    streaming.send(table_arrival(count=5000), 11)
    assert streaming.loop.frames_held == 1
    streaming.clock.advance(2.1)
    streaming.settle()
    assert streaming.engine.slots[10].angle_deg == 10.0
    assert streaming.last.session == 1


def test_frames_of_a_scan_that_nobody_had_told_of_are_taken_out(streaming):
    streaming.send(table_arrival(start_deg=90.0))
    streaming.clock.advance(2.1)
    streaming.send_frames(range(11, 14))
    # The table turns out to be of the scan from 12 on, too late to wait for.
    streaming.send(first_id_arrival(12))
    assert not streaming.engine.slots
    streaming.clock.advance(0.6)
    streaming.send(14)
    assert [c.angle_deg for c in streaming.engine.slots.values()] == [92.0]


def test_a_first_id_whose_table_never_came_has_no_angles(streaming):
    streaming.send(first_id_arrival(11), 11, first_id_arrival(12))
    streaming.send(table_arrival(start_deg=50.0), 12)
    # Which of the two the table is for shows when no other follows.
    assert streaming.loop.frames_held == 2
    streaming.clock.advance(0.6)
    streaming.settle()
    assert streaming.engine.slots[50].value == 12
    assert streaming.rejected(RejectReason.NO_ANGLE) == 1


def test_a_first_id_soon_after_a_complete_pair_waits_for_its_own_table(streaming):
    streaming.send(first_id_arrival(11), 11)
    streaming.clock.advance(3.0)
    streaming.settle()
    assert streaming.loop.frames_held == 1
    streaming.send(table_arrival(start_deg=70.0))
    assert streaming.engine.slots[70].value == 11


def test_waiting_frames_are_bounded_and_counted(make_bench):
    bench = make_bench(held_frames=5)
    bench.start()
    bench.scan()
    bench.send_frames(range(1, 11))
    bench.send(table_arrival(start_deg=90.0), *range(11, 21))
    assert bench.loop.frames_held == 5
    assert bench.rejected(RejectReason.NO_ANGLE) == 5
    assert bench.is_conserved()


def test_a_table_that_was_refused_lets_none_stand_in_for_it(streaming):
    streaming.send(table_arrival([0.0, float("nan"), 2.0]), first_id_arrival(11), 11)
    streaming.clock.advance(60.0)
    streaming.send(12)
    assert streaming.loop.frames_held == 2
