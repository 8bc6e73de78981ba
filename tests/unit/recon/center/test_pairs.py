import numpy as np
import pytest

from tomostream.recon.center.pairs import opposite_of, opposite_pairs


def excesses(angles_deg) -> list[float]:
    pairs = opposite_pairs(np.asarray(angles_deg, float))
    for pair in pairs:
        apart = angles_deg[pair.second] - angles_deg[pair.first] - 180.0
        assert (apart - pair.excess_deg) % 360.0 == pytest.approx(0.0, abs=1e-9)
    return [pair.excess_deg for pair in pairs]


def test_ring_of_half_a_turn_has_its_ends_and_their_neighbours() -> None:
    assert sorted(np.abs(excesses(np.arange(180.0)))) == [1.0, 2.0, 2.0]


def test_turns_before_do_not_matter() -> None:
    assert sorted(np.abs(excesses(np.arange(180.0) + 36077.0))) == [1.0, 2.0, 2.0]


def test_whole_turn_has_exact_pairs_spread_over_it() -> None:
    angles = np.arange(360.0)
    pairs = opposite_pairs(angles)
    assert [pair.excess_deg for pair in pairs] == [0.0] * 8
    first = sorted(angles[pair.first] for pair in pairs)
    assert np.diff(first).max() < 30.0


def test_jitter_of_an_encoder_does_not_hide_exact_pairs() -> None:
    jitter = 1e-3 * np.random.default_rng(0).standard_normal(360)
    assert max(np.abs(excesses(np.arange(360.0) + jitter))) < 0.01
    assert len(opposite_pairs(np.arange(360.0) + jitter)) == 8


def test_an_exact_pair_stands_beside_inexact_ones() -> None:
    assert 0.0 in excesses(np.arange(181.0))
    assert len(excesses(np.arange(181.0))) >= 3


def test_quarter_turn_has_none() -> None:
    assert excesses(np.arange(90.0)) == []


@pytest.mark.parametrize("angles", [[], [0.0], [0.0, 0.0]])
def test_too_few_angles_have_none(angles: list[float]) -> None:
    assert excesses(angles) == []


def test_view_opposite_of_the_newest() -> None:
    angles = np.arange(180.0)
    pair = opposite_of(angles, 179)
    assert pair is not None
    assert (pair.first, pair.second, pair.excess_deg) == (179, 0, 1.0)
    assert opposite_of(angles, 90) is None
