"""The CPU kernels that make transmission images, against the float64 functions."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tomostream.core.geometry import Geometry
from tomostream.recon.cpu.backend import CpuBackend, available_isas
from tomostream.recon.steps.phase import phase_retrieved
from tomostream.recon.steps.zingers import without_zingers

TYPES = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"]
ISAS = available_isas()
FLOAT_TOLERANCE = 1e-6
"""A few roundings of float32 at a transmission near 1."""
PHASE_TOLERANCE = 2e-5
"""Float32 transforms of a few thousand numbers and 1e-4 of the edges' difference."""


class Images:
    """Transmission images of one instruction set, and the float64 ones."""

    def __init__(self, isa: str, shape: tuple[int, int], threads: int = 1) -> None:
        self.shape = shape
        self.rng = np.random.default_rng(shape[0] * 1000 + shape[1])
        self.dark = self.rng.random(shape, np.float32) * 3 + 2
        self.flat = self.dark + 100 + 15 * self.rng.random(shape, np.float32)
        backend = CpuBackend(isa=isa, threads=threads)
        n_z, n_x = shape
        backend.allocate(Geometry(n_z=n_z, n_x=n_x, n_slots=3, n_out=n_x))
        self.core = backend._core
        self.core.set_fields(0, self.dark, self.flat)

    def frame(self, dtype: str = "u2", noise: float = 0.02) -> NDArray[Any]:
        n_z, n_x = self.shape
        z, x = np.mgrid[:n_z, :n_x]
        p = 0.3 + 0.6 * (((x - n_x / 2) ** 2 + (z - n_z / 2) ** 2) > (n_x / 3) ** 2)
        p *= 1 + noise * self.rng.standard_normal(p.shape)
        p[self.rng.random(p.shape) < 0.003] *= 0.1
        counts = p * (self.flat - self.dark) + self.dark
        p[self.rng.random(p.shape) < 0.003] *= 3
        return np.clip(counts, 0, 126).astype(dtype)

    def made(self, frame: NDArray[Any]) -> NDArray[np.float32]:
        out = np.full(self.shape, np.nan, np.float32)
        kind = TYPES.index(frame.dtype.str[1:])
        assert self.core.transmission(frame, kind, 0, out)
        return out

    def transmission(self, frame: NDArray[Any]) -> NDArray[np.float64]:
        dark, flat = self.dark.astype(float), self.flat.astype(float)
        return (frame - dark) / (flat - dark)


def differ(
    found: NDArray[Any], expected: NDArray[Any] | float, tolerance: float
) -> int:
    return int((abs(found - expected) > tolerance).sum())


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("radius", [2, 3, 4])
@pytest.mark.parametrize(
    "shape", [(40, 70), (33, 101), (1, 50), (3, 4), (17, 16), (5, 7), (130, 33)]
)
@pytest.mark.parametrize("threshold", [0.0, 0.05, 0.2, 2.0])
def test_zingers_of_any_frame(
    isa: str, radius: int, shape: tuple[int, int], threshold: float
) -> None:
    images = Images(isa, shape)
    images.core.set_prepass(radius, threshold, 0.0)
    frame = images.frame()
    expected = without_zingers(
        images.transmission(frame), radius=radius, threshold=threshold
    )
    assert differ(images.made(frame), expected, FLOAT_TOLERANCE) == 0


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("radius", [2, 3, 4])
@pytest.mark.parametrize("factor", [1.201, 0.799])
def test_threshold_is_met_in_a_frame_without_noise(
    isa: str, radius: int, factor: float
) -> None:
    images = Images(isa, (50, 60))
    images.core.set_prepass(radius, 0.2, 0.0)
    spots = np.zeros(images.shape, bool)
    spots[3:48:11, 1:60:13] = True
    for beyond in (True, False):
        spike = factor if beyond else 1 + (factor - 1) * 0.99
        p = np.where(spots, 0.5 * spike, 0.5)
        frame = images.dark + p * (images.flat - images.dark)
        expected = 0.5 if beyond else p
        assert differ(images.made(frame), expected, FLOAT_TOLERANCE) == 0


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("dtype", TYPES)
def test_every_pixel_type(isa: str, dtype: str) -> None:
    images = Images(isa, (19, 45))
    frame = images.frame(dtype)
    images.core.set_prepass(3, 0.2, 0.0)
    cleaned = without_zingers(images.transmission(frame), radius=3, threshold=0.2)
    assert differ(images.made(frame), cleaned, FLOAT_TOLERANCE) == 0
    images.core.set_prepass(3, 0.2, 2.0)
    expected = phase_retrieved(cleaned, strength_px2=2.0)
    assert differ(images.made(frame), expected, PHASE_TOLERANCE) == 0


@pytest.mark.parametrize("isa", ISAS)
def test_pure_noise_and_negative_pixels(isa: str) -> None:
    images = Images(isa, (64, 80))
    for low in (0, -100):
        frame = images.rng.integers(low, 127, images.shape).astype("i2")
        for radius in (2, 3, 4):
            images.core.set_prepass(radius, 0.1, 0.0)
            expected = without_zingers(
                images.transmission(frame), radius=radius, threshold=0.1
            )
            # Where a median near 0 decides, float32 may round it to the other side.
            assert differ(images.made(frame), expected, FLOAT_TOLERANCE) <= 1


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("strength", [0.01, 1.0, 25.0])
@pytest.mark.parametrize(
    "shape", [(60, 75), (64, 64), (1, 90), (97, 101), (31, 160), (50, 33)]
)
def test_phase_of_any_frame(isa: str, strength: float, shape: tuple[int, int]) -> None:
    images = Images(isa, shape)
    images.core.set_prepass(0, 0.0, strength)
    frame = images.frame()
    wide = 60
    padded = np.pad(images.transmission(frame), wide, mode="edge")
    inner = slice(wide, -wide)
    expected = phase_retrieved(padded, strength_px2=strength)[inner, inner]
    assert differ(images.made(frame), expected, 1e-4) == 0


