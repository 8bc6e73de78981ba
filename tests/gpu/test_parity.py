"""A device and the CPU show the same slices of a larger scene."""

import numpy as np
import pytest

from tomostream.core.geometry import Geometry, Planes
from tomostream.core.parameters import FilterType, ReconParameters
from tomostream.recon.engine import Engine

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize(("ring_dtype", "limit"), [("float", 5e-5), ("half", 1e-3)])
@pytest.mark.parametrize("filter_type", [FilterType.RAMP, FilterType.COSINE])
def test_gpu_shows_what_the_cpu_shows(ring_dtype, limit, filter_type):
    n, n_slots = 500, 90
    geometry = Geometry(n_z=n, n_x=n, n_slots=n_slots, n_out=n)
    parameters = ReconParameters(
        center=251.3, filter_type=filter_type, planes=Planes(x=100, y=300, z=77)
    )
    images = []
    for backend in ("cuda", "cpu"):
        random = np.random.default_rng(0)
        engine = Engine(backend=backend, ring_dtype=ring_dtype)
        engine.configure(geometry, parameters)
        engine.set_fields(None, np.full((n, n), 1000, np.float32))
        for first in range(0, 2 * n_slots, 30):
            frames = [random.integers(300, 900, (n, n)).astype("u2") for _ in range(30)]
            slots = np.arange(first, first + 30) % n_slots
            engine.add(frames, random.random(30) * 180, slots)
        images.append(engine.packed())
    gpu, cpu = images
    # Of the slices' range, as the engine's acceptance has it.
    assert np.abs(gpu - cpu).max() < limit * np.ptp(cpu)
