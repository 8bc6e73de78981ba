"""Offsets beyond 2^31."""

import os

import numpy as np
import pytest

from tomostream.core.geometry import Geometry, Planes
from tomostream.core.parameters import FilterType, ReconParameters
from tomostream.recon import Engine


def available_gib() -> float:
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30


@pytest.mark.slow
@pytest.mark.skipif(
    available_gib() < 16, reason="a ring of 2^31 elements wants 16 GiB of free memory"
)
def test_fault_16_a_ring_of_more_than_two_to_the_31_elements() -> None:
    n = 2048
    n_slots = 2**31 // n**2 + 8
    geometry = Geometry(n_z=n, n_x=n, n_slots=n_slots, n_out=n)
    parameters = ReconParameters(
        center=n / 2, filter_type=FilterType.RAMP, planes=Planes(x=700, y=1100, z=n - 1)
    )
    large, small = Engine(raw_slots=0), Engine(raw_slots=0)
    large.configure(geometry, parameters)
    small.configure(
        Geometry(n_z=n, n_x=n, n_slots=2, n_out=n),
        parameters,
    )
    random = np.random.default_rng(0)
    frames = [random.integers(100, 200, (n, n)).astype(np.uint8) for _ in range(2)]
    angles = np.array([20.0, 110.0])
    large.add(frames, angles, np.array([n_slots - 1, 0]))
    small.add(frames, angles, np.array([0, 1]))
    shown = small.packed()
    np.testing.assert_allclose(large.packed(), shown, atol=1e-6)
    moved = ReconParameters(
        center=n / 2, filter_type=FilterType.RAMP, planes=Planes(x=0, y=0, z=0)
    )
    for parameter in (moved, parameters):
        large.set_parameters(parameter)
    # The order in which a remade slice adds differs.
    np.testing.assert_allclose(large.packed(), shown, atol=1e-6)
