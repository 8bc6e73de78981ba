"""The sweep and the changes while streaming, as Markdown."""

from tomostream.bench.reconfigure import ReconfigureResult
from tomostream.bench.sweep_result import GrowthPoint, SweepPoint, SweepResult


def sweep_tables(result: SweepResult, picture: str) -> str:
    """Give the tables of a sweep.

    Parameters
    ----------
    picture
        Where it is, from the page.
    """
    parts = [
        f"`tomostream bench --sweep`, {result.isa}, {result.threads} threads, memory "
        f"{result.memory_gb_per_s:.1f} GB/s; times in ms per projection:",
        f"![speed by size and batch, and with a growing ring]({picture})",
        _points(result.points),
        "\n".join(f"Left out or made smaller: {note}." for note in result.notes),
        _growth(result.growth),
    ]
    return "\n\n".join(part for part in parts if part)


def reconfigure_table(result: ReconfigureResult) -> str:
    """Give the table of changes."""
    lines = [
        f"`tomostream bench --reconfigure --size {result.size} --angles "
        f"{result.angles} --rate {result.rate_hz:g}`, {result.isa}; each change stays "
        "while the next ones are made:",
        "",
        "| changed | the whole ring is made anew after | longest gap between slices "
        "| frames used meanwhile |",
        "|---" * 4 + "|",
    ]
    for c in result.changes:
        finish = "not finished" if c.finish_s is None else f"{c.finish_s:.2f} s"
        used = "all" if c.decimation == 1 else f"1 of {c.decimation}"
        lines.append(f"| {c.name} | {finish} | {c.longest_gap_s:.2f} s | {used} |")
    return "\n".join(lines)


def _points(points: list[SweepPoint]) -> str:
    lines = [
        "| size (ring) | batch | ours | projections/s | GB/s | published algorithm "
        "| ratio (of single rounds) | memory's floor | x the floor |",
        "|---" * 9 + "|",
    ]
    for p in points:
        line = p.roofline
        slow = " (slow: see above)" if p.baseline_is_slow else ""
        floor = f"{line.floor_ms:.3f} | {line.distance:.1f}" if line else "|"
        lines.append(
            f"| {p.size} ({p.angles}) | {p.batch} | {p.ms:.3f} "
            f"| {p.projections_per_s:.0f} | {p.gigabytes_per_s:.2f} "
            f"| {p.baseline_ms:.2f}{slow} "
            f"| {p.ratio:.1f} ({p.ratio_low:.1f} to {p.ratio_high:.1f}) | {floor} |"
        )
    return "\n".join(lines)


def _growth(points: list[GrowthPoint]) -> str:
    if not points:
        return ""
    lines = [
        f"The ring grows, {points[0].size} x {points[0].size} pixels, batch "
        f"{points[0].batch}, ms:",
        "",
        "| projections in the ring | a projection | published algorithm "
        "| slice move x / y / z | the published one's |",
        "|---" * 5 + "|",
    ]
    for p in points:
        m = p.slice_move_ms
        lines.append(
            f"| {p.angles} | {p.ms:.3f} | {p.baseline_ms:.2f} "
            f"| {m.x:.1f} / {m.y:.1f} / {m.z:.1f} | {p.baseline_slice_move_ms:.0f} |"
        )
    return "\n".join(lines)
