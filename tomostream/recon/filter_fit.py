"""Fit FBP kernels by a few exponentials and write ``filter_table.py``.

Run as ``python -m tomostream.recon.filter_fit`` after a change of a kernel; it needs
scipy, which the package itself does not.

The unknown poles are found by nonlinear least squares; for given poles the weights
are a linear problem (variable projection: Golub & Pereyra, doi:10.1137/0710036).
Residuals are weighted by k^1.25, between the kernel's own decay and a relative error.
Kernels of filters that fall to zero at Nyquist alternate a little around their mean,
which negative poles follow. One more row asks that the sum over all k is 0, so that a
constant row gives zero however far it reaches.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from tomostream.core.parameters import FilterType
from tomostream.recon.filter_form import RecursiveFilter
from tomostream.recon.filters import RECURSIVE, kernel

F64 = NDArray[np.float64]

SIZES = tuple(1 << i for i in range(6, 14))
"""Row lengths of the table; a row uses the next larger one."""
WANTED_ERROR = 2e-5
"""Largest error of the frequency response, relative to its largest value. A ring of
halves adds 2e-4."""
TAPS = 3
"""Direct taps beside h[0]."""
LARGEST_WEIGHT = 0.5
"""Larger ones belong to poles that cancel each other, which costs digits in float32."""
DIGITS = 9
"""Give back the same float32."""


@dataclass(frozen=True, slots=True)
class _Problem:
    """The linear part: rows are weighted samples of the kernel, and its sum."""

    k: NDArray[np.int64]
    weight: F64
    wanted: F64
    sum_weight: float
    signs: F64
    is_odd: bool
    slowest: float

    def poles(self, log_rates: F64) -> F64:
        # No pole so fast that it only cancels another one, none slower than the row.
        rates = np.exp(np.clip(log_rates, np.log(self.slowest), 0.5))
        return self.signs * np.exp(-rates)

    def solve(self, log_rates: F64) -> tuple[F64, F64]:
        """Give the weights of pole^(k-1), and the residuals."""
        poles = self.poles(log_rates)
        rows = poles ** (self.k[:, None] - 1) * self.weight[:, None]
        stride = 2 if self.is_odd else 1
        sums = poles ** (self.k[0] - 1) / (1 - poles**stride) * self.sum_weight
        matrix = np.vstack([rows, sums])
        scale = np.linalg.norm(matrix, axis=0) + 1e-300
        found, *_ = np.linalg.lstsq(matrix / scale, self.wanted, rcond=1e-6)
        return found / scale, matrix @ (found / scale) - self.wanted


def fit(
    filter_type: FilterType, size: int, n_poles: int, n_negative: int = 0
) -> RecursiveFilter:
    """Fit a filter's kernel for rows of up to ``size`` columns."""
    h = kernel(filter_type, size)
    is_odd = filter_type is FilterType.RAMP
    stride = 2 if is_odd else 1
    places = 1 + stride * np.arange(TAPS)
    k = _samples(int(places[-1]) + stride, size, stride)
    weight = k**1.25 * np.sqrt(np.gradient(k.astype(np.float64)))
    sum_weight = 3.0 * np.sqrt(size)
    n_positive = n_poles - n_negative
    problem = _Problem(
        k=k,
        weight=weight.astype(np.float64),
        wanted=np.append(h[k] * weight, sum_weight * (-h[0] / 2 - h[places].sum())),
        sum_weight=float(sum_weight),
        signs=np.append(np.ones(n_positive), -np.ones(n_negative)),
        is_odd=is_odd,
        slowest=0.02 / size,
    )
    start = np.append(
        np.linspace(np.log(0.8 / size), 0.0, n_positive), np.linspace(-1, 0, n_negative)
    )
    best = least_squares(
        lambda rates: problem.solve(rates)[1] / abs(h[1]),
        start,
        max_nfev=300,
        xtol=1e-12,
        ftol=1e-12,
        gtol=1e-14,
    )
    weights, _ = problem.solve(best.x)
    poles = problem.poles(best.x)
    fitted = (weights * poles ** (places[:, None] - 1.0)).sum(axis=1)
    return RecursiveFilter(
        poles=tuple(poles.tolist()),
        weights=tuple(weights.tolist()),
        taps=(float(h[0]), *(h[places] - fitted).tolist()),
        odd=is_odd,
    )


def response_error(
    fitted: RecursiveFilter, filter_type: FilterType, size: int
) -> float:
    """Give the largest error of the response, relative to the largest response."""
    wanted = _response(kernel(filter_type, size))
    error = _response(fitted.kernel(size)) - wanted
    return float(np.abs(error).max() / np.abs(wanted).max())


def best_fit(filter_type: FilterType, size: int) -> RecursiveFilter:
    """Give the fit with the fewest poles that is good enough, or else the best."""
    best, best_error = None, np.inf
    for n_poles in (6, 7, 8):
        for n_negative in (0,) if filter_type is FilterType.RAMP else (0, 1, 2):
            fitted = fit(filter_type, size, n_poles, n_negative)
            error = response_error(fitted, filter_type, size)
            if error < best_error and max(map(abs, fitted.weights)) < LARGEST_WEIGHT:
                best, best_error = fitted, error
        if best is not None and best_error <= WANTED_ERROR:
            break
    if best is None:
        raise ArithmeticError(f"{filter_type} {size}: no fit without cancellation")
    return best


def table_source(sizes: Sequence[int] = SIZES) -> str:
    """Give the text of ``filter_table.py``."""
    lines = [
        '"""Fitted filters: name -> row length -> (poles, weights, taps).',
        "",
        "Written by ``python -m tomostream.recon.filter_fit``; do not edit.",
        '"""',
        "",
        "# fmt: off",
        "Entry = tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]",
        "",
        "TABLE: dict[str, dict[int, Entry]] = {",
    ]
    for filter_type in RECURSIVE:
        lines.append(f'    "{filter_type.value}": {{')
        for size in sizes:
            f = best_fit(filter_type, size)
            lines.append(f"        {size}: (")
            for numbers in (f.poles, f.weights, f.taps):
                text = ", ".join(f"{v:.{DIGITS}g}" for v in numbers)
                indent = " " * 12
                lines += textwrap.wrap(
                    f"({text}),", 88, initial_indent=indent, subsequent_indent=indent
                )
            lines.append("        ),")
        lines.append("    },")
    return "\n".join([*lines, "}", ""])


def _samples(first: int, size: int, stride: int) -> NDArray[np.int64]:
    """Give the k to fit: all of the first hundred, then fewer and fewer."""
    near = np.arange(first, min(size, first + 100 * stride), stride)
    far = np.geomspace(near[-1], size - 1, 300)
    far = first + stride * np.round((far - first) / stride).astype(int)
    return np.unique(np.append(near, far[far < size]))


def _response(h: F64) -> F64:
    circular = np.zeros(8 * len(h))
    circular[: len(h)] = h
    circular[1 - len(h) :] = h[:0:-1]
    return np.fft.rfft(circular).real


if __name__ == "__main__":
    Path(__file__).with_name("filter_table.py").write_text(
        table_source(), encoding="utf-8"
    )
