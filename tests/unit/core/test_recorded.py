import numpy as np
import pytest

from tomostream.core.errors import MalformedTableError
from tomostream.core.geometry import ScanRange
from tomostream.core.recorded import recorded_scan

STEP = 0.5
HALF = np.arange(361) * STEP
"""0 to 180 degrees, both included."""


def used(theta_deg, scan_range: ScanRange = 180):
    return recorded_scan(np.asarray(theta_deg, float), scan_range).frames.tolist()


@pytest.mark.parametrize("sign", [1, -1])
def test_the_ends_of_a_half_turn_are_one_direction(sign):
    assert used(sign * HALF) == list(range(1, 361))


def test_a_scan_that_ends_before_180_degrees_is_used_whole():
    assert used(np.linspace(0, 179.0055, 181)) == list(range(181))


def test_both_halves_of_a_full_turn_are_used():
    assert used(np.arange(721) * STEP) == list(range(1, 721))


def test_every_complete_turn_of_several_is_used():
    assert len(used(np.arange(3 * 720) * STEP)) == 3 * 720


def test_what_goes_beyond_a_half_turn_replaces_its_beginning():
    assert used(np.arange(401) * STEP) == list(range(41, 401))


def test_sweeps_back_and_forth_are_all_used():
    there_and_back = np.concatenate([HALF, HALF[-2::-1]])
    frames = used(there_and_back)
    assert len(frames) == 720
    # Of a sweep's ends at 0 and 180 degrees the later one.
    assert frames[0] == 1


def test_repeated_sweeps_are_all_used():
    assert len(used(np.tile(HALF, 2))) == 720


@pytest.mark.parametrize("count", [1, 3])
def test_lost_projections_cost_only_themselves(count):
    lost = [3, 77, 200][:count]
    theta = np.delete(HALF, lost)
    frames = used(theta)
    # The first one is the last one's direction.
    assert frames == list(range(1, 361 - count))


def test_lost_projections_of_a_full_turn_leave_their_opposites_in_use():
    theta = np.delete(np.arange(721) * STEP, [3, 77, 200])
    assert len(used(theta)) == 717


def test_angles_in_no_order_are_all_used():
    assert len(used(np.arange(233) * 111.2461 % 180)) == 233


def test_angles_of_float32_become_those_of_the_rule():
    theta = (np.arange(1500) * 0.12).astype(np.float32)
    scan = recorded_scan(theta)
    assert np.abs(scan.angles_deg - np.arange(1500) * 0.12).max() < 1e-12


def test_the_widest_gap_is_told():
    scan = recorded_scan(np.arange(341) * STEP)
    assert scan.widest_gap_deg == pytest.approx(180 - 340 * STEP)
    assert scan.typical_gap_deg == pytest.approx(STEP)


def test_half_a_turn_is_no_full_one():
    assert recorded_scan(HALF, 360).widest_gap_deg == pytest.approx(180)
    assert recorded_scan(np.arange(721) * STEP, 360).widest_gap_deg == (
        pytest.approx(STEP)
    )


@pytest.mark.parametrize("theta", [[], [1.0], [2.0, 2.0, 2.0]])
def test_angles_that_say_nothing_are_refused(theta):
    with pytest.raises(MalformedTableError):
        used(theta)
