import numpy as np
import pytest

from tomostream.recon.center.line_fit import robust_line

PLACES = np.arange(-20.0, 21.0, 4.0)
SURE = np.full(len(PLACES), 0.05)


def test_outliers_have_no_say() -> None:
    values = 60.3 + 0.01 * PLACES
    values[[1, 4, 9]] += (30.0, -8.0, 3.0)
    line = robust_line(PLACES, values, SURE, sloped=True)
    assert line.value == pytest.approx(60.3, abs=1e-6)
    assert line.slope == pytest.approx(0.01, abs=1e-6)


def test_errors_weigh() -> None:
    errors = np.where(PLACES < 0, 10.0, 0.05)
    line = robust_line(PLACES, np.where(PLACES < 0, 0.0, 5.0), errors, sloped=False)
    assert line.value == pytest.approx(5.0, abs=1e-2)
    assert line.slope == 0.0


def test_scatter_beyond_the_errors_is_told() -> None:
    values = 60.3 + np.random.default_rng(0).standard_normal(len(PLACES))
    line = robust_line(PLACES, values, SURE, sloped=False)
    # The scatter of 1 of 11 values, and not the errors of 0.05.
    assert 0.1 < line.value_error < 1.0


def test_infinite_errors_leave_nothing() -> None:
    line = robust_line(PLACES, PLACES, np.full(len(PLACES), np.inf), sloped=True)
    assert np.isnan(line.value)
    assert np.isinf(line.value_error)
