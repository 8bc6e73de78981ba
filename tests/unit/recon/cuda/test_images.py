"""Zingers and phase by the CUDA kernels, against the float64 functions."""

import shutil

import numpy as np
import pytest

from tomostream.core.geometry import Geometry
from tomostream.core.steps import PhaseRetrieval, Steps
from tomostream.recon.cuda.pixels import Exchange, Pixels, fetched
from tomostream.recon.cuda.plan import fast_length
from tomostream.recon.steps.phase import phase_retrieved
from tomostream.recon.steps.zingers import without_zingers
from tomostream.testing.cuda_shim import shim_backend

pytestmark = pytest.mark.skipif(
    shutil.which("g++") is None, reason="the shim needs g++"
)

FLOAT_TOLERANCE = 1e-6
"""A few roundings of float32 at a transmission near 1."""
PHASE_TOLERANCE = 1e-4
"""What is left of the filter's kernel where the padding ends, of differences near 1."""
SHAPES = [(40, 70), (33, 101), (1, 50), (3, 4), (17, 16), (5, 7)]


def phase(strength):
    """Give settings of about this strength, pixels squared."""
    unit = PhaseRetrieval(energy_kev=20, distance_mm=100, pixel_um=1, alpha=1.0)
    return PhaseRetrieval(
        energy_kev=20, distance_mm=100, pixel_um=1, alpha=unit.strength_px2 / strength
    )


class Images:
    """Frames of one shape, and their transmission images made by the kernels."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape = shape
        self.random = np.random.default_rng(shape[0] * 1000 + shape[1])
        self.dark = self.random.random(shape, np.float32) * 3 + 2
        self.flat = self.dark + 100 + 15 * self.random.random(shape, np.float32)
        self.backend = shim_backend()
        n_z, n_x = shape
        self.backend.allocate(Geometry(n_z=n_z, n_x=n_x, n_slots=3, n_out=n_x))
        self.backend.set_fields(0, self.dark, self.flat)

    def frame(self, dtype="u2"):
        n_z, n_x = self.shape
        z, x = np.mgrid[:n_z, :n_x]
        p = 0.3 + 0.6 * (((x - n_x / 2) ** 2 + (z - n_z / 2) ** 2) > (n_x / 3) ** 2)
        p *= 1 + 0.02 * self.random.standard_normal(p.shape)
        p[self.random.random(p.shape) < 0.01] *= 0.1
        p[self.random.random(p.shape) < 0.01] *= 3
        return np.clip(p * (self.flat - self.dark) + self.dark, 0, 400).astype(dtype)

    def made(self, *frames, **steps):
        self.backend.set_steps(Steps(**steps))
        worker, count = self.backend._workers[0], len(frames)
        exchange = Exchange(
            fields=[0] * count,
            scales=[1.0] * count,
            places=[0] * count,
            raw=list(range(count)),
        )
        with (
            worker.received(list(frames)) as raw,
            worker._tables.sent(exchange.table()) as (table,),
        ):
            pixels = Pixels(data=raw, table=table)
            return fetched(
                worker._device, worker._images.made(pixels, worker._lines.fields)
            )

    def transmission(self, frame):
        dark, flat = self.dark.astype(float), self.flat.astype(float)
        return (frame - dark) / (flat - dark)


@pytest.mark.parametrize("radius", [2, 3, 4])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("threshold", [0.0, 0.05, 0.2, 1.0, 2.0])
def test_zingers_of_any_frame(radius, shape, threshold):
    images = Images(shape)
    frames = [images.frame(), images.frame()]
    made = images.made(*frames, zinger_radius=radius, zinger_threshold=threshold)
    for image, frame in zip(made, frames, strict=True):
        expected = without_zingers(
            images.transmission(frame), radius=radius, threshold=threshold
        )
        np.testing.assert_allclose(image, expected, atol=FLOAT_TOLERANCE)


def test_zingers_of_pure_noise():
    images = Images((64, 80))
    frame = images.random.integers(-100, 127, images.shape).astype("i2")
    for radius in (2, 3, 4):
        (image,) = images.made(frame, zinger_radius=radius, zinger_threshold=0.1)
        expected = without_zingers(
            images.transmission(frame), radius=radius, threshold=0.1
        )
        # Where a median near 0 decides, float32 may round it to the other side.
        assert np.count_nonzero(abs(image - expected) > FLOAT_TOLERANCE) <= 1


@pytest.mark.parametrize("strength", [0.01, 1.0, 15.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_phase_of_any_frame(strength, shape):
    images = Images(shape)
    frames = [images.frame("f4"), images.frame("f4")]
    made = images.made(*frames, phase=phase(strength))
    for image, frame in zip(made, frames, strict=True):
        expected = phase_retrieved(images.transmission(frame), strength_px2=strength)
        np.testing.assert_allclose(image, expected, atol=PHASE_TOLERANCE)


def test_phase_comes_after_zingers():
    images = Images((40, 50))
    frame = images.frame()
    (image,) = images.made(
        frame, zinger_radius=2, zinger_threshold=0.2, phase=phase(9.0)
    )
    cleaned = without_zingers(images.transmission(frame), radius=2, threshold=0.2)
    expected = phase_retrieved(cleaned, strength_px2=9.0)
    np.testing.assert_allclose(image, expected, atol=PHASE_TOLERANCE)


def test_unusable_pixels_are_mended_first():
    images = Images((20, 30))
    flat = images.flat.copy()
    flat[3, 10:12], flat[4, 0] = images.dark[3, 10:12], np.nan
    flat[7] = images.dark[7]
    images.backend.set_fields(0, images.dark, flat)
    frame = images.frame("f4")
    frame[19, 29] = np.inf
    p = images.transmission(frame)
    p[3, 10:12] = np.interp([10, 11], [9, 12], p[3, [9, 12]])
    p[4, 0], p[19, 29], p[7] = p[4, 1], p[19, 28], 1.0
    (image,) = images.made(frame, zinger_radius=2, zinger_threshold=1e6)
    np.testing.assert_allclose(image, p, atol=FLOAT_TOLERANCE)


@pytest.mark.parametrize("value", [3e38, -3e38, 1e29])
def test_absurd_pixels_stay_finite(value):
    images = Images((64, 64))
    frame = images.frame("f4")
    frame[10, 10:14] = value
    (image,) = images.made(
        frame, zinger_radius=3, zinger_threshold=0.2, phase=phase(9.0)
    )
    assert abs(image).max() < 2
    (image,) = images.made(frame, phase=phase(9.0))
    assert np.isfinite(image).all()


@pytest.mark.parametrize("least", [1, 2, 97, 2048, 2051, 4099])
def test_fast_lengths_are_even_and_smooth(least):
    length = fast_length(least)
    assert least <= length <= 1.1 * least + 2
    assert length % 2 == 0
    for prime in (2, 3, 5, 7):
        while length % prime == 0:
            length //= prime
    assert length == 1
