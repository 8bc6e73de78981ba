import numpy as np
import pytest
from scipy import ndimage

from tomostream.core.steps import RingRemoval
from tomostream.recon.steps.rings import ring_correction
from tomostream.sim.phantom import head_phantom, projections

METHODS = [RingRemoval.FOURIER_WAVELET, RingRemoval.HIGH_PASS]


def smooth_sample(n_z: int, n_x: int) -> np.ndarray:
    x = np.linspace(-1, 1, n_x)
    return np.outer(np.linspace(0.5, 1, n_z), np.exp(-((x / 0.45) ** 2)))


@pytest.mark.parametrize("method", METHODS)
def test_narrow_stripes_are_found(method: RingRemoval) -> None:
    rng = np.random.default_rng(1)
    sample = smooth_sample(40, 500)
    stripes = np.zeros_like(sample)
    for row in range(0, 40, 2):
        stripes[row : row + 2, rng.choice(500, 9, replace=False)] = rng.normal(0, 0.05)
    stripes[7, 300:303] += 0.1
    found = ring_correction(sample + stripes, method=method, width=16)
    left = sample + stripes - found
    # What is wider than the width stays: a faint, smooth trace of each stripe.
    sharp, before = np.diff(left - sample), np.diff(stripes)
    assert np.linalg.norm(sharp) < 0.1 * np.linalg.norm(before)


@pytest.mark.parametrize("method", METHODS)
def test_smooth_sample_stays(method: RingRemoval) -> None:
    sample = smooth_sample(9, 700)
    # Of the height 1; a Gaussian and a median flatten a maximum a little.
    assert abs(ring_correction(sample, method=method, width=16)).max() < 5e-3


@pytest.mark.parametrize("method", METHODS)
def test_wall_of_a_tube_on_the_axis_stays(method: RingRemoval) -> None:
    x = np.arange(300) - 149.5
    outer, inner = (np.sqrt(np.maximum(r**2 - x**2, 0)) for r in (120, 110))
    tube = np.tile(0.01 * (outer - inner), (50, 1))
    assert abs(ring_correction(tube, method=method, width=8)).max() < 1e-12
    # Of few rows nothing tells a wall from a ring.
    assert abs(ring_correction(tube[:7], method=method, width=8)).max() > 0.05


@pytest.mark.parametrize("method", METHODS)
def test_rings_of_a_phantom_fade_to_less_than_half(method: RingRemoval) -> None:
    """Of the ramp-filtered mean, which is what backprojection smears into rings."""
    phantom = head_phantom(400, 200).still
    theta_deg = np.linspace(0, 178, 90, dtype=np.float64)
    mean = projections(
        phantom, theta_deg, n_z=200, n_x=400, center=199.5, dtype=np.float64
    ).mean(axis=0)
    rng = np.random.default_rng(5)
    stripes = np.zeros_like(mean)
    for _ in range(1500):
        z, x = rng.integers(0, 198), rng.integers(0, 398)
        height, width = rng.integers(1, 4, 2)
        stripes[z : z + height, x : x + width] += rng.normal(0, 0.03)
    found = ring_correction(mean + stripes, method=method, width=6)
    ramp = np.abs(np.fft.rfftfreq(400))
    left = np.fft.rfft(stripes - found) * ramp
    assert np.linalg.norm(left) < 0.5 * np.linalg.norm(np.fft.rfft(stripes) * ramp)


@pytest.mark.parametrize("method", METHODS)
def test_constant_frame_needs_no_correction(method: RingRemoval) -> None:
    found = ring_correction(np.full((5, 101), 3.0), method=method, width=16)
    assert abs(found).max() < 1e-11


def test_stripe_of_the_width_is_half_removed_by_wavelets() -> None:
    mean = np.zeros((1, 1000))
    mean[0, 500:516] = 1
    for width, limits in ((16.0, (0.4, 0.6)), (32.0, (0.7, 0.9))):
        found = ring_correction(mean, method=RingRemoval.FOURIER_WAVELET, width=width)
        assert limits[0] < found[0, 506:510].mean() < limits[1]


@pytest.mark.parametrize("width", [2.5, 6.0])
def test_high_pass_agrees_with_scipy(width: float) -> None:
    rows = np.random.default_rng(2).random((7, 90))
    reach = int(np.ceil(width))
    median = ndimage.median_filter(rows, (1, 2 * reach + 1), mode="reflect")
    # scipy continues the medians by mirroring; here they are taken beyond the edge too.
    smooth = ndimage.gaussian_filter1d(
        median, width / 2, axis=1, mode="reflect", truncate=12
    )
    found = ring_correction(rows, method=RingRemoval.HIGH_PASS, width=width)
    inner = slice(8 * reach, -8 * reach)
    np.testing.assert_allclose(found[:, inner], (rows - smooth)[:, inner], atol=2e-4)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(1, 4), (3, 5), (2, 64), (70, 33)])
@pytest.mark.parametrize("width", [1.0, 16.0, 1000.0])
def test_any_size_and_width(
    method: RingRemoval, shape: tuple[int, int], width: float
) -> None:
    mean = np.random.default_rng(3).random(shape, np.float32)
    before = mean.copy()
    found = ring_correction(mean, method=method, width=width)
    assert found.shape == shape
    assert found.dtype == np.float32
    assert found.flags.c_contiguous
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(mean, before)


def test_without_a_method_nothing_is_subtracted() -> None:
    mean = np.ones((3, 8), np.float32)
    assert not ring_correction(mean, method=RingRemoval.NONE, width=4).any()


def test_precision_follows_the_argument() -> None:
    mean = np.random.default_rng(4).random((20, 200))
    for method in METHODS:
        double = ring_correction(mean, method=method, width=8)
        single = ring_correction(mean.astype(np.float32), method=method, width=8)
        assert double.dtype == np.float64
        np.testing.assert_allclose(single, double, atol=2e-6)