@pytest.mark.parametrize("isa", ISAS)
def test_phase_of_an_even_frame_is_even(isa: str) -> None:
    images = Images(isa, (40, 50))
    images.core.set_prepass(0, 0.0, 1e4)
    frame = (images.dark + 0.5 * (images.flat - images.dark)).astype("f4")
    assert differ(images.made(frame), np.full(images.shape, 0.5), 3e-6) == 0


@pytest.mark.parametrize("isa", ISAS)
def test_gaussian_comes_back_from_its_contrast(isa: str) -> None:
    images = Images(isa, (140, 150))
    y, x = np.mgrid[:140, :150]
    r2, variance, strength = (x - 70) ** 2 + (y - 66) ** 2, 9.0**2, 40.0
    g = np.exp(-r2 / (2 * variance))
    p = 1 - 0.5 * (g - strength * g * (r2 / variance**2 - 2 / variance))
    images.core.set_prepass(0, 0.0, strength)
    frame = (images.dark + p * (images.flat - images.dark)).astype("f4")
    # A float32 count of 100 is rounded to 4e-6; the filter averages that.
    assert differ(images.made(frame), 1 - 0.5 * g, 5e-6) == 0


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("settings", [(3, 0.2, 0.0), (0, 0.0, 9.0), (2, 0.1, 9.0)])
def test_unusable_pixels_are_mended_first(
    isa: str, settings: tuple[int, float, float]
) -> None:
    images = Images(isa, (80, 90))
    flat = images.flat.copy()
    flat[20, 30:32], flat[40, 0], flat[41, 88:] = images.dark[20, 30:32], 0, np.nan
    images.core.set_fields(0, images.dark, flat)
    frame = images.frame("f4", noise=0.0)
    frame[33, 33], frame[79, 89], frame[0, 0] = np.nan, np.inf, -np.inf
    p = images.transmission(frame)
    for z, bad, around in (
        (20, [30, 31], [29, 32]), (40, [0], [1, 1]), (41, [88, 89], [87, 87]),
        (33, [33], [32, 34]), (79, [89], [88, 88]), (0, [0], [1, 1]),
    ):  # fmt: skip
        left, right = around
        p[z, bad] = np.interp(bad, [left, max(right, left + 1)], p[z, around])
    radius, threshold, strength = settings
    images.core.set_prepass(*settings)
    expected = without_zingers(p, radius=radius, threshold=threshold)
    if strength:
        expected = phase_retrieved(expected, strength_px2=strength)
    assert differ(images.made(frame), expected, PHASE_TOLERANCE) == 0


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("value", [3e38, -3e38, 1e29, 1e300])
def test_absurd_pixels_stay_finite(isa: str, value: float) -> None:
    images = Images(isa, (64, 64))
    images.core.set_prepass(3, 0.2, 9.0)
    frame = images.frame("f8", noise=0.0)
    frame[10, 10:14] = value
    assert np.isfinite(images.made(frame)).all()
    # The zinger filter has taken them out: the frame is as good as elsewhere.
    assert abs(images.made(frame)).max() < 2


@pytest.mark.parametrize("isa", ISAS)
def test_whole_dead_row_reads_one(isa: str) -> None:
    images = Images(isa, (120, 40))
    flat = images.flat.copy()
    flat[7] = images.dark[7]
    images.core.set_fields(0, images.dark, flat)
    images.core.set_prepass(2, 1e3, 0.0)
    assert (images.made(images.frame())[7] == 1).all()


def test_new_fields_are_seen() -> None:
    images = Images("auto", (20, 30))
    images.core.set_prepass(2, 1e3, 0.0)
    frame = images.frame()
    images.made(frame)
    images.flat = images.flat * 2
    images.core.set_fields(0, images.dark, images.flat)
    expected = images.transmission(frame)
    assert differ(images.made(frame), expected, FLOAT_TOLERANCE) == 0


def test_frame_of_too_many_bad_pixels_is_refused() -> None:
    images = Images("auto", (20, 30))
    images.core.set_prepass(2, 0.2, 1.0)
    frame = images.frame("f4")
    frame[3, :7] = np.nan
    out = np.empty(images.shape, np.float32)
    assert not images.core.transmission(frame, TYPES.index("f4"), 0, out)


def test_memory_is_counted_and_given_back() -> None:
    images = Images("auto", (256, 256))
    before = sum(images.core.memory())
    images.core.set_prepass(3, 0.2, 100.0)
    images.made(images.frame())
    on = sum(images.core.memory())
    # Sixty-four images at least.
    assert on - before > 64 * 4 * 256**2
    images.core.set_prepass(0, 0.2, 0.0)
    assert sum(images.core.memory()) - before < 1e5


@pytest.mark.parametrize("settings", [(1, 0.2, 0.0), (5, 0.2, 0.0), (2, -1.0, 0.0)])
def test_impossible_settings_are_refused(settings: tuple[int, float, float]) -> None:
    with pytest.raises(ValueError, match="out of range"):
        Images("auto", (8, 8)).core.set_prepass(*settings)
