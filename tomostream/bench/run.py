"""`tomostream bench`: our engine against the published algorithm, in one run."""

from collections.abc import Callable
from dataclasses import replace
from statistics import median

from tomostream.bench.accuracy import measure_accuracy
from tomostream.bench.machine import OtherLoad, cpu_model
from tomostream.bench.memory import GIB, memory_table
from tomostream.bench.program import EngineProgram, Program
from tomostream.bench.published import PublishedAlgorithm
from tomostream.bench.report import accuracy_text, memory_text, speed_text
from tomostream.bench.result import BenchConfig, BenchResult, PerAxis
from tomostream.bench.scene import Batch, Feed, Scene, draw_scene
from tomostream.bench.throughput import (
    arrival_ms,
    moves_ms,
    timed_rounds,
)
from tomostream.core.geometry import Geometry, Planes
from tomostream.recon.engine import Engine

_MOVES = 5
_STAGE_BATCHES = 4
_EXPECTED_FOR = 512 * 512, 2
"""Pixels and threads for which the published algorithm's speed was measured."""


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
    table = measure_accuracy(isa=result.isa, threads=result.threads, report=report)
    report(accuracy_text(table))
    own = table.rows[0]
    return replace(
        result,
        accuracy=table,
        bias=own.worst_bias,
        error_l2=PerAxis(**own.error_l2) if own.error_l2 else None,
    )


def expected_baseline_ms(pixels: int, *, batch: int, threads: int) -> float:
    """Give what the published algorithm takes for a projection, about.

    The slower ends of what was measured when it was ported, on two cores: see
    docs/reference/performance.md.
    """
    ms = 11.6 if batch == 1 else 6.6
    reference_pixels, reference_threads = _EXPECTED_FOR
    return ms * (pixels / reference_pixels) * (reference_threads / threads)


def _measure_speed(config: BenchConfig, report: Callable[[str], None]) -> BenchResult:
    size = config.size
    geometry = Geometry(n_z=size, n_x=size, n_slots=config.angles, n_out=size)
    planes = Planes.middle(geometry)
    report(f"drawing frames of {size} x {size} pixels")
    scene = draw_scene(size, config.angles)
    engine = Engine(
        backend=config.backend,
        isa=config.isa,
        threads=config.threads,
        ring_dtype=config.ring,
    )
    ours = EngineProgram(geometry, planes, center=scene.center, engine=engine)
    baseline = PublishedAlgorithm(
        geometry, planes, center=scene.center, threads=engine.threads, isa=engine.isa
    )
    feeds = (
        _filled(ours, scene, geometry, config.batch, report),
        _filled(baseline, scene, geometry, config.batch, report),
    )
    report(f"{config.rounds} rounds in turns")
    others = OtherLoad()
    rounds = timed_rounds((ours, baseline), feeds, rounds=config.rounds)
    ours_ms, baseline_ms = median(rounds.ours_ms), median(rounds.baseline_ms)
    other_load = others.cores()
    report("stages, arrival and slice moves")
    expected_ms = expected_baseline_ms(
        size * size, batch=config.batch, threads=engine.threads
    )
    return BenchResult(
        size=size,
        angles=config.angles,
        batch=config.batch,
        backend=engine.backend,
        isa=engine.isa,
        threads=engine.threads,
        projections_per_s=1e3 / ours_ms,
        gigabytes_per_s=1e-6 * scene.frames[0].nbytes / ours_ms,
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
    )


def _filled(
    program: Program,
    scene: Scene,
    geometry: Geometry,
    batch: int,
    report: Callable[[str], None],
) -> Feed:
    """Fill the ring: from then on each frame replaces one."""
    report(f"filling the ring: {program.name}")
    program.set_fields(scene.dark, scene.flat)
    feed = Feed(scene, geometry, batch)
    for part in feed.revolution():
        program.add(part)
    program.slices()
    return feed


def _few(feed: Feed) -> list[Batch]:
    return [feed.take() for _ in range(_STAGE_BATCHES)]
