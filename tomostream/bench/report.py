"""What a measurement found, as text for a terminal."""

import io
import math

from rich.console import Console
from rich.table import Table

from tomostream.bench.accuracy import AXES, Accuracy, AccuracyTable
from tomostream.bench.memory import MemoryNeed
from tomostream.bench.result import BenchResult
from tomostream.bench.roofline import Roofline

_WIDTH = 88
QUIET = 0.1
"""Cores that other programs may take without a note."""
BUSY_LOAD = 0.5
"""Load average before the start without a note."""


def speed_text(result: BenchResult) -> str:
    """Give the table of speeds, with what must be known to read it."""
    table = Table(
        title=f"{result.size} x {result.size} pixels, {result.angles} projections, "
        f"batch {result.batch}"
    )
    for name in ("", "tomostream", "published algorithm"):
        table.add_column(name, justify="right" if name else "left")
    baseline_s = result.baseline_projections_per_s
    pixels = 2e-9 * result.size**2
    moves = result.slice_move_ms
    rows = (
        ("ms per projection", f"{result.ms:.3f}", f"{result.baseline_ms:.2f}"),
        ("projections/s", f"{result.projections_per_s:.0f}", f"{baseline_s:.0f}"),
        ("GB/s", f"{result.gigabytes_per_s:.2f}", f"{baseline_s * pixels:.3f}"),
        ("one frame to slices, ms", f"{result.arrival_ms:.2f}", ""),
        (
            "slice move x / y / z, ms",
            f"{moves.x:.1f} / {moves.y:.1f} / {moves.z:.1f}",
            f"{result.baseline_slice_move_ms:.0f}",
        ),
    )
    for row in rows:
        table.add_row(*row)
    stages = ", ".join(f"{k} {v:.3f}" for k, v in result.stage_ms.items())
    baseline_stages = ", ".join(
        f"{k} {v:.2f}" for k, v in result.baseline_stage_ms.items()
    )
    lines = [
        table_text(table),
        f"ratio {result.ratio:.1f} (rounds {result.ratio_low:.1f} to "
        f"{result.ratio_high:.1f}, median of {result.rounds})",
        *_step_lines(result),
        *roofline_lines(result.roofline),
        f"{result.cpu}, {result.threads} threads, {result.backend} {result.isa}, "
        f"{result.ring} ring, {result.memory_gib:.2f} GiB",
        f"stages, thread ms per projection: {stages}",
        f"published algorithm, ms per projection: {baseline_stages}",
    ]
    if result.baseline_is_slow:
        lines.append(
            "NOTE: the published algorithm ran at less than half the speed that is "
            "expected of it here: the ratio flatters us. Is the machine busy?"
        )
    if result.backend != "cpu":
        lines.append("NOTE: the published algorithm ran on the CPU.")
    lines += load_notes(result.load_average, result.other_load)
    return "\n".join(lines)


def roofline_lines(line: Roofline | None) -> list[str]:
    """Say what the memory alone would take; nothing where it is not known."""
    if line is None:
        return []
    return [
        f"memory: {1e-6 * line.bytes_per_projection:.2f} MB per projection at "
        f"{line.memory_gb_per_s:.1f} GB/s (measured) take {line.floor_ms:.3f} ms; "
        f"we take {line.distance:.1f} times that"
    ]


def load_notes(load: float | None, other_load: float | None = None) -> list[str]:
    """Warn where the figures are those of a busy machine."""
    notes: list[str] = []
    if other_load is not None and other_load > QUIET:
        notes.append(
            f"NOTE: other programs took {other_load:.1f} cores meanwhile. The "
            "figures are those of a busy machine."
        )
    if load is not None and load > BUSY_LOAD:
        notes.append(
            f"NOTE: in the minute before, {load:.1f} threads wanted to run (load "
            "average). Did something else run?"
        )
    return notes


def _step_lines(result: BenchResult) -> list[str]:
    steps: list[str] = []
    if result.dezinger:
        steps.append(f"zingers by a median of radius {result.dezinger}")
    if result.phase:
        p = result.phase
        steps.append(
            f"Paganin at {p.energy_kev:g} keV, {p.distance_mm:g} mm, "
            f"{p.pixel_um:g} um, alpha {p.alpha:g}"
        )
    return [f"both with {' and '.join(steps)}"] if steps else []


def accuracy_text(table: AccuracyTable) -> str:
    """Give the table of errors."""
    text = Table(
        title=f"relative L2 error | bias, inside the disc; {table.size} columns, "
        f"{table.angles} angles"
    )
    text.add_column("method")
    for axis in AXES:
        text.add_column(axis.upper(), justify="right")
    for row in table.rows:
        text.add_row(row.method, *(_cell(row, axis) for axis in AXES))
    half = " / ".join(f"{table.half_vs_float[axis]:.1e}" for axis in AXES)
    return f"{table_text(text)}\nhalf-precision ring against float32, Z / Y / X: {half}"


def memory_text(needs: list[MemoryNeed]) -> str:
    """Give the table of memory."""
    table = Table(title="memory, GiB, computed")
    for name in ("size", "projections", "ring", "raw frames", "queue, at most", "sum"):
        table.add_column(name, justify="right")
    for need in needs:
        table.add_row(
            f"{need.size}", f"{need.angles}", f"{need.ring:.2f}", f"{need.raw:.2f}",
            f"{need.queue:.2f}", f"{need.total:.2f}",
        )  # fmt: skip
    return table_text(table)


def _cell(row: Accuracy, axis: str) -> str:
    if row.error_l2 is None or row.bias is None:
        return row.note
    bias = row.bias[axis]
    # 0.0 is not to be shown as -0.0.
    percent = 0.0 if math.isclose(bias, 0.0, abs_tol=5e-5) else 100.0 * bias
    return f"{row.error_l2[axis]:.4f} | {percent:+.2f} %"


def table_text(table: Table) -> str:
    """Give the table in plain characters."""
    console = Console(file=io.StringIO(), width=_WIDTH)
    with console.capture() as captured:
        console.print(table)
    return captured.get().rstrip()
