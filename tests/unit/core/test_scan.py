import numpy as np
import pytest

from tomostream.core.errors import MalformedTableError, NoAngleError
from tomostream.core.scan import (
    ScanKind,
    angle_table,
    by_attribute,
    fixed_step,
    is_same_table,
    nearest_bin,
)


def continuous(step, count, start=0.0, dtype: type = np.float32):
    return (start + step * np.arange(count)).astype(dtype)


def back_and_forth(step, count, sweeps=6, dtype=np.float32):
    sweep = step * np.arange(count)
    return np.tile(np.concatenate([sweep, sweep[::-1]]), sweeps).astype(dtype)


def slots_of(table, indices, scan_range=180):
    return [table.slot(k, table.angle_deg(k), scan_range) for k in indices]


def test_exact_half_turn_back_and_forth_has_a_slot_per_step():
    table = angle_table(back_and_forth(0.5, 361))

    assert table.kind is ScanKind.BACK_AND_FORTH
    assert (table.sweep_length, table.slots()) == (361, 360)
    assert set(slots_of(table, range(361))) == set(range(360))


def test_samples_at_0_and_180_degrees_share_a_slot():
    table = angle_table(back_and_forth(0.5, 361))
    assert slots_of(table, [0, 360, 361, 721, 722]) == [0] * 5


def test_second_sweep_runs_backwards():
    table = angle_table(back_and_forth(0.5, 361))
    first, second = slots_of(table, range(361)), slots_of(table, range(361, 722))
    assert second == first[::-1]


def test_sweep_of_721_angles_fills_720_slots_in_every_sweep():
    table = angle_table(back_and_forth(0.25, 721))

    assert (table.sweep_length, table.slots()) == (721, 720)
    tenth = slots_of(table, range(721 * 9, 721 * 10))
    assert set(tenth) == set(range(720))


def test_back_and_forth_without_repeated_ends_is_recognised():
    sweep = np.arange(0, 180.5, 0.5)
    values = np.tile(np.concatenate([sweep[:-1], sweep[:0:-1]]), 5).astype(np.float32)
    table = angle_table(values)

    assert (table.kind, table.slots()) == (ScanKind.BACK_AND_FORTH, 360)
    assert set(slots_of(table, range(720))) == set(range(360))


def test_inexact_back_and_forth_stops_short_of_the_half_turn():
    table = angle_table(back_and_forth(0.7, 257))  # 0 to 179.2 degrees
    assert (table.kind, table.slots()) == (ScanKind.BACK_AND_FORTH, 257)
    assert slots_of(table, range(257)) == list(range(257))


def test_step_that_does_not_divide_the_half_turn_skips_no_slot():
    table = angle_table(continuous(0.7, 5000))

    assert (table.kind, table.slots()) == (ScanKind.CONTINUOUS, 257)
    assert slots_of(table, range(1000)) == [k % 257 for k in range(1000)]


def test_step_of_012_degrees_in_float32_gives_1500_slots():
    assert angle_table(continuous(0.12, 1500)).slots() == 1500
    assert angle_table(continuous(np.float32(0.12), 30_000)).slots() == 1500


@pytest.mark.parametrize("start", [0.0, -45.3, 360.0])
@pytest.mark.parametrize("step", [0.5, 0.12, 0.7, 180 / 181, 0.0625, -0.5])
def test_continuous_angles_are_float64_exact_far_beyond_a_turn(step, start):
    count = round(36_000 / abs(step))
    table = angle_table(continuous(step, count, start))

    assert table.kind is ScanKind.CONTINUOUS
    exact = start + step * (count - 1)
    # What float32 would leave at 36000 degrees is 0.002.
    assert table.angle_deg(count - 1) == pytest.approx(exact, abs=2e-4)


def test_step_with_few_decimals_is_found_exactly():
    table = angle_table(continuous(0.12, 300_000))
    assert table.step_deg == 0.12
    assert table.angle_deg(299_999) == pytest.approx(35_999.88, abs=1e-8)


