"""Write ``filter_table.py``: FBP kernels as a few exponentials and direct taps.

Run as ``python -m tomostream.recon.filter_fit`` after a change of a kernel; it needs
scipy, which the package itself does not, and some minutes.

Kernels of filters that fall to zero at Nyquist alternate a little around their mean,
which negative poles follow.
"""

import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tomostream.core.parameters import FilterType
from tomostream.recon.filter_form import RecursiveFilter
from tomostream.recon.filter_minimax import Start, minimax, response, weighted_error
from tomostream.recon.filters import RECURSIVE, kernel

F64 = NDArray[np.float64]

SIZES = tuple(1 << i for i in range(6, 14))
"""Row lengths of the table; a row uses the next larger one."""
WANTED_ERROR = 6e-5
"""Largest error of the frequency response, as `weighted_error` gives it. At high
frequencies a 16-bit ring adds as much."""
TAPS = 5
"""Direct taps beside h[0]. One costs a quarter of a pole."""
POLES = (5, 6, 7, 8)
DIGITS = 9
"""Give back the same float32."""


def best_fit(filter_type: FilterType, size: int) -> RecursiveFilter:
    """Give the fit with the fewest poles that is good enough, or else the best.

    For rows of up to ``size`` columns.
    """
    wanted = kernel(filter_type, size)
    best, best_error = None, np.inf
    for n_poles in POLES:
        for start in _starts(filter_type, size, n_poles):
            fitted = minimax(wanted, start)
            error = weighted_error(fitted, wanted) if fitted else np.inf
            if error < best_error:
                best, best_error = fitted, error
        if best_error <= WANTED_ERROR:
            break
    if best is None:
        raise ArithmeticError(f"{filter_type} {size}: no fit without cancellation")
    return best


def response_error(
    fitted: RecursiveFilter, filter_type: FilterType, size: int
) -> float:
    """Give the largest error of the response, relative to the largest response."""
    wanted = response(kernel(filter_type, size))
    error = response(fitted.kernel(size)) - wanted
    return float(np.abs(error).max() / np.abs(wanted).max())


def _starts(filter_type: FilterType, size: int, n_poles: int) -> Iterator[Start]:
    odd = filter_type is FilterType.RAMP
    fastest = 0.15 if odd else 0.7
    for n_negative in (0,) if odd else (0, 2):
        rates = np.geomspace(1 / size, fastest, n_poles - n_negative)
        negative = -np.exp(-np.geomspace(0.3, 1.0, n_negative))
        poles = np.append(np.exp(-rates), negative)
        yield Start(poles=poles, n_taps=TAPS, odd=odd)


def table_source(
    sizes: Sequence[int] = SIZES, filters: Sequence[FilterType] = RECURSIVE
) -> str:
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
    for filter_type in filters:
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


if __name__ == "__main__":
    Path(__file__).with_name("filter_table.py").write_text(
        table_source(), encoding="utf-8"
    )
