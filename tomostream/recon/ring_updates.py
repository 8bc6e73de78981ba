"""When the correction of ring artefacts is made anew: once per revolution."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tomostream.core.errors import NotEnoughMemoryError, StepFailedError
from tomostream.core.ports import Errand
from tomostream.core.steps import RingRemoval, Steps
from tomostream.recon.backend import F32, Backend

logger = logging.getLogger(__name__)

Correction = Callable[[F32, RingRemoval, float], F32]
"""Mean line integrals (n_z, n_x), method, widest ring in pixels -> what to subtract."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What became of a mean."""

    correction: F32 | None
    """(n_z, n_x), subtracted from line integrals; None: there is none."""
    problem: str
    """Why there is none; empty: there is one."""
    start: int
    """Which restart it belongs to."""


class AtOnce:
    """An errand that is done while one waits."""

    def __init__(self) -> None:
        self._found: Found | None = None

    def start(self, work: Callable[[], Found]) -> None:
        """Do it."""
        self._found = work()

    def result(self) -> Found | None:
        """Give what was found since the last call."""
        found, self._found = self._found, None
        return found


class RingUpdates:
    """Turns the mean line integrals of each revolution into a correction.

    Stripes of the sinogram stand still while the sample turns, so they show in the mean
    of a revolution's projections. Owned by the recon thread.

    Parameters
    ----------
    correct
        Makes the correction.
    errand
        Where that is done: at 2048 x 2048 it takes most of a second.
    """

    def __init__(
        self, backend: Backend, correct: Correction, errand: Errand[Found] | None = None
    ) -> None:
        self._backend, self._correct = backend, correct
        self._errand: Errand[Found] = errand or AtOnce()
        self._steps = Steps()
        self._wanted = self._collected = self._start = 0
        self._is_first = True
        self.problem = ""
        """Why rings are not removed; empty: they are, or are not to be."""

    @property
    def is_on(self) -> bool:
        """Whether rings are to be removed."""
        return self._steps.ring_removal is not RingRemoval.NONE

    def restart(self, steps: Steps, n_slots: int) -> None:
        """Correct nothing until the mean of n_slots projections is known."""
        self._steps, self._wanted = steps, n_slots
        self._collected, self._is_first = 0, True
        self._start += 1
        self.problem = ""
        self._backend.set_correction(None)
        self._backend.mean_lines()

    def count(self, frames: int, *, is_pass_over: bool = False) -> bool:
        """Note processed frames; tell whether the ring should be processed again.

        Parameters
        ----------
        frames
            Projections that the backend has added to the mean.
        is_pass_over
            All frames kept have just been processed again: there will be no better
            mean soon, half a revolution is enough.
        """
        if not self.is_on:
            return False
        self._collected += frames
        enough = self._wanted
        if is_pass_over and self._is_first:
            enough = (enough + 1) // 2
        if self._collected >= enough:
            self._send_mean()
        return self.adopt()

    def adopt(self) -> bool:
        """Use a correction that was found; tell whether to process the ring again."""
        found = self._errand.result()
        if found is None or found.start != self._start:
            return False
        self._use(found)
        was_first = self._is_first
        self._is_first = was_first and bool(self.problem)
        return was_first and not self.problem

    def _send_mean(self) -> None:
        self._collected = 0
        mean, count = self._backend.mean_lines()
        if not count:
            return
        method, width = self._steps.ring_removal, self._steps.ring_width
        correct, start = self._correct, self._start

        def work() -> Found:
            try:
                correction = correct(mean, method, width)
            except StepFailedError as exc:
                return Found(correction=None, problem=str(exc), start=start)
            return Found(correction=correction, problem="", start=start)

        self._errand.start(work)

    def _use(self, found: Found) -> None:
        self.problem = found.problem
        try:
            self._backend.set_correction(found.correction)
        except NotEnoughMemoryError as exc:
            self.problem = f"ring removal is off: {exc}"
            self._backend.set_correction(None)
        if self.problem:
            logger.warning("rings stay: %s", self.problem)


def ring_correction(mean: F32, method: RingRemoval, width: float) -> F32:
    """Give what to subtract from line integrals, (n_z, n_x).

    Raises
    ------
    StepFailedError
        The mean cannot be decomposed, or the correction would not be finite.
    """
    try:
        # Loads wavelets, which an engine without rings to remove does not need.
        from tomostream.recon.steps import rings

        correction = rings.ring_correction(mean, method=method, width=width)
    except Exception as exc:
        # Whatever it is, it costs the correction and is told, not the stream.
        raise StepFailedError(f"ring removal: {exc}") from exc
    if not np.isfinite(correction).all():
        raise StepFailedError("ring removal: the mean of a revolution is not finite")
    return correction
