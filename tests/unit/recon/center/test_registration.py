import numpy as np
import pytest

from tomostream.recon.center.registration import coarse_center, derivative, refined

COLUMNS, CENTER = 128, 60.3


def views(seed: int, *, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Give derivatives (1, n_x) of a random row and of its mirror image."""
    random = np.random.default_rng(seed)
    fine = np.cumsum(random.standard_normal(400))
    columns = np.arange(COLUMNS)

    def row(place: np.ndarray) -> np.ndarray:
        lines = np.interp(place + 130.0, np.arange(400), fine)
        return derivative(lines[None] + noise * random.standard_normal((1, COLUMNS)))

    # The second view shows at column s what the first shows at 2 center - s.
    mirrored = 2 * CENTER - columns[::-1]
    return row(columns.astype(float)), row(mirrored)


def test_small_overlap_does_not_win_by_chance() -> None:
    """By the correlation alone, a few columns at an edge win in 19 rows of 60."""
    found = [coarse_center(*views(seed, noise=1.5)) for seed in range(60)]
    assert sum(abs(center - CENTER) > 2.0 for center in found) <= 1


def test_minimum_is_found_between_pixels() -> None:
    pairs = [views(seed, noise=0.1) for seed in range(8)]
    first = np.stack([a for a, _ in pairs])
    mirrored = np.stack([b for _, b in pairs])
    found = refined(first, mirrored, 61.0, reach_px=3.0)
    assert found.center == pytest.approx(CENTER, abs=0.1)
    assert abs(found.center - CENTER) < 5 * found.errors[0]


def test_views_without_structure_have_no_error_bar() -> None:
    nothing = np.zeros((1, 1, COLUMNS))
    assert np.isinf(refined(nothing, nothing, CENTER, reach_px=2.0).errors[0])


@pytest.mark.parametrize("near", [0.0, 63.0])
def test_views_of_nothing_say_nothing(near):
    """An empty beam looks as if the axis were at the frame's edge."""
    nothing = np.zeros((3, 16, 64))
    found = refined(nothing, nothing, near, reach_px=6.0)
    assert found.correlation == 0.0
    assert np.isinf(found.errors).all()
