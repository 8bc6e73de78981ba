"""What is published of estimates in a row, and what Center does with it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tomostream.recon.center import CenterEstimate, CenterTracker, accept, follow

NOTHING = CenterEstimate(reason="air")


def estimate(center: float, confidence: float = 0.9, **parts) -> CenterEstimate:
    return CenterEstimate(center=center, confidence=confidence, **parts)


def settled(center: float = 100.0, updates: int = 5) -> CenterTracker:
    tracker = CenterTracker()
    for _ in range(updates):
        tracker.update(estimate(center))
    return tracker


def test_first_estimate_is_published_as_it_is() -> None:
    assert CenterTracker().update(estimate(100.0)) == estimate(100.0)


def test_nothing_is_published_before_an_estimate() -> None:
    shown = CenterTracker().update(NOTHING)
    assert math.isnan(shown.center)
    assert shown.confidence == 0.0
    assert shown.reason == "air"


def test_scatter_is_smoothed() -> None:
    tracker = settled()
    shown = [
        tracker.update(estimate(100.0 + 0.2 * (-1) ** k)).center for k in range(20)
    ]
    assert max(abs(center - 100.0) for center in shown) < 0.1


def test_one_outlier_does_not_move_the_center_but_costs_confidence() -> None:
    tracker = settled()
    before = tracker.shown
    shown = tracker.update(estimate(140.0))
    assert shown.center == before.center
    assert shown.confidence < before.confidence
    assert tracker.update(estimate(100.0)).center == pytest.approx(100.0)


def test_outliers_that_disagree_never_move_it() -> None:
    tracker = settled()
    for center in (140.0, 20.0, 80.0, 131.0, 10.0):
        assert tracker.update(estimate(center)).center == pytest.approx(100.0)


def test_axis_that_has_moved_is_followed_after_three_updates() -> None:
    tracker = settled()
    shown = [tracker.update(estimate(103.0)) for _ in range(3)]
    assert [update.center for update in shown] == [100.0, 100.0, 103.0]
    assert shown[-1].confidence == 0.9
    assert shown[1].confidence < 0.6, "not followed while it is in doubt"


def test_axis_that_drifts_is_followed() -> None:
    tracker = settled()
    for k in range(40):
        tracker.update(estimate(100.0 + 0.1 * k))
    assert tracker.shown.center == pytest.approx(103.9, abs=0.3)


def test_value_stays_and_its_confidence_fades_without_estimates() -> None:
    tracker = settled()
    shown = [tracker.update(NOTHING) for _ in range(8)]
    assert {update.center for update in shown} == {100.0}
    assert shown[-1].confidence < 0.1
    assert shown[-1].reason == "air"


def test_faded_value_gives_way_at_once() -> None:
    tracker = settled()
    for _ in range(8):
        tracker.update(NOTHING)
    assert tracker.update(estimate(140.0)).center == 140.0


def test_reset_forgets() -> None:
    tracker = settled()
    tracker.reset()
    assert math.isnan(tracker.shown.center)
    assert tracker.update(estimate(50.0)).center == 50.0


def test_roll_is_smoothed_by_its_own_confidence() -> None:
    tracker = settled()
    tracker.update(estimate(100.0, roll_deg=1.0, roll_confidence=0.9))
    unsure = tracker.update(estimate(100.0, roll_deg=-5.0, roll_confidence=0.0))
    assert unsure.roll_deg == pytest.approx(0.36)


def test_center_follows_up_to_the_limit() -> None:
    assert follow(100.0, estimate(100.4), 1.0) == 100.4
    assert follow(100.0, estimate(105.0), 1.0) == 101.0
    assert follow(100.0, estimate(95.0), 1.0) == 99.0


@pytest.mark.parametrize(
    ("found", "limit_px"),
    [
        (estimate(105.0, confidence=0.5), 1.0),
        (estimate(math.nan), 1.0),
        (estimate(100.01), 1.0),
        (estimate(105.0), 0.0),
        (estimate(105.0), math.nan),
    ],
)
def test_center_stays(found: CenterEstimate, limit_px: float) -> None:
    assert follow(100.0, found, limit_px) is None


@given(
    current=st.floats(-1e4, 1e4), found=st.floats(allow_nan=True, allow_infinity=True),
    confidence=st.floats(0, 1), limit_px=st.floats(0, 1e3),
)  # fmt: skip
def test_no_step_is_larger_than_the_limit(
    current: float, found: float, confidence: float, limit_px: float
) -> None:
    new = follow(current, estimate(found, confidence), limit_px)
    # A sum in float64 may round up in its last place.
    assert new is None or abs(new - current) <= limit_px * (1 + 1e-9) + 1e-9


def test_accepted_estimate_need_not_be_trusted() -> None:
    assert accept(estimate(140.0, confidence=0.2)) == 140.0
    assert accept(NOTHING) is None
    assert accept(estimate(140.0, confidence=0.0)) is None