def test_negative_step_counts_slots_upwards_and_angles_downwards():
    table = angle_table(continuous(-0.5, 1000))
    assert (table.step_deg, table.slots()) == (-0.5, 360)
    assert table.angle_deg(3) == -1.5
    assert slots_of(table, [0, 1, 360]) == [0, 1, 0]


def test_half_acquisition_doubles_the_slots():
    assert angle_table(continuous(0.5, 1000)).slots(360) == 720
    golden = angle_table((np.arange(500) * 111.246 % 180).astype(np.float32))
    assert golden.slots(360) == 2 * golden.slots(180)


def test_encoder_jitter_keeps_the_kind_and_the_measured_angles():
    jitter = np.random.default_rng(2).uniform(-0.1, 0.1, 2000)
    table = angle_table(continuous(0.5, 2000, dtype=np.float64) + jitter)

    assert (table.kind, table.slots()) == (ScanKind.CONTINUOUS, 360)
    assert table.angle_deg(7) == 3.5 + jitter[7]


def test_golden_ratio_angles_take_the_nearest_bin():
    values = (np.arange(2000) * 180 * (5**0.5 - 1) / 2 % 180).astype(np.float32)
    table = angle_table(values)
    slots = slots_of(table, range(2000))

    assert table.kind is ScanKind.INTERLACED
    assert max(slots) < table.slots()
    width = 180 / table.slots()
    for k in range(0, 2000, 97):
        away = (table.angle_deg(k) - slots[k] * width + 90) % 180 - 90
        assert abs(away) <= width / 2 + 1e-4


def test_interlaced_angles_have_a_slot_each():
    values = np.concatenate([np.arange(first, 180, 4.0) for first in (0, 2, 1, 3)])
    table = angle_table(np.tile(values, 3).astype(np.float32))

    assert (table.kind, table.slots()) == (ScanKind.INTERLACED, 180)
    assert set(slots_of(table, range(180))) == set(range(180))


class TestRecordedScanThatIsRepeated:
    def test_file_that_ends_short_of_the_half_turn_fills_every_slot(self):
        sweep = 180 / 181 * np.arange(181)
        table = angle_table(np.tile(sweep, 4).astype(np.float32))

        assert (table.kind, table.sweep_length) == (ScanKind.SAWTOOTH, 181)
        assert table.slots() == 181
        assert slots_of(table, range(362)) == [*range(181), *range(181)]

    def test_duplicate_end_point_shares_the_first_slot(self):
        table = angle_table(np.tile(0.5 * np.arange(361), 4).astype(np.float32))

        assert (table.kind, table.slots()) == (ScanKind.SAWTOOTH, 360)
        assert slots_of(table, [0, 360, 361, 721]) == [0, 0, 0, 0]
        assert set(slots_of(table, range(361 * 2, 361 * 3))) == set(range(360))

    def test_angles_start_again_at_the_first(self):
        table = angle_table(np.tile(10 + 0.5 * np.arange(360), 4).astype(np.float32))
        assert [table.angle_deg(k) for k in (0, 359, 360)] == [10.0, 189.5, 10.0]

    def test_missing_wedge_leaves_its_slots_empty_and_mixes_none(self):
        table = angle_table(np.tile(np.arange(151.0), 4))
        assert table.slots() == 180
        assert slots_of(table, range(151)) == list(range(151))

    def test_full_turn_puts_opposite_views_into_one_slot(self):
        table = angle_table(np.tile(np.arange(361.0), 3))
        assert slots_of(table, [5, 185]) == [5, 5]
        assert slots_of(table, [5, 185], 360) == [5, 185]

    def test_falling_sweep_is_recognised(self):
        table = angle_table(np.tile(np.arange(179.0, -1, -1), 3))
        assert (table.kind, table.slots()) == (ScanKind.SAWTOOTH, 180)

    def test_measured_angles_are_kept(self):
        jitter = np.random.default_rng(4).uniform(-0.1, 0.1, 180)
        sweep = np.arange(180.0) + jitter
        table = angle_table(np.tile(sweep, 3))
        assert table.kind is ScanKind.SAWTOOTH
        assert table.angle_deg(187) == sweep[7]

    def test_table_that_ends_within_a_sweep_is_recognised(self):
        table = angle_table(np.tile(np.arange(180.0), 3)[:400])
        assert (table.kind, table.sweep_length) == (ScanKind.SAWTOOTH, 180)

    def test_all_slots_are_renewed_by_one_sweep(self):
        table = angle_table(np.tile(0.5 * np.arange(361), 4))
        assert table.renewal_frames() == 361


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.array([], np.float32), "two angles or more, got 0"),
        (np.array([1.0]), "two angles or more, got 1"),
        (np.array([[0.0, 1.0]]), "two angles or more"),
        (np.array([0.0, np.nan, 1.0]), "finite"),
        (np.array([0.0, np.inf]), "finite"),
        (np.full(10, 3.0), "all angles are 3 degrees"),
    ],
)
def test_table_without_a_scan_is_refused(values, words):
    with pytest.raises(MalformedTableError, match=words):
        angle_table(values)


