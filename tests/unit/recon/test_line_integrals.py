"""Line integrals of raw pixels, before the filter: each of its own pixel, exactly."""

import numpy as np
import pytest

from tomostream.core.geometry import Geometry
from tomostream.core.parameters import FilterType
from tomostream.core.steps import RingRemoval, Steps
from tomostream.recon.cpu.backend import CpuBackend, available_isas

N_Z, N_X = 256, 263
"""More pixels than 16-bit values; a row is no multiple of a vector."""

INTEGERS = ["u1", "i1", "u2", "i2", "u4", "i4"]


def line_integrals(isa, pixels, dark, flat):
    """Give those of one frame, which is the mean of all so far."""
    n_z, n_x = pixels.shape
    backend = CpuBackend(isa=isa, threads=1, ring_dtype="float")
    backend.allocate(Geometry(n_z=n_z, n_x=n_x, n_slots=1, n_out=n_x))
    backend.set_filter(FilterType.RAMP)
    backend.set_steps(Steps(ring_removal=RingRemoval.HIGH_PASS))
    backend.set_fields(0, dark, flat)
    backend.add([pixels], [0.0], slots=[0], places=[0])
    mean, count = backend.mean_lines()
    assert count == 1
    return mean


@pytest.mark.parametrize("isa", available_isas())
@pytest.mark.parametrize("dtype", INTEGERS)
def test_every_pixel_becomes_its_own_line_integral(dtype, isa):
    limits = np.iinfo(dtype)
    lowest, n_values = max(limits.min, -(1 << 15)), min(1 << 16, 1 << limits.bits)
    rng = np.random.default_rng(5)
    values = lowest + rng.permutation(N_Z * N_X) % n_values
    pixels = values.reshape(N_Z, N_X).astype(dtype)
    dark = np.full(pixels.shape, lowest - 1, np.float32)
    flat = (lowest + 50_000 * rng.random(pixels.shape)).astype(np.float32)
    lines = line_integrals(isa, pixels, dark, flat)
    dark, flat = dark.astype(float), flat.astype(float)
    truth = -np.log((pixels - dark) / (flat - dark))
    # Roundings of the gain, the transmission and the sum, and the series' own 4e-7.
    np.testing.assert_allclose(lines, truth, rtol=0, atol=1.5e-6)
