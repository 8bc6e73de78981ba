"""Fit a kernel by a few exponentials so that no frequency has much error.

Rates of the poles are found by nonlinear least squares; for given rates, weights and
direct taps are a linear problem (variable projection: Golub & Pereyra,
doi:10.1137/0710036). Lawson's method makes the largest error least: it is done again
and again, with weights that grow where the error is large (C. L. Lawson, thesis, UCLA
1961; J. R. Rice and K. H. Usow, Math. Comp. 22 (1968) 118). One more row asks that the
sum over all k is 0, so that a constant row gives zero however far it reaches.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from tomostream.recon.filter_form import RecursiveFilter
from tomostream.recon.filters import response_of

F64 = NDArray[np.float64]

OVERSAMPLING = 8
"""Of the frequencies of a row, where errors are looked at."""
FLOOR = 0.1
"""Errors count relative to the response, and to this part of the largest one: small
frequencies are what a slice's level hangs on."""
LARGEST_WEIGHT = 0.5
"""Larger ones belong to poles that cancel each other, which costs digits in float32."""
_ROUNDS = 25
_EXPONENT = 0.4
_LEAST = 0.02
_SUM = 1000.0


def response(h: F64) -> F64:
    """Give the response (4 n + 1) of an even kernel h[0] .. h[n - 1]."""
    return response_of(h, OVERSAMPLING * len(h))


def weighted_error(fitted: RecursiveFilter, wanted: F64) -> float:
    """Give the largest error, see `FLOOR`; wanted: the kernel for a row's length."""
    aim = response(wanted)
    error = np.abs(response(fitted.kernel(len(wanted))) - aim)
    return float((error / _tolerance(aim)).max())


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Poles to begin with."""

    poles: F64
    """Between -1 and 1; none is 0. They keep their signs."""
    n_taps: int
    """Direct taps beside h[0]."""
    odd: bool
    """The kernel is 0 for even k > 0."""


def minimax(wanted: F64, start: Start) -> RecursiveFilter | None:
    """Give the filter whose largest error is least; None: its poles cancel each other.

    Parameters
    ----------
    wanted
        (n), the kernel h[0] .. h[n - 1] for rows of n columns.
    start
        How many poles and taps, and where to look.
    """
    problem = _Problem.of(wanted, start)
    rates = np.log(-np.log(np.abs(start.poles)))
    weight = np.ones(len(problem.aim))
    best, best_error = None, np.inf
    for _ in range(_ROUNDS):
        rates = least_squares(
            lambda x, w=weight: problem.solved(x, w)[1], rates,
            max_nfev=15, xtol=1e-12, ftol=1e-12, gtol=1e-15,
        ).x  # fmt: skip
        found, errors = problem.filter(rates, weight)
        error = weighted_error(found, wanted)
        if error < best_error and max(map(abs, found.weights)) < LARGEST_WEIGHT:
            best, best_error = found, error
        weight = weight * (errors / errors.max() + _LEAST) ** _EXPONENT
        weight /= np.sqrt(np.mean(weight**2))
    return best


def _tolerance(aim: F64) -> F64:
    largest = np.abs(aim).max()
    return FLOOR * largest + (1 - FLOOR) * np.abs(aim)


@dataclass(frozen=True, slots=True)
class _Problem:
    omega: F64
    aim: F64
    tolerance: F64
    signs: F64
    taps: int
    stride: int
    length: int

    @classmethod
    def of(cls, wanted: F64, start: Start) -> "_Problem":
        aim = response(wanted)
        last = len(aim) - 1
        places = np.concatenate(
            [
                np.linspace(0, last, 400),
                np.geomspace(1, last, 400),
                last - np.geomspace(1, last, 150),
            ]
        )
        chosen = np.unique(np.round(places).astype(int))
        return cls(
            omega=np.pi * chosen / last, aim=aim[chosen],
            tolerance=_tolerance(aim)[chosen], signs=np.sign(start.poles),
            taps=start.n_taps, stride=2 if start.odd else 1,
            length=len(wanted),
        )  # fmt: skip

    def poles(self, rates: F64) -> F64:
        # None slower than the row, none so fast that it is a tap.
        least = np.log(0.02 / self.length)
        return self.signs * np.exp(-np.exp(np.clip(rates, least, 0.5)))

    def _terms(self, rates: F64) -> tuple[F64, F64]:
        """Give each unknown's response, and its sum over all k."""
        poles = self.poles(rates)
        turn = np.exp(1j * self.omega)[:, None]
        ratio = poles**self.stride * turn**self.stride
        count = len(range(1, self.length, self.stride))
        exponentials = 2 * (turn * (1 - ratio**count) / (1 - ratio)).real
        places = 1 + self.stride * np.arange(self.taps)
        direct = 2 * np.cos(self.omega[:, None] * places)
        terms = np.hstack([exponentials, np.ones((len(self.omega), 1)), direct])
        sums = np.concatenate(
            [2 / (1 - poles**self.stride), [1.0], np.full(self.taps, 2.0)]
        )
        return terms, sums

    def solved(self, rates: F64, weight: F64) -> tuple[F64, F64, F64]:
        """Give the unknowns, the residuals, and each unknown's response."""
        terms, sums = self._terms(rates)
        scale = weight / self.tolerance
        level = _SUM * np.sqrt(len(scale)) / self.tolerance.max()
        matrix = np.vstack([terms * scale[:, None], sums * level])
        wanted = np.append(self.aim * scale, 0.0)
        size = np.linalg.norm(matrix, axis=0)
        found, *_ = np.linalg.lstsq(matrix / size, wanted, rcond=1e-7)
        return found / size, matrix @ (found / size) - wanted, terms

    def filter(self, rates: F64, weight: F64) -> tuple[RecursiveFilter, F64]:
        """Give the filter with these rates, and its errors without sign."""
        found, _, terms = self.solved(rates, weight)
        n_poles = len(self.signs)
        fitted = RecursiveFilter(
            poles=tuple(self.poles(rates).tolist()),
            weights=tuple(found[:n_poles].tolist()),
            taps=tuple(found[n_poles:].tolist()),
            odd=self.stride == 2,
        )
        return fitted, np.abs(terms @ found - self.aim) / self.tolerance
