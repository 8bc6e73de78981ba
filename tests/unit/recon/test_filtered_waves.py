"""What the CPU's filter makes of waves; in a half ring on a coarse grid, too."""

import numpy as np
import pytest

from tomostream.core.geometry import Geometry, Planes
from tomostream.core.parameters import FilterType, ReconParameters
from tomostream.recon.cpu.backend import available_isas
from tomostream.recon.engine import Engine
from tomostream.recon.filters import RECURSIVE, kernel, response_of
from tomostream.testing.reference_fbp import filtered

N_WAVES = 64
AMPLITUDE = 0.5
LIMITS = {
    FilterType.RAMP: 3e-5,
    FilterType.SHEPP_LOGAN: 4e-5,
    FilterType.HANN: 1.6e-4,
    FilterType.PARZEN: 3.3e-4,
}
"""Of the largest response: the fit's error."""
N_STRENGTHS = 64
"""Projections of one sample in different strengths: what rounds each to 16-bit words,
up to 3e-5 of the largest, is not the same in all and shrinks to 1e-5."""
MORE = {"float": 0.0, "half": 1.5e-5 + 1e-5}
"""What the grid and the words may add."""


def waves(n_x):
    """Give rows (N_WAVES, n_x) of line integrals, from half a period to Nyquist."""
    cycles = np.geomspace(0.5 / n_x, 0.5, N_WAVES)[:, None]
    phases = np.arange(N_WAVES)[:, None]
    wave = np.cos(2 * np.pi * cycles * np.arange(n_x) + phases)
    return AMPLITUDE * (1 + wave)


def filtered_by_engine(rows, parameters, isa, ring_dtype):
    """Give the rows as the ring holds them: seen from 0 degrees, a slice shows them."""
    n_z, n_x = rows.shape
    engine = Engine(backend="cpu", isa=isa, ring_dtype=ring_dtype, threads=1)
    geometry = Geometry(n_z=n_z, n_x=n_x, n_slots=N_STRENGTHS, n_out=n_x)
    engine.configure(geometry, parameters)
    strengths = np.linspace(0.75, 1.25, N_STRENGTHS)
    frames = [np.exp(-strength * rows).astype(np.float32) for strength in strengths]
    engine.add(frames, np.zeros(N_STRENGTHS), np.arange(N_STRENGTHS))
    return engine.slices().y / np.pi


@pytest.mark.parametrize("ring_dtype", ["float", "half"])
@pytest.mark.parametrize("isa", available_isas())
@pytest.mark.parametrize("n_x", [4, 7, 8, 9, 15, 64, 131, 256, 509, 512, 1024])
@pytest.mark.parametrize("filter_type", RECURSIVE)
def test_waves_are_filtered_as_by_the_kernel(filter_type, n_x, isa, ring_dtype):
    parameters = ReconParameters(
        center=n_x // 2, filter_type=filter_type, planes=Planes(x=0, y=n_x // 2, z=0)
    )
    rows = waves(n_x)
    largest = np.abs(response_of(kernel(filter_type, 1024), 2048)).max()
    found = filtered_by_engine(rows, parameters, isa, ring_dtype)
    limit = LIMITS[filter_type] + MORE[ring_dtype]
    error = np.abs(found - filtered(rows, parameters)).max()
    assert error < limit * AMPLITUDE * largest
