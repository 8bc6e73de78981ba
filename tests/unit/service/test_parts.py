"""Corners of the loop's parts that a whole stream seldom reaches."""

import logging

import numpy as np
import pytest

from tomostream.core.errors import ConfigurationError
from tomostream.core.frame import FrameKind
from tomostream.service.frame_types import FrameTypeTimeline
from tomostream.service.layout import FrameLayout
from tomostream.service.meters import LatencyMeter, RateMeter
from tomostream.service.notices import Notices
from tomostream.service.settings import AngleSource, ServiceSettings
from tomostream.service.shapes import ShapeGate
from tomostream.testing.fakes import FakeClock

DARK, FLAT, PROJECTION = FrameKind.DARK, FrameKind.FLAT, FrameKind.PROJECTION


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("held_frames", 0), ("max_lag_s", -1.0), ("angle_bins", 1),
        ("angle_step_deg", 0.0), ("angle_step_deg", float("nan")),
        ("batch_frames", 0),
    ],
)  # fmt: skip
def test_impossible_settings_are_refused_by_name(setting, value):
    with pytest.raises(ConfigurationError, match=setting):
        ServiceSettings(**{setting: value})


def test_a_fixed_step_that_needs_too_many_slots_is_refused():
    with pytest.raises(ConfigurationError, match="needs 36000 slots"):
        ServiceSettings(angle_source=AngleSource.FIXED_STEP, angle_step_deg=0.01)


def test_changes_of_frame_type_are_sorted_by_their_time():
    kinds = FrameTypeTimeline(guard_s=0.0)
    kinds.add(FLAT, 20.0)
    kinds.add(DARK, 10.0)
    assert [kinds.kind_at(t) for t in (5.0, 15.0, 25.0)] == [PROJECTION, DARK, FLAT]


def test_a_frame_type_that_is_posted_again_is_no_change():
    kinds = FrameTypeTimeline(guard_s=1.0)
    kinds.add(PROJECTION, 10.0)
    kinds.add(DARK, 20.0)
    kinds.add(DARK, 30.0)
    assert kinds.kind_at(10.5) is PROJECTION
    assert kinds.kind_at(30.5) is DARK


@pytest.mark.parametrize("taken_s", [19.5, 20.5])
def test_the_guard_reaches_to_both_sides(taken_s):
    kinds = FrameTypeTimeline(guard_s=1.0)
    kinds.add(DARK, 20.0)
    assert kinds.kind_at(taken_s) is None


def test_old_changes_of_frame_type_are_forgotten():
    kinds = FrameTypeTimeline(guard_s=0.0)
    for number in range(1000):
        kinds.add(DARK if number % 2 else FLAT, float(number))
    assert len(kinds._times_s) == 64
    assert kinds.kind_at(999.5) is DARK


@pytest.mark.parametrize("gap_s", [0.01, 0.5, 3.0])
def test_what_came_while_nobody_looked_is_no_burst(gap_s):
    rate = RateMeter(2.0)
    rate.add(0, 10.0)
    rate.add_since(100 * gap_s, 10.0, 10.0 + gap_s)
    assert rate.per_second(10.0 + gap_s) <= 110
    seen_s = min(gap_s, 2.0)
    assert rate.total(10.0 + gap_s) == pytest.approx(100 * seen_s)


def test_a_rate_is_that_of_the_recent_past():
    rate = RateMeter(2.0)
    for tick in range(1000):
        rate.add(1, 0.01 * tick)
    assert rate.per_second(10.0) == pytest.approx(100, rel=0.1)
    assert rate.per_second(20.0) == 0.0


def test_a_rate_takes_bounded_memory():
    rate = RateMeter(2.0)
    for tick in range(100_000):
        rate.add(1, 1e-4 * tick)
    assert len(rate._bins) <= 25


def test_percentiles_are_those_of_the_recent_past():
    meter = LatencyMeter(window_s=10.0)
    for tick in range(1000):
        meter.add(5.0, 0.01 * tick)
    for tick in range(1000):
        meter.add(0.1 + 0.0001 * tick, 100.0 + 0.01 * tick)
    least, p50, p99 = meter.percentiles_s(110.0)
    assert (least, p50, p99) == pytest.approx((0.1, 0.15, 0.199), abs=1e-3)


def test_percentiles_of_an_ended_stream_can_still_be_read():
    meter = LatencyMeter(window_s=10.0)
    meter.add(0.25, 0.0)
    assert meter.percentiles_s(1000.0) == (0.25, 0.25, 0.25)
    assert LatencyMeter().percentiles_s(0.0) == (0.0, 0.0, 0.0)


def test_notices_of_different_kinds_do_not_hide_each_other(caplog):
    notices = Notices(logging.getLogger("test"), FakeClock())
    with caplog.at_level(logging.WARNING):
        notices.warn("a", "one")
        notices.warn("b", "two")
        notices.warn("a", "three")
    assert [r.getMessage()[0] for r in caplog.records] == ["a", "b"]


def frame_type(n_z, n_x=8):
    return FrameLayout(n_z=n_z, n_x=n_x), np.dtype(np.uint16)


def test_three_sizes_in_turn_leave_three_strays():
    gate = ShapeGate[str]()
    gate.admit("usual", frame_type(1))
    found = [gate.admit(name, frame_type(n)) for name, n in [("a", 2), ("b", 3)]]
    assert [f.admitted for f in found] == [(), ()]
    assert [f.stray for f in found] == [(), ("a",)]
    assert gate.reset().stray == ("b",)
    assert gate.waiting == 0
