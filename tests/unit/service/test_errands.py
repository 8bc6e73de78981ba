"""What the loop has done by the thread beside the stream; no thread runs here."""

from typing import cast

import numpy as np
import pytest

from tomostream.core.geometry import Geometry, Planes
from tomostream.core.parameters import Parameters, ReconParameters
from tomostream.core.steps import RingRemoval, Steps
from tomostream.recon.engine import Engine
from tomostream.recon.ring_updates import Found
from tomostream.recon.steps import rings
from tomostream.service.beside import Beside, Task
from tomostream.service.errands import Errands
from tomostream.service.handover import Handover, Scene
from tomostream.testing.fakes import FakeClock

GEOMETRY = Geometry(n_z=12, n_x=40, n_slots=10, n_out=40)
RINGS = Steps(ring_removal=RingRemoval.FOURIER_WAVELET)


class Bench:
    """The thread beside the stream, a step at a time."""

    def __init__(self, *tasks: Task) -> None:
        self.clock = FakeClock()
        handover = Handover(self.clock)
        handover.take = lambda timeout_s: cast("Scene", object())
        self.beside = Beside(
            handover, tasks, parameters=Parameters, clock=self.clock, cpu_s=lambda: 0.0
        )

    def step(self) -> None:
        self.clock.advance(0.5)
        self.beside.step()


def engine(errand=None, steps=RINGS) -> Engine:
    made = Engine(backend="cpu", threads=1, ring_dtype="float", errand=errand)
    parameters = ReconParameters(
        center=20.0, planes=Planes.middle(GEOMETRY), steps=steps
    )
    made.configure(GEOMETRY, parameters)
    return made


def ring_removal() -> tuple[Bench, Engine]:
    """Give an engine and the thread beside it that finds its corrections."""
    errands = Errands[Found]()
    return Bench(errands.task("rings")), engine(errands)


def revolution(made: Engine, seed: int = 0) -> None:
    """Add ten frames with a stripe; twice, so that a mean would be of one of them."""
    random = np.random.default_rng(seed)
    frames = random.uniform(0.4, 1.0, (10, *GEOMETRY.frame_shape))
    frames[:, 3, 7 + seed] *= 0.5
    made.add(list(frames), 18.0 * np.arange(10), np.arange(10))


def refilter(made: Engine) -> None:
    while made.refilter(99):
        pass


def test_errands_are_done_one_at_a_time_and_the_newest_waits() -> None:
    errands, begun = Errands[int](), []

    def errand(number):
        def work():
            begun.append(number)
            if number == 1:
                # More come while this one is under way.
                errands.start(errand(2))
                errands.start(errand(3))
            return number

        return work

    bench = Bench(errands.task("errands"))
    assert errands.result() is None
    errands.start(errand(0))
    errands.start(errand(1))
    bench.step()
    assert begun == [1]
    assert (errands.result(), errands.result()) == (1, None)
    bench.step()
    bench.step()
    assert begun == [1, 3]
    assert errands.result() == 3


def test_an_errand_goes_before_the_views() -> None:
    errands, done = Errands[None](), []
    views = [
        Task(
            name=name, period_s=lambda _: 1.0, is_wanted=lambda: True,
            work=lambda _, name=name: done.append(name),
        )
        for name in ("a", "b")
    ]  # fmt: skip
    bench = Bench(*views, errands.task("errands"))
    for _ in range(10):
        bench.step()
    del done[:]
    errands.start(lambda: done.append("errand"))
    bench.clock.advance(3.0)
    bench.step()
    assert done == ["errand"]


def test_frames_go_on_until_the_correction_is_there() -> None:
    bench, made = ring_removal()
    plain = engine(steps=Steps())
    for e in (made, plain):
        revolution(e)
    made.adopt_correction()
    assert made.slots_waiting == 0
    np.testing.assert_array_equal(made.packed(), plain.packed())
    bench.step()
    # Found, but frames are not touched before the engine is told to.
    np.testing.assert_array_equal(made.packed(), plain.packed())
    made.adopt_correction()
    assert made.slots_waiting == GEOMETRY.n_slots
    refilter(made)
    at_once = engine()
    revolution(at_once)
    refilter(at_once)
    np.testing.assert_allclose(made.packed(), at_once.packed(), atol=1e-6)
    assert np.abs(made.packed() - plain.packed()).max() > 1e-3


def test_a_correction_is_also_taken_up_by_the_next_frames() -> None:
    bench, made = ring_removal()
    revolution(made)
    bench.step()
    made.add([np.ones(GEOMETRY.frame_shape)], np.zeros(1), np.zeros(1, int))
    assert made.slots_waiting == GEOMETRY.n_slots


def test_a_correction_of_what_is_over_is_not_used() -> None:
    bench, made = ring_removal()
    plain = engine(steps=Steps())
    revolution(made)
    made.reset()
    bench.step()
    made.adopt_correction()
    assert made.slots_waiting == 0
    for e in (made, plain):
        revolution(e, 1)
    np.testing.assert_array_equal(made.packed(), plain.packed())


@pytest.mark.parametrize("fault", [KeyError, MemoryError])
def test_a_fault_of_the_worker_is_told_and_the_next_revolution_tries_again(
    fault, monkeypatch
) -> None:
    def fail(*_, **__):
        raise fault("64 MiB")

    bench, made = ring_removal()
    monkeypatch.setattr(rings, "ring_correction", fail)
    revolution(made)
    bench.step()
    made.adopt_correction()
    assert "64 MiB" in made.problem
    monkeypatch.undo()
    revolution(made)
    bench.step()
    made.adopt_correction()
    assert not made.problem
    assert made.slots_waiting == GEOMETRY.n_slots
