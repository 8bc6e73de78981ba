"""What the CPU's filter makes of waves: its slow exponentials run on a coarse grid."""

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
    FilterType.RAMP: 4e-5,
    FilterType.SHEPP_LOGAN: 5e-5,
    FilterType.HANN: 2e-4,
    FilterType.PARZEN: 4e-4,
}
"""Of the largest response: the fit's error, and 1.5e-5 that the grid may add."""


def waves(n_x):
    """Give rows (N_WAVES, n_x) of line integrals, from half a period to Nyquist."""
    cycles = np.geomspace(0.5 / n_x, 0.5, N_WAVES)[:, None]
    phases = np.arange(N_WAVES)[:, None]
    wave = np.cos(2 * np.pi * cycles * np.arange(n_x) + phases)
    return AMPLITUDE * (1 + wave)


def filtered_by_engine(rows, parameters, isa):
    """Give the rows as the ring holds them: seen from 0 degrees, a slice shows them."""
    n_z, n_x = rows.shape
    engine = Engine(backend="cpu", isa=isa, ring_dtype="float", threads=1)
    engine.configure(Geometry(n_z=n_z, n_x=n_x, n_slots=1, n_out=n_x), parameters)
    engine.add([np.exp(-rows).astype(np.float32)], np.zeros(1), np.zeros(1, int))
    return engine.slices().y / np.pi


@pytest.mark.parametrize("isa", available_isas())
@pytest.mark.parametrize("n_x", [4, 7, 8, 9, 15, 64, 131, 256, 509, 512, 1024])
@pytest.mark.parametrize("filter_type", RECURSIVE)
def test_waves_are_filtered_as_by_the_kernel(filter_type, n_x, isa):
    parameters = ReconParameters(
        center=n_x // 2, filter_type=filter_type, planes=Planes(x=0, y=n_x // 2, z=0)
    )
    rows = waves(n_x)
    largest = np.abs(response_of(kernel(filter_type, 1024), 2048)).max()
    error = filtered_by_engine(rows, parameters, isa) - filtered(rows, parameters)
    assert np.abs(error).max() < LIMITS[filter_type] * AMPLITUDE * largest
