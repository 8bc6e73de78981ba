"""When rings are corrected anew, without any arithmetic."""

import numpy as np

from tomostream.core.steps import RingRemoval, Steps
from tomostream.recon.cpu.backend import CpuBackend
from tomostream.recon.ring_updates import RingUpdates

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


def test_correction_that_is_not_finite_is_not_used() -> None:
    backend, rings = made(correct=lambda mean, method, width: mean * np.nan)
    rings.count(10)
    assert backend.corrections == [None, None]


def test_a_restart_forgets_what_was_collected() -> None:
    backend, rings = made()
    rings.count(9)
    rings.restart(ON, 10)
    assert backend.corrections == [None, None]
    assert not rings.count(9)
    assert rings.count(1)
