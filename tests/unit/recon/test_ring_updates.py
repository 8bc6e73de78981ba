"""When rings are corrected anew, and that frames of any size can be."""

import numpy as np
import pytest

from tomostream.core.errors import StepFailedError
from tomostream.core.geometry import Geometry, Planes
from tomostream.core.parameters import ReconParameters
from tomostream.core.steps import RingRemoval, Steps
from tomostream.recon import Engine
from tomostream.recon.cpu.backend import CpuBackend
from tomostream.recon.ring_updates import RingUpdates, ring_correction

ON = Steps(ring_removal=RingRemoval.HIGH_PASS, ring_width=7.0)


class Collector(CpuBackend):
    """Remembers the corrections it is given."""

    def __init__(self) -> None:
        self.corrections: list[np.ndarray | None] = []

    def set_correction(self, correction) -> None:
        self.corrections.append(correction)

    def mean_lines(self):
        return np.ones((2, 3), np.float32), 5


def made(steps: Steps = ON, correct=lambda mean, method, width: mean * width):
    backend = Collector()
    rings = RingUpdates(backend, correct)
    rings.restart(steps, 10)
    assert backend.corrections == [None]
    return backend, rings


def test_nothing_is_corrected_while_rings_stay() -> None:
    backend, rings = made(Steps())
    assert not rings.count(1000)
    assert len(backend.corrections) == 1


def test_first_revolution_asks_for_the_ring_the_next_do_not() -> None:
    backend, rings = made()
    told = [rings.count(5) for _ in range(6)]
    assert told == [False, True, False, False, False, False]
    assert len(backend.corrections) == 4
    np.testing.assert_array_equal(backend.corrections[-1], np.full((2, 3), 7.0))


def test_half_a_revolution_is_enough_when_there_is_no_more() -> None:
    _, rings = made()
    assert not rings.count(4, is_pass_over=True)
    assert rings.count(1, is_pass_over=True)
    # With a correction at hand a better one can wait.
    assert not rings.count(6, is_pass_over=True)


def test_a_correction_that_cannot_be_made_is_told_and_the_next_may_be() -> None:
    def correct(mean, method, width):
        if len(tried) < 1:
            tried.append(mean)
            raise StepFailedError("no wavelets today")
        return mean

    tried: list[np.ndarray] = []
    backend, rings = made(correct=correct)
    rings.count(10)
    assert backend.corrections == [None, None]
    assert rings.problem == "no wavelets today"
    rings.count(10)
    assert backend.corrections[-1] is not None
    assert not rings.problem


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("method", [RingRemoval.HIGH_PASS, RingRemoval.FOURIER_WAVELET])
def test_no_correction_is_made_of_what_is_not_finite(value, method) -> None:
    mean = np.ones((10, 40), np.float32)
    mean[3, 4] = value
    with (
        pytest.raises(StepFailedError, match="ring removal"),
        np.errstate(all="ignore"),
    ):
        ring_correction(mean, method, 4.0)


def test_a_restart_forgets_what_was_collected() -> None:
    backend, rings = made()
    rings.count(9)
    rings.restart(ON, 10)
    assert backend.corrections == [None, None]
    assert not rings.count(9)
    assert rings.count(1)


@pytest.mark.parametrize("method", [RingRemoval.FOURIER_WAVELET, RingRemoval.HIGH_PASS])
@pytest.mark.parametrize("n_x", [4, 33])
@pytest.mark.parametrize("width", [1.0, 200.0])
def test_rings_of_any_width_are_removed_from_frames_of_any(
    method: RingRemoval, n_x: int, width: float
) -> None:
    geometry = Geometry(n_z=3, n_x=n_x, n_slots=2, n_out=n_x)
    steps = Steps(ring_removal=method, ring_width=width)
    engine = Engine(threads=1)
    engine.configure(
        geometry,
        ReconParameters(center=2.0, planes=Planes.middle(geometry), steps=steps),
    )
    random = np.random.default_rng(0)
    for _ in range(3):
        frames = list(random.random((2, *geometry.frame_shape)))
        engine.add(frames, np.array([0.0, 90.0]), np.arange(2))
        engine.refilter(9)
    assert np.isfinite(engine.packed()).all()
