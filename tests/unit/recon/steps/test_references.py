"""The float64 functions against scipy and against formulas."""

import math

import numpy as np
import pytest
from scipy import ndimage

from tomostream.core.steps import PhaseRetrieval, Region
from tomostream.recon.steps.flat_scale import flat_scaled
from tomostream.recon.steps.hardening import hardening_corrected
from tomostream.recon.steps.phase import padding, phase_retrieved
from tomostream.recon.steps.zingers import without_zingers


@pytest.mark.parametrize("radius", [1, 2, 3, 4])
@pytest.mark.parametrize("shape", [(40, 31), (1, 20), (3, 2)])
@pytest.mark.parametrize("threshold", [0.0, 0.2, 1.5])
def test_zingers_become_the_median(
    radius: int, shape: tuple[int, int], threshold: float
) -> None:
    p = np.random.default_rng(0).normal(1, 0.3, (2, *shape))
    median = ndimage.median_filter(
        p, (1, 2 * radius + 1, 2 * radius + 1), mode="nearest"
    )
    expected = np.where(abs(p - median) > threshold * median, median, p)
    found = without_zingers(p, radius=radius, threshold=threshold)
    np.testing.assert_array_equal(found, expected)


def test_radius_zero_changes_nothing() -> None:
    p = np.random.default_rng(0).random((5, 5))
    np.testing.assert_array_equal(without_zingers(p, radius=0, threshold=0), p)


def test_strength_is_that_of_the_paper() -> None:
    phase = PhaseRetrieval(
        energy_kev=12.39841984, distance_mm=50, pixel_um=2, alpha=0.5
    )
    # 1 Angstrom: 1e-4 um * 5e4 um / 4 pi / 0.5 / 4 um^2
    assert phase.strength_px2 == pytest.approx(5 / (8 * math.pi), rel=1e-9)


@pytest.mark.parametrize("strength", [0.3, 4.0, 30.0])
def test_phase_retrieval_equals_a_complex_transform_of_a_wide_frame(
    strength: float,
) -> None:
    p = np.random.default_rng(1).normal(1, 0.1, (60, 75))
    pad = 300
    wide = np.pad(p, pad, mode="edge")
    kz, kx = (2 * np.pi * np.fft.fftfreq(n) for n in wide.shape)
    response = 1 / (1 + strength * (kz[:, None] ** 2 + kx**2))
    expected = np.fft.ifft2(np.fft.fft2(wide) * response).real
    expected = expected[pad:-pad, pad:-pad]
    found = phase_retrieved(p, strength_px2=strength)
    # TAIL of the kernel sees other values than those of the edge.
    assert abs(found - expected).max() < 1e-4


def test_gaussian_comes_back_from_its_contrast() -> None:
    # (1 - strength laplacian) g is what propagation makes of g.
    y, x = np.mgrid[:200, :220]
    r2, variance, strength = (x - 100) ** 2 + (y - 90) ** 2, 12.0**2, 50.0
    g = np.exp(-r2 / (2 * variance))
    laplacian = g * (r2 / variance**2 - 2 / variance)
    found = phase_retrieved(1 - 0.5 * (g - strength * laplacian), strength_px2=strength)
    np.testing.assert_allclose(found, 1 - 0.5 * g, atol=1e-7)


def test_constant_stays_constant() -> None:
    found = phase_retrieved(np.full((17, 40), 0.7), strength_px2=100.0)
    np.testing.assert_allclose(found, 0.7, rtol=1e-13)


def test_padding_follows_the_kernel_up_to_the_frame() -> None:
    assert padding(1e3, 500) == math.ceil(1e3**0.5 * math.log(1e4))
    assert padding(1e9, 500) == 500
    assert padding(1.0, 500) == 40


def test_single_precision_is_kept() -> None:
    p = np.random.default_rng(2).random((9, 12), np.float32)
    assert phase_retrieved(p, strength_px2=2.0).dtype == np.float32
    assert without_zingers(p, radius=2, threshold=0.1).dtype == np.float32


def test_hardening_is_the_polynomial() -> None:
    lines = np.array([0.0, 1.0, 2.0])
    found = hardening_corrected(lines, coefficients=(0.5, -0.25))
    np.testing.assert_allclose(found, lines + 0.5 * lines**2 - 0.25 * lines**3)


def test_flat_of_another_exposure_is_scaled() -> None:
    # Twice the exposure, twice the counts: without a sample it must read 1.
    assert (
        flat_scaled(np.full((2, 3), 2.0), exposure_ratio=2.0).tolist() == [[1] * 3] * 2
    )


def test_air_becomes_one_in_each_frame() -> None:
    p = np.array([0.8, 1.3])[:, None, None] * np.ones((4, 5))
    p[:, :, 2:] *= 0.5
    found = flat_scaled(p, region=Region(x=0, y=1, width=2, height=30))
    np.testing.assert_allclose(found[:, :, :2], 1)
    np.testing.assert_allclose(found[:, :, 2:], 0.5)


def test_dark_or_absent_air_changes_nothing() -> None:
    p = np.zeros((4, 5))
    for region in (
        Region(x=0, y=0, width=2, height=2), Region(x=9, y=0, width=2, height=2)
    ):  # fmt: skip
        np.testing.assert_array_equal(flat_scaled(p, region=region), p)
