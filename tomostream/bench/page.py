"""The figures of the documentation, as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass

from tomostream.bench.accuracy import AXES, AccuracyTable
from tomostream.bench.reconfigure import ReconfigureConfig
from tomostream.bench.result import PHASE, BenchConfig, BenchResult
from tomostream.bench.roofline import Roofline
from tomostream.bench.sweep_result import SweepConfig
from tomostream.core.errors import ConfigurationError

BEGIN = "<!-- measured: begin -->"
END = "<!-- measured: end -->"

RUNS = (
    BenchConfig(size=512, angles=360, batch=8, accuracy=True),
    BenchConfig(size=512, angles=360, batch=8, isa="avx2", accuracy=False),
    BenchConfig(size=512, angles=360, batch=8, isa="baseline", accuracy=False),
    BenchConfig(size=512, angles=360, batch=1, accuracy=False),
    BenchConfig(size=1024, angles=720, batch=8, accuracy=False),
    BenchConfig(size=512, angles=360, batch=8, accuracy=False, dezinger=3, phase=PHASE),
    BenchConfig(size=512, angles=360, batch=8, accuracy=False, phase=PHASE),
)
"""What the page shows; the first one has the table of errors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that is measured for the page."""

    runs: tuple[BenchConfig, ...]
    sweep: SweepConfig
    reconfigure: ReconfigureConfig


PLAN = Plan(
    runs=RUNS,
    sweep=SweepConfig(base=BenchConfig(accuracy=False)),
    reconfigure=ReconfigureConfig(base=BenchConfig(accuracy=False)),
)


def page_with(page: str, tables: str) -> str:
    """Give the page with new text between its markers.

    Raises
    ------
    ConfigurationError
        The page does not have both markers, in order.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ConfigurationError(f"page: expected the markers {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{tables}\n{END}{after}"


def tables(results: Sequence[BenchResult]) -> str:
    """Give the tables of speed and of errors."""
    parts = [_speed(results)]
    parts += [_errors(result.accuracy) for result in results if result.accuracy]
    return "\n\n".join(parts)


def command(result: BenchResult) -> str:
    """Give the command that measures this again."""
    text = (
        f"tomostream bench --size {result.size} --angles {result.angles} "
        f"--batch {result.batch} --isa {result.isa}"
    )
    if result.dezinger:
        text += f" --dezinger {result.dezinger}"
    return text + " --phase" if result.phase else text


def _speed(results: Sequence[BenchResult]) -> str:
    machines = sorted({f"{r.cpu}, {r.threads} threads" for r in results})
    load, line = results[0].load_average, results[0].roofline
    lines = [
        f"Measured on: {'; '.join(machines)}. Medians of {results[0].rounds} rounds; "
        f"times in ms. {_memory(line)}Load average before the start: "
        f"{'unknown' if load is None else f'{load:.1f}'}.",
        "",
        "| command | a projection | projections/s | GB/s | published algorithm "
        "| ratio (of single rounds) | x memory's floor | one frame to slices "
        "| slice move x / y / z "
        "| the published one's | cores taken by others |",
        "|---" * 11 + "|",
    ]
    for r in results:
        moves = r.slice_move_ms
        slow = " (slow: see above)" if r.baseline_is_slow else ""
        lines.append(
            f"| `{command(r)}` | {r.ms:.3f} | {r.projections_per_s:.0f} "
            f"| {r.gigabytes_per_s:.2f} | {r.baseline_ms:.2f}{slow} "
            f"| {r.ratio:.1f} ({r.ratio_low:.1f} to {r.ratio_high:.1f}) | {_floor(r)} "
            f"| {r.arrival_ms:.2f} | {moves.x:.1f} / {moves.y:.1f} / {moves.z:.1f} "
            f"| {r.baseline_slice_move_ms:.0f} | {_others(r)} |"
        )
    return "\n".join([*lines, "", *_stages(results)])


def _memory(line: Roofline | None) -> str:
    return f"Memory: {line.memory_gb_per_s:.1f} GB/s. " if line else ""


def _floor(result: BenchResult) -> str:
    return f"{result.roofline.distance:.1f}" if result.roofline else ""


def _others(result: BenchResult) -> str:
    return "unknown" if result.other_load is None else f"{result.other_load:.1f}"


def _stages(results: Sequence[BenchResult]) -> list[str]:
    lines = [
        "Where the time goes, thread-ms per projection for ours, ms for the published "
        "one:",
        "",
        "| size, batch, instructions | ours | published algorithm |",
        "|---|---|---|",
    ]
    for r in results:
        ours = ", ".join(f"{k} {v:.3f}" for k, v in r.stage_ms.items())
        theirs = ", ".join(f"{k} {v:.2f}" for k, v in r.baseline_stage_ms.items())
        steps = ", zingers" * bool(r.dezinger) + ", phase" * bool(r.phase)
        lines.append(f"| {r.size}, {r.batch}, {r.isa}{steps} | {ours} | {theirs} |")
    return lines


def _errors(table: AccuracyTable) -> str:
    names = " | ".join(axis.upper() for axis in AXES)
    lines = [
        f"Relative L2 error and bias inside the disc, {table.size} columns, "
        f"{table.angles} angles:",
        "",
        f"| method | {names} |",
        "|---" * 4 + "|",
    ]
    for row in table.rows:
        cells = [
            f"{row.error_l2[a]:.4f}, {100.0 * row.bias[a]:+.2f} %"
            if row.error_l2 and row.bias
            else row.note
            for a in AXES
        ]
        lines.append(f"| {row.method} | {' | '.join(cells)} |")
    half = " / ".join(f"{table.half_vs_float[axis]:.1e}" for axis in AXES)
    lines += ["", f"Half-precision ring against float32, Z / Y / X: {half}."]
    return "\n".join(lines)