@pytest.mark.parametrize("index", [-1, 100])
def test_index_outside_the_table_is_never_clamped(index):
    with pytest.raises(NoAngleError, match="expected 0 to 99"):
        angle_table(continuous(1.0, 100)).angle_deg(index)


def test_fixed_step_has_no_end():
    table = fixed_step(0.5, start_deg=10.0)
    assert table.angle_deg(10**9) == 10.0 + 0.5e9
    assert table.slots() == 360


@pytest.mark.parametrize("step", [0.0, np.nan, np.inf])
def test_fixed_step_must_be_a_step(step):
    with pytest.raises(MalformedTableError):
        fixed_step(step)


def test_table_of_the_same_step_continues():
    half_turn, longer = continuous(0.5, 1000), continuous(0.5, 5000, start=7.0)
    assert angle_table(longer).continues(angle_table(half_turn))


@pytest.mark.parametrize(
    "other",
    [
        continuous(0.25, 1000),
        continuous(-0.5, 1000),
        back_and_forth(0.5, 361),
        np.tile(np.arange(0, 180, 0.5), 3),
    ],
)
def test_table_of_another_step_or_kind_does_not_continue(other):
    assert not angle_table(other).continues(angle_table(continuous(0.5, 1000)))


def test_sweep_that_lies_elsewhere_does_not_continue():
    sweep = back_and_forth(0.5, 361)
    assert not angle_table(sweep + 30).continues(angle_table(sweep))


def test_same_table_is_recognised_and_another_is_not():
    values = continuous(0.12, 100_000)
    changed = values.copy()
    changed[-1] += 1.0

    assert is_same_table(values.copy(), values)
    assert not is_same_table(changed, values)
    assert not is_same_table(values[:-1], values)
    assert not is_same_table(values.astype(np.float64), values)
    assert not is_same_table(values, None)


def test_huge_table_is_judged_by_its_head_and_samples():
    values = continuous(0.12, 4_000_000)
    again = values.copy()
    # Neither of the head nor a sample: who sees it has looked at everything.
    again[3_000_001] = np.nan

    assert is_same_table(again, values)
    assert angle_table(again).slots() == 1500


def test_nearest_bin_wraps_round():
    assert nearest_bin(179.9, 180) == 0
    assert nearest_bin(-0.4, 180) == 0
    assert nearest_bin(359.0, 180, 360) == 0
    assert nearest_bin(90.2, 180) == 90


def test_frames_that_carry_their_angle_take_the_nearest_bin():
    bins = by_attribute(180)
    assert (bins.slots(), bins.slots(360)) == (180, 360)
    assert [bins.slot(0, a) for a in (0.4, 179.6, 181.0, -1.0)] == [0, 0, 1, 179]


@pytest.mark.parametrize("bins", [1, 5000])
def test_an_impossible_number_of_bins_is_refused(bins):
    with pytest.raises(MalformedTableError, match="angle bins"):
        by_attribute(bins)
