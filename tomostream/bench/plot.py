"""The sweep as a picture."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tomostream.bench.sweep_result import SweepPoint, SweepResult
from tomostream.core.errors import ConfigurationError

FORMATS = (".png", ".svg", ".pdf")
_COLOURS = ("#1b6ca8", "#d1495b", "#2e933c", "#8d5a97", "#c78500")
_GREY = "#777777"


def check_plot(path: Path) -> None:
    """Refuse a picture that cannot be made, before minutes have gone.

    Raises
    ------
    ConfigurationError
        matplotlib is not installed, or the name ends otherwise than `FORMATS`.
    """
    if path.suffix.lower() not in FORMATS:
        expected = ", ".join(FORMATS)
        raise ConfigurationError(f"plot: expected a name in {expected}, got {path}")
    if find_spec("matplotlib") is None:
        raise ConfigurationError(
            "a plot needs matplotlib: pip install 'tomostream[bench]'"
        )


def write_plot(result: SweepResult, path: Path) -> None:
    """Draw speed, ratio, distance to the memory and the growing ring into a file."""
    check_plot(path)
    # Without pyplot: no window system is looked for, and nothing global is changed.
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    # The same figures give the same file.
    style: Any = {"svg.hashsalt": "tomostream", "font.size": 9, "svg.fonttype": "none"}
    with rc_context(style):
        figure = Figure(figsize=(9.0, 6.6), layout="constrained")
        figure.suptitle(_title(result), fontsize=10)
        axes: Any = figure.subplots(2, 2)
        _draw_rate(axes[0][0], result)
        _draw_bytes(axes[0][1], result)
        _draw_ratio(axes[1][0], result)
        _draw_growth(axes[1][1], result)
        # An SVG would have the time of its making in it.
        dateless = {"Date": None} if path.suffix.lower() == ".svg" else None
        figure.savefig(path, dpi=100, metadata=dateless)


def _title(result: SweepResult) -> str:
    return (
        f"{result.cpu}, {result.threads} threads, {result.backend} {result.isa}, "
        f"{result.ring} ring"
    )


def _draw_rate(axes: Any, result: SweepResult) -> None:
    for colour, batch, points in _by_batch(result):
        sizes = [p.size for p in points]
        rates = [p.projections_per_s for p in points]
        axes.loglog(sizes, rates, "o-", color=colour, label=f"batch {batch}")
        theirs = [1e3 / p.baseline_ms for p in points]
        axes.loglog(sizes, theirs, "o:", color=colour, markersize=3)
    axes.plot([], [], ":", color=_GREY, label="published algorithm")
    _finish(axes, "projections/s, three slices after each batch", _sizes(result))


def _draw_bytes(axes: Any, result: SweepResult) -> None:
    for colour, batch, points in _by_batch(result):
        sizes = [p.size for p in points]
        speeds = [p.gigabytes_per_s for p in points]
        axes.loglog(sizes, speeds, "o-", color=colour, label=f"batch {batch}")
        lines = [(p.size, p.roofline) for p in points if p.roofline]
        if lines:
            most = [2e-6 * size**2 / line.floor_ms for size, line in lines]
            axes.loglog([size for size, _ in lines], most, "--", color=colour, lw=0.8)
    axes.plot([], [], "--", color=_GREY, label="if only memory took time")
    _finish(axes, "GB/s of raw 16-bit frames", _sizes(result))


def _draw_ratio(axes: Any, result: SweepResult) -> None:
    for colour, batch, points in _by_batch(result):
        ratios = [p.ratio for p in points]
        spread = [
            [p.ratio - p.ratio_low for p in points],
            [p.ratio_high - p.ratio for p in points],
        ]
        axes.errorbar(
            [p.size for p in points], ratios, spread, fmt="o-", color=colour,
            capsize=3, label=f"batch {batch}",
        )  # fmt: skip
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    _finish(axes, "times as fast as the published algorithm", _sizes(result))


def _draw_growth(axes: Any, result: SweepResult) -> None:
    growth = result.growth
    angles = [p.angles for p in growth]
    moves = [p.slice_move_ms.z for p in growth]
    own, other = _COLOURS[:2]
    lines = (
        ([p.ms for p in growth], "o-", own, "a projection"),
        (moves, "s--", own, "a moved slice"),
        ([p.baseline_ms for p in growth], "o-", other, "a projection, published"),
        (
            [p.baseline_slice_move_ms for p in growth], "s--", other,
            "a moved slice, published",
        ),
    )  # fmt: skip
    for values, form, colour, label in lines:
        axes.loglog(angles, values, form, color=colour, label=label)
    size = f" of {growth[0].size} x {growth[0].size}" if growth else ""
    _finish(axes, "ms as the ring grows", angles, across=f"projections{size} in it")
    # Room for the legend above the lines.
    axes.set_ylim(top=30 * axes.get_ylim()[1])
    axes.legend(fontsize=8, frameon=False, ncols=2, loc="upper left")


def _finish(
    axes: Any, title: str, ticks: list[int], across: str = "rows and columns"
) -> None:
    axes.set_title(title, fontsize=9)
    axes.set_xlabel(across)
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.grid(visible=True, color="#dddddd", lw=0.6)
    axes.legend(fontsize=8, frameon=False)


def _by_batch(result: SweepResult) -> list[tuple[str, int, list[SweepPoint]]]:
    batches = sorted({p.batch for p in result.points})
    return [
        (
            _COLOURS[i % len(_COLOURS)],
            batch,
            sorted(
                (p for p in result.points if p.batch == batch), key=lambda p: p.size
            ),
        )
        for i, batch in enumerate(batches)
    ]


def _sizes(result: SweepResult) -> list[int]:
    return sorted({p.size for p in result.points})
