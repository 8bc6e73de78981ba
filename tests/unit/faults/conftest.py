import numpy as np
import pytest

from tomostream.core.geometry import Geometry, Planes
from tomostream.core.parameters import FilterType, ReconParameters
from tomostream.recon.engine import Engine
from tomostream.runtime.clock import SystemClock
from tomostream.runtime.worker import StopSignal
from tomostream.service import ServiceSettings
from tomostream.testing.loop_rig import LoopRig


@pytest.fixture
def make_bench():
    def make(**settings) -> LoopRig:
        return LoopRig(ServiceSettings(**settings))

    return make


@pytest.fixture
def bench(make_bench) -> LoopRig:
    return make_bench()


@pytest.fixture
def make_engine():
    def make(n_z=4, n_x=32, n_slots=16, n_out=None, **parameters) -> Engine:
        n_out = n_out or n_x
        engine = Engine(backend="cpu", ring_dtype="float", threads=1)
        engine.configure(
            Geometry(n_z=n_z, n_x=n_x, n_slots=n_slots, n_out=n_out),
            ReconParameters(
                center=(n_x - 1) / 2, filter_type=FilterType.RAMP,
                planes=Planes(x=n_out // 2, y=n_out // 2, z=n_z // 2),
                **parameters,
            ),
        )  # fmt: skip
        return engine

    return make


@pytest.fixture
def frames():
    """Random transmissions, (count, n_z, n_x) float32."""

    def make(count, n_z=4, n_x=32, seed=0):
        random = np.random.default_rng(seed)
        made = np.exp(-random.random((count, n_z, n_x))).astype(np.float32)
        made.flags.writeable = False
        return made

    return make


@pytest.fixture
def wait_until():
    """Look until it holds, or fail."""

    def wait(holds, timeout_s=20.0):
        stop, clock = StopSignal(), SystemClock()
        deadline_s = clock.monotonic_s() + timeout_s
        while not holds():
            assert clock.monotonic_s() < deadline_s, "it never came"
            stop.wait(0.005)

    return wait
