"""`tomostream bench --sweep`: how the speed goes with the size, the batch, the ring."""

from collections.abc import Callable
from dataclasses import replace
from statistics import median

from tomostream.bench.machine import (
    OtherLoad,
    cpu_model,
    load_average,
    memory_gb_per_s,
)
from tomostream.bench.memory import GIB
from tomostream.bench.pair import Pair, cpu_threads, expected_baseline_ms, filled_pair
from tomostream.bench.result import BenchConfig, PerAxis
from tomostream.bench.run import pair_roofline
from tomostream.bench.scene import draw_scene, pool_bytes
from tomostream.bench.sweep_report import sweep_text
from tomostream.bench.sweep_result import (
    GrowthPoint,
    SweepConfig,
    SweepPoint,
    SweepResult,
)
from tomostream.bench.throughput import Rounds, moves_ms, timed_rounds
from tomostream.core.memory import free_bytes
from tomostream.recon.backend import RingDtype
from tomostream.recon.engine import Engine

_USUAL_ANGLES = {256: 180, 512: 360, 1024: 720, 2048: 1500}
_LEAST_ANGLES = 64
_MOVES = 3
_SHARE = 0.8
"""Of the free memory that both programs may take."""


def sweep(
    config: SweepConfig, report: Callable[[str], None] = lambda _: None
) -> SweepResult:
    """Measure all sizes and batches that fit this machine, and the growing ring.

    Raises
    ------
    BackendUnavailableError
        The instruction set does not work here, or scipy is not installed.
    """
    load, others, base = load_average(), OtherLoad(), config.base
    engine = Engine(
        backend=base.backend, isa=base.isa, threads=base.threads, ring_dtype=base.ring
    )
    threads = cpu_threads(base.threads, backend=engine.backend, threads=engine.threads)
    gb_per_s = memory_gb_per_s(threads)
    work = _Sweep(config, gb_per_s, report)
    points = [point for size in config.sizes for point in work.points(size)]
    growth = work.growth()
    result = SweepResult(
        cpu=cpu_model(), backend=engine.backend, isa=engine.isa, threads=threads,
        ring=base.ring, rounds=base.rounds, memory_gb_per_s=gb_per_s,
        load_average=load, other_load=others.cores(), points=points, growth=growth,
        notes=work.notes,
    )  # fmt: skip
    report(sweep_text(result))
    return result


def usual_angles(size: int) -> int:
    """Give the projections of a usual scan with frames of that size."""
    return _USUAL_ANGLES.get(size, max(round(0.7 * size), _LEAST_ANGLES))


def projections_in(n_bytes: int, *, size: int, batch: int, ring: RingDtype) -> int:
    """Give how many projections both programs can hold in so much memory.

    Our raw ring takes nothing here: it refers to the frames of the scene.
    """
    pixels = size * size
    # For a batch the published algorithm holds the frames replaced, line integrals, a
    # spectrum twice and filtered rows; our sums and tiles are some frames more.
    work = batch * pixels * (2 + 4 * 4) + 64 * 4 * pixels
    kept = (2 if ring == "half" else 4) + 2
    return max((n_bytes - work - pool_bytes(size)) // (kept * pixels), 0)


class _Sweep:
    """Measures one thing after the other, and notes what could not be."""

    def __init__(
        self, config: SweepConfig, gb_per_s: float, report: Callable[[str], None]
    ) -> None:
        self._config = config
        self._gb_per_s = gb_per_s
        self._report = report
        self.notes: list[str] = []

    def points(self, size: int) -> list[SweepPoint]:
        """Measure one size with all batches; nothing where it does not fit."""
        batches = self._config.batches
        fitting = self._fitting(size, usual_angles(size), batch=max(batches))
        if fitting is None:
            return []
        pair = filled_pair(fitting, self._report)
        return [self._point(pair, batch) for batch in batches]

    def growth(self) -> list[GrowthPoint]:
        """Measure one size with longer and longer rings."""
        size, lengths = self._config.growth_size, self._config.growth_angles
        self._report(f"drawing frames of {size} x {size} pixels")
        scene = draw_scene(size, max(lengths))
        points: list[GrowthPoint] = []
        for angles in lengths:
            fitting = self._fitting(size, angles, batch=self._config.base.batch)
            if fitting is not None and fitting.angles == angles:
                points.append(self._grown(filled_pair(fitting, self._report, scene)))
        return points

    def _fitting(self, size: int, angles: int, *, batch: int) -> BenchConfig | None:
        config, free, most = self._config.base, free_bytes(), angles
        if free is not None:
            room = int(_SHARE * free)
            most = projections_in(room, size=size, batch=batch, ring=config.ring)
        where = f"{size} x {size}"
        if most < min(angles, _LEAST_ANGLES):
            self._note(f"{where} left out: too large for {_gib(free)} of free memory")
            return None
        if most < angles:
            self._note(
                f"{where}: {most} of {angles} projections, as many as fit {_gib(free)} "
                "of free memory"
            )
        return replace(config, size=size, angles=min(angles, most), batch=batch)

    def _point(self, pair: Pair, batch: int) -> SweepPoint:
        rounds = self._rounds(pair, batch)
        ms, baseline_ms = median(rounds.ours_ms), median(rounds.baseline_ms)
        expected_ms = expected_baseline_ms(
            pair.config, batch=batch, threads=pair.cpu_threads
        )
        self._report(
            f"batch {batch}: {ms:.3f} ms, published algorithm {baseline_ms:.2f} ms, "
            f"ratio {rounds.ratio:.1f}"
        )
        return SweepPoint(
            size=pair.config.size, angles=pair.config.angles, batch=batch, ms=ms,
            projections_per_s=1e3 / ms,
            gigabytes_per_s=1e-6 * pair.scene.frames[0].nbytes / ms,
            baseline_ms=baseline_ms, ratio=rounds.ratio,
            ratio_low=min(rounds.ratios), ratio_high=max(rounds.ratios),
            baseline_is_slow=baseline_ms > 2.0 * expected_ms,
            roofline=pair_roofline(pair, batch=batch, ms=ms, gb_per_s=self._gb_per_s),
        )  # fmt: skip

    def _grown(self, pair: Pair) -> GrowthPoint:
        config, planes, geometry = pair.config, pair.planes, pair.geometry
        rounds = self._rounds(pair, config.batch)
        ms, baseline_ms = median(rounds.ours_ms), median(rounds.baseline_ms)
        moves = moves_ms(pair.ours, planes, geometry, repeats=_MOVES)
        baseline_move = moves_ms(pair.baseline, planes, geometry, repeats=1, axes="z")
        self._report(
            f"{ms:.3f} ms, published algorithm {baseline_ms:.2f} ms; moved slice "
            f"{moves['z']:.1f} ms, published algorithm {baseline_move['z']:.0f} ms"
        )
        return GrowthPoint(
            size=config.size, angles=config.angles, batch=config.batch,
            ms=ms, baseline_ms=baseline_ms, slice_move_ms=PerAxis(**moves),
            baseline_slice_move_ms=baseline_move["z"],
        )  # fmt: skip

    def _rounds(self, pair: Pair, batch: int) -> Rounds:
        return timed_rounds(
            (pair.ours, pair.baseline), pair.feeds(batch),
            rounds=self._config.base.rounds,
        )  # fmt: skip

    def _note(self, note: str) -> None:
        self._report(note)
        self.notes.append(note)


def _gib(n_bytes: int | None) -> str:
    return f"{(n_bytes or 0) / GIB:.0f} GiB"
