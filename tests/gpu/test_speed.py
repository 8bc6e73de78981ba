"""What a device must reach; `tomostream bench --backend cuda` measures it properly."""

import time

import numpy as np
import pytest

from tomostream.core.geometry import Geometry, Planes
from tomostream.core.parameters import FilterType, ReconParameters
from tomostream.recon.engine import Engine

pytestmark = [pytest.mark.gpu, pytest.mark.slow]


@pytest.fixture(scope="module")
def engine():
    n, n_slots = 2048, 1500
    engine = Engine(backend="cuda", raw_slots=0)
    engine.configure(
        Geometry(n_z=n, n_x=n, n_slots=n_slots, n_out=n),
        ReconParameters(
            center=n / 2, filter_type=FilterType.RAMP, planes=Planes(x=9, y=9, z=9)
        ),
    )
    frames = [np.full((n, n), 500 + k, np.uint16) for k in range(8)]
    for first in range(0, n_slots, 8):
        count = min(8, n_slots - first)
        slots = np.arange(first, first + count)
        engine.add(frames[:count], slots * 0.12, slots)
    engine.slices()
    return engine


def test_two_thousand_squared_streams_at_15_gb_per_second(engine):
    frames = [np.full((2048, 2048), 500 + k, np.uint16) for k in range(8)]
    rounds = 50
    start = time.perf_counter()
    for k in range(rounds):
        engine.add(frames, np.arange(8) * 0.12, np.arange(8 * k, 8 * k + 8))
    engine.slices()
    gigabytes = rounds * 8 * frames[0].nbytes * 1e-9
    assert gigabytes / (time.perf_counter() - start) >= 15


@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_slice_moves_within_5_ms(engine, axis):
    from dataclasses import replace

    spent = []
    for k in range(20):
        planes = replace(engine.parameters.planes, **{axis: 100 + k})
        start = time.perf_counter()
        engine.set_parameters(replace(engine.parameters, planes=planes))
        engine._backend._devices[0].synchronize()
        spent.append(time.perf_counter() - start)
    assert np.median(spent) < 5e-3
