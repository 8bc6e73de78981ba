"""`tomostream bench`: our engine against the published algorithm, in one run."""

from collections.abc import Callable
from dataclasses import replace
from statistics import median

from tomostream.bench.accuracy import measure_accuracy
from tomostream.bench.machine import (
    OtherLoad,
    cpu_model,
    load_average,
    memory_gb_per_s,
)
from tomostream.bench.memory import GIB, memory_table
from tomostream.bench.pair import Pair, expected_baseline_ms, filled_pair
from tomostream.bench.report import accuracy_text, memory_text, speed_text
from tomostream.bench.result import BenchConfig, BenchResult, PerAxis
from tomostream.bench.roofline import Roofline, roofline
from tomostream.bench.scene import Batch, Feed
from tomostream.bench.throughput import Rounds, arrival_ms, moves_ms, timed_rounds
from tomostream.recon.backend import RingDtype
from tomostream.recon.engine import Engine

_MOVES = 5
_STAGE_BATCHES = 4


def run(
    config: BenchConfig, report: Callable[[str], None] = lambda _: None
) -> BenchResult:
    """Measure, and report progress and tables as text.

    Raises
    ------
    BackendUnavailableError
        The instruction set does not work here, or scipy is not installed.
    """
    result = _measure_speed(config, report)
    report(speed_text(result))
    report(memory_text(memory_table()))
    if not config.accuracy:
        return result

    def engine(ring: RingDtype) -> Engine:
        return Engine(
            backend=config.backend, isa=config.isa, threads=config.threads,
            ring_dtype=ring, raw_slots=0,
        )  # fmt: skip

    table = measure_accuracy(engine=engine, report=report)
    report(accuracy_text(table))
    own = table.rows[0]
    return replace(
        result,
        accuracy=table,
        bias=own.worst_bias,
        error_l2=PerAxis(**own.error_l2) if own.error_l2 else None,
    )


def pair_roofline(
    pair: Pair, *, batch: int, ms: float, gb_per_s: float
) -> Roofline | None:
    """Compare with the processor's memory, where that is what holds the ring."""
    if pair.engine.backend != "cpu":
        return None
    return roofline(
        pair.config.size, batch=batch, ring=pair.config.ring, ms=ms,
        memory_gb_per_s=gb_per_s,
    )  # fmt: skip


def _measure_speed(config: BenchConfig, report: Callable[[str], None]) -> BenchResult:
    load = load_average()
    pair = filled_pair(config, report)
    feeds = pair.feeds(config.batch)
    report(f"{config.rounds} rounds in turns")
    others = OtherLoad()
    rounds = timed_rounds((pair.ours, pair.baseline), feeds, rounds=config.rounds)
    other_load = others.cores()
    report("stages, arrival, slice moves and the memory's speed")
    return _result(pair, feeds, rounds=rounds, other_load=other_load, load=load)


def _result(
    pair: Pair,
    feeds: tuple[Feed, Feed],
    *,
    rounds: Rounds,
    other_load: float | None,
    load: float | None,
) -> BenchResult:
    config, engine, size = pair.config, pair.engine, pair.config.size
    ours, baseline, threads = pair.ours, pair.baseline, pair.cpu_threads
    planes, geometry = pair.planes, pair.geometry
    ours_ms, baseline_ms = median(rounds.ours_ms), median(rounds.baseline_ms)
    expected_ms = expected_baseline_ms(config, batch=config.batch, threads=threads)
    return BenchResult(
        size=size,
        angles=config.angles,
        batch=config.batch,
        backend=engine.backend,
        isa=engine.isa,
        threads=engine.threads,
        projections_per_s=1e3 / ours_ms,
        gigabytes_per_s=1e-6 * pair.scene.frames[0].nbytes / ours_ms,
        baseline_projections_per_s=1e3 / baseline_ms,
        baseline_ms=baseline_ms,
        ratio=rounds.ratio,
        arrival_ms=arrival_ms(ours, feeds[0]),
        slice_move_ms=PerAxis(**moves_ms(ours, planes, geometry, repeats=_MOVES)),
        baseline_slice_move_ms=moves_ms(
            baseline, planes, geometry, repeats=1, axes="z"
        )["z"],
        stage_ms=ours.stages_ms(_few(feeds[0])),
        memory_gib=engine.memory.total / GIB,
        error_l2=None,
        bias=None,
        ms=ours_ms,
        ratio_low=min(rounds.ratios),
        ratio_high=max(rounds.ratios),
        rounds=config.rounds,
        ring=config.ring,
        baseline_stage_ms=baseline.stages_ms(_few(feeds[1])),
        baseline_is_slow=baseline_ms > 2.0 * expected_ms,
        other_load=other_load,
        cpu=cpu_model(),
        accuracy=None,
        roofline=pair_roofline(
            pair, batch=config.batch, ms=ours_ms, gb_per_s=memory_gb_per_s(threads)
        ),
        load_average=load,
        dezinger=config.dezinger,
        phase=config.phase,
    )


def _few(feed: Feed) -> list[Batch]:
    return [feed.take() for _ in range(_STAGE_BATCHES)]
