"""When the correction of ring artefacts is made anew: once per revolution."""

import logging
from collections.abc import Callable

import numpy as np

from tomostream.core.errors import StepFailedError
from tomostream.core.steps import RingRemoval, Steps
from tomostream.recon.backend import F32, Backend

logger = logging.getLogger(__name__)

Correction = Callable[[F32, RingRemoval, float], F32]
"""Mean line integrals (n_z, n_x), method, widest ring in pixels -> what to subtract."""


class RingUpdates:
    """Turns the mean line integrals of each revolution into a correction.

    Stripes of the sinogram stand still while the sample turns, so they show in the mean
    of a revolution's projections. Owned by the recon thread.
    """

    def __init__(self, backend: Backend, correct: Correction) -> None:
        self._backend, self._correct = backend, correct
        self._steps = Steps()
        self._wanted = self._collected = 0
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
        if self._collected < enough:
            return False
        self._update()
        was_first, self._is_first = self._is_first, False
        return was_first

    def _update(self) -> None:
        self._collected = 0
        mean, count = self._backend.mean_lines()
        if not count:
            return
        method, width = self._steps.ring_removal, self._steps.ring_width
        try:
            correction, self.problem = self._correct(mean, method, width), ""
        except StepFailedError as exc:
            correction, self.problem = None, str(exc)
            logger.warning("rings stay: %s", exc)
        self._backend.set_correction(correction)


def ring_correction(mean: F32, method: RingRemoval, width: float) -> F32:
    """Give what to subtract from line integrals, (n_z, n_x).

    Raises
    ------
    StepFailedError
        The mean cannot be decomposed, or the correction would not be finite.
    """
    # Loads wavelets, which an engine without rings to remove does not need.
    from tomostream.recon.steps import rings

    try:
        correction = rings.ring_correction(mean, method=method, width=width)
    except (ValueError, ArithmeticError, MemoryError) as exc:
        raise StepFailedError(f"ring removal: {exc}") from exc
    if not np.isfinite(correction).all():
        raise StepFailedError("ring removal: the mean of a revolution is not finite")
    return correction
