"""The two forms in which a backend takes a filter: recursive or spectral."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecursiveFilter:
    """A kernel as direct taps and exponentials, run forward and backward along a row.

    h[0] = taps[0]; h[k] = sum of weights * poles ** (k - 1), plus taps[1:] at
    k = 1, 2, ..., or at k = 1, 3, ... if odd. If odd, h[k] = 0 for even k > 0.
    """

    poles: tuple[float, ...]
    weights: tuple[float, ...]
    taps: tuple[float, ...]
    odd: bool

    def kernel(self, length: int) -> F64:
        """Give h[0] .. h[length - 1]."""
        k = np.arange(length)
        poles, weights = np.array(self.poles), np.array(self.weights)
        h = (weights * poles ** (k[:, None] - 1.0)).sum(axis=1)
        if self.odd:
            h[k % 2 == 0] = 0.0
        h[0] = self.taps[0]
        for place, tap in zip(self.tap_places(), self.taps[1:], strict=True):
            if place < length:
                h[place] += tap
        return h

    def tap_places(self) -> tuple[int, ...]:
        """Give the k > 0 that have a direct tap."""
        step = 2 if self.odd else 1
        return tuple(1 + step * i for i in range(len(self.taps) - 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class SpectralFilter:
    """A kernel as the frequency response of a zero-padded row."""

    response: F64
    """(size / 2 + 1), dimensionless; real, because the kernel is even."""
    tail: F64
    """(n_x), the sum of h[k] over k > column: what a constant edge value adds."""
