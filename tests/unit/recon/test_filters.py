"""The kernels against their definition, the fits against the kernels."""

import numpy as np
import pytest

pytest.importorskip("scipy", reason="the fit needs it")

from tomostream.core.parameters import FilterType
from tomostream.recon.filter_fit import SIZES, best_fit, response_error, table_source
from tomostream.recon.filter_form import RecursiveFilter, SpectralFilter
from tomostream.recon.filter_minimax import LARGEST_WEIGHT, weighted_error
from tomostream.recon.filter_table import TABLE
from tomostream.recon.filters import RECURSIVE, kernel, realisation, response, tail


@pytest.mark.parametrize("filter_type", list(FilterType))
def test_kernel_is_the_integral_of_the_response(filter_type: FilterType) -> None:
    n = 40
    t = (np.arange(1 << 16) + 0.5) * (0.5 / (1 << 16))
    waves = np.cos(2 * np.pi * np.arange(n)[:, None] * t)
    integral = (2 * response(filter_type, t.astype(np.float64)) * waves).mean(
        axis=1
    ) * 0.5
    # The midpoint rule on 65536 panels is good to 1e-10 here.
    np.testing.assert_allclose(kernel(filter_type, n), integral, atol=1e-9)


@pytest.mark.parametrize("filter_type", list(FilterType))
def test_kernel_sums_to_zero(filter_type: FilterType) -> None:
    n = 4096
    h = kernel(filter_type, n)
    # What lies beyond n decays like 1 / (2 pi^2 k^2).
    assert abs(tail(h)[-1] + 1 / (2 * np.pi**2 * n)) < 0.01 / n


def test_kernels_of_any_length_agree() -> None:
    for filter_type in FilterType:
        short, long = kernel(filter_type, 100), kernel(filter_type, 1000)
        np.testing.assert_allclose(short, long[:100], atol=1e-12)


@pytest.mark.parametrize("filter_type", RECURSIVE)
@pytest.mark.parametrize("size", SIZES)
def test_fitted_response_is_close(filter_type: FilterType, size: int) -> None:
    poles, weights, taps = TABLE[filter_type.value][size]
    fitted = RecursiveFilter(
        poles=poles, weights=weights, taps=taps, odd=filter_type is FilterType.RAMP
    )
    # Relative to the largest response. Parzen's is a tenth of the ramp's, and its
    # kernel alternates, so the same number of exponentials does less for it.
    limit = {"Ramp": 3e-5, "Shepp-logan": 1e-4, "Hann": 7e-4, "Parzen": 7e-4}
    assert response_error(fitted, filter_type, size) < limit[filter_type.value]
    # Small frequencies are where it would darken slices: there the limit is a tenth.
    error = weighted_error(fitted, kernel(filter_type, size))
    assert error < {"Ramp": 6e-5, "Shepp-logan": 1e-4}.get(filter_type.value, 1e-3)
    assert max(map(abs, weights)) < LARGEST_WEIGHT
    assert max(map(abs, poles)) < 1


@pytest.mark.parametrize("filter_type", RECURSIVE)
def test_constant_row_is_filtered_to_nothing(filter_type: FilterType) -> None:
    for size in SIZES:
        f = realisation(filter_type, size)
        assert isinstance(f, RecursiveFilter)
        poles, weights = np.array(f.poles), np.array(f.weights)
        exponentials = (weights / (1 - poles ** (2 if f.odd else 1))).sum()
        assert abs(f.taps[0] + 2 * (sum(f.taps[1:]) + exponentials)) < 1e-6


def test_table_is_what_the_fit_gives() -> None:
    fitted = best_fit(FilterType.RAMP, 128)
    poles, _, taps = TABLE["Ramp"][128]
    # The optimiser's last digits depend on the linear algebra library.
    np.testing.assert_allclose(sorted(fitted.poles), sorted(poles), rtol=1e-3)
    np.testing.assert_allclose(fitted.taps, taps, rtol=1e-3)


def test_table_source_is_the_table() -> None:
    names: dict = {}
    exec(table_source(sizes=(64,), filters=(FilterType.RAMP,)), names)
    assert set(TABLE) == {filter_type.value for filter_type in RECURSIVE}
    poles, _, _ = names["TABLE"]["Ramp"][64]
    np.testing.assert_allclose(poles, TABLE["Ramp"][64][0], rtol=1e-3)


def test_rows_longer_than_the_table_are_filtered_by_fft() -> None:
    f = realisation(FilterType.RAMP, 9000)
    assert isinstance(f, SpectralFilter)
    assert f.response.size == 16384 + 1


@pytest.mark.parametrize("filter_type", [FilterType.BUTTERWORTH, FilterType.COSINE])
@pytest.mark.parametrize("n_x", [4, 5, 100, 128])
def test_spectral_filter_has_room_for_the_row(
    filter_type: FilterType, n_x: int
) -> None:
    f = realisation(filter_type, n_x)
    assert isinstance(f, SpectralFilter)
    size = 2 * (f.response.size - 1)
    assert size >= 2 * n_x
    assert size & (size - 1) == 0
    np.testing.assert_allclose(np.fft.irfft(f.response)[:n_x], kernel(filter_type, n_x))


def test_butterworth_halves_the_ramp_at_nyquist() -> None:
    half = response(FilterType.BUTTERWORTH, np.array([0.5]))[0]
    assert half == pytest.approx(0.25)
