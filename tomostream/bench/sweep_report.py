"""What a sweep found, as text for a terminal."""

from rich.table import Table

from tomostream.bench.report import load_notes, table_text
from tomostream.bench.sweep_result import GrowthPoint, SweepPoint, SweepResult


def sweep_text(result: SweepResult) -> str:
    """Give the tables of a sweep, with what must be known to read them."""
    parts = [_points_text(result.points)] if result.points else []
    parts += [_growth_text(result.growth)] if result.growth else []
    return "\n".join(
        [
            *parts,
            f"{result.cpu}, {result.threads} threads, {result.backend} {result.isa}, "
            f"{result.ring} ring, memory {result.memory_gb_per_s:.1f} GB/s; medians of "
            f"{result.rounds} rounds",
            *(f"NOTE: {note}" for note in result.notes),
            *_slow_notes(result.points),
            *load_notes(result.load_average, result.other_load),
        ]
    )


def _points_text(points: list[SweepPoint]) -> str:
    table = Table(title="sizes and batches; ms are those of a projection")
    for name in (
        "size", "ring", "batch", "ms", "published", "ratio", "1/s", "GB/s",
        "x memory's",
    ):  # fmt: skip
        table.add_column(name, justify="right")
    for p in points:
        table.add_row(
            f"{p.size}", f"{p.angles}", f"{p.batch}", f"{p.ms:.3f}",
            f"{p.baseline_ms:.2f}", f"{p.ratio:.1f}", f"{p.projections_per_s:.0f}",
            f"{p.gigabytes_per_s:.2f}",
            f"{p.roofline.distance:.1f}" if p.roofline else "",
        )  # fmt: skip
    return table_text(table)


def _slow_notes(points: list[SweepPoint]) -> list[str]:
    slow = [f"{p.size} (batch {p.batch})" for p in points if p.baseline_is_slow]
    if not slow:
        return []
    return [
        "NOTE: the published algorithm ran at less than half the speed that is "
        f"expected of it, the ratio flatters us: {', '.join(slow)}."
    ]


def _growth_text(points: list[GrowthPoint]) -> str:
    first = points[0]
    table = Table(
        title=f"the ring grows: {first.size} x {first.size} pixels, batch {first.batch}"
    )
    for name in (
        "projections", "ms for one", "published", "slice move x / y / z, ms",
        "published",
    ):  # fmt: skip
        table.add_column(name, justify="right")
    for p in points:
        m = p.slice_move_ms
        table.add_row(
            f"{p.angles}", f"{p.ms:.3f}", f"{p.baseline_ms:.2f}",
            f"{m.x:.1f} / {m.y:.1f} / {m.z:.1f}", f"{p.baseline_slice_move_ms:.0f}",
        )  # fmt: skip
    return table_text(table)
