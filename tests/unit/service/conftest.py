import pytest

from tomostream.service import ServiceSettings
from tomostream.testing.loop_rig import LoopRig


@pytest.fixture
def make_bench():
    def make(*, capacity=10_000, cost_s=0.0, **settings) -> LoopRig:
        return LoopRig(ServiceSettings(**settings), capacity, cost_s)

    return make


@pytest.fixture
def bench(make_bench) -> LoopRig:
    return make_bench()


@pytest.fixture
def streaming(make_bench) -> LoopRig:
    """A loop in a scan of 1 degree steps, 180 slots, with ten frames in."""
    made = make_bench()
    made.start()
    made.scan()
    made.send_frames(range(1, 11))
    return made
