"""Our engine and the published algorithm, with full rings of the same frames."""

from collections.abc import Callable
from dataclasses import dataclass

from tomostream.bench.machine import cores
from tomostream.bench.program import EngineProgram, Program
from tomostream.bench.published import PublishedAlgorithm
from tomostream.bench.published_steps import PublishedWithSteps
from tomostream.bench.result import BenchConfig
from tomostream.bench.scene import Feed, Scene, draw_scene
from tomostream.core.geometry import Geometry, Planes
from tomostream.recon.engine import Engine

_EXPECTED_FOR = 512 * 512, 2
"""Pixels and threads for which the published algorithm's speed was measured."""
_ZINGER_MS = 190.0
"""A projection's, with radius 3, for these."""
_PHASE_MS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The two programs that are timed in turns."""

    config: BenchConfig
    scene: Scene
    geometry: Geometry
    planes: Planes
    engine: Engine
    ours: EngineProgram
    baseline: PublishedAlgorithm

    @property
    def cpu_threads(self) -> int:
        """Threads of the published algorithm, and of ours where that is on the CPU."""
        return _threads(self.config, self.engine)

    def feeds(self, batch: int) -> tuple[Feed, Feed]:
        """Give endless batches for either, the same ones."""
        return (
            Feed(self.scene, self.geometry, batch),
            Feed(self.scene, self.geometry, batch),
        )


def filled_pair(
    config: BenchConfig, report: Callable[[str], None], scene: Scene | None = None
) -> Pair:
    """Make both programs and fill their rings: from then on each frame replaces one.

    Parameters
    ----------
    scene
        Of the config's size; drawn where none is given.
    """
    size = config.size
    geometry = Geometry(n_z=size, n_x=size, n_slots=config.angles, n_out=size)
    planes = Planes.middle(geometry)
    if scene is None:
        report(f"drawing frames of {size} x {size} pixels")
        scene = draw_scene(size, config.angles, has_zingers=config.dezinger > 0)
    engine = Engine(
        backend=config.backend,
        isa=config.isa,
        threads=config.threads,
        ring_dtype=config.ring,
    )
    pair = Pair(
        config=config, scene=scene, geometry=geometry, planes=planes, engine=engine,
        ours=EngineProgram(
            geometry, planes, center=scene.center, engine=engine, steps=config.steps
        ),
        baseline=_published(config, geometry, center=scene.center, engine=engine),
    )  # fmt: skip
    programs: tuple[Program, Program] = pair.ours, pair.baseline
    for program, feed in zip(programs, pair.feeds(config.batch), strict=True):
        report(f"filling the ring: {program.name}, {config.angles} projections")
        program.set_fields(scene.dark, scene.flat)
        for part in feed.revolution():
            program.add(part)
        program.slices()
    return pair


def expected_baseline_ms(config: BenchConfig, *, batch: int, threads: int) -> float:
    """Give what the published algorithm takes for a projection, about.

    The slower ends of what was measured when it was ported, on two cores: see
    docs/reference/performance.md. The median's time goes with its window.
    """
    ms = 11.6 if batch == 1 else 6.6
    if config.dezinger:
        ms += _ZINGER_MS * ((2 * config.dezinger + 1) / 7) ** 2
    if config.phase:
        ms += _PHASE_MS
    reference_pixels, reference_threads = _EXPECTED_FOR
    return ms * (config.size**2 / reference_pixels) * (reference_threads / threads)


def cpu_threads(asked: int, *, backend: str, threads: int) -> int:
    """Give the threads of the published algorithm: ours, where we are on the CPU."""
    return threads if backend == "cpu" else asked or cores()


def _published(
    config: BenchConfig, geometry: Geometry, *, center: float, engine: Engine
) -> PublishedAlgorithm:
    planes, threads = Planes.middle(geometry), _threads(config, engine)
    isa = engine.isa if engine.backend == "cpu" else "auto"
    if config.dezinger or config.phase:
        return PublishedWithSteps(
            geometry, planes, center=center, threads=threads, isa=isa,
            steps=config.steps,
        )  # fmt: skip
    return PublishedAlgorithm(geometry, planes, center=center, threads=threads, isa=isa)


def _threads(config: BenchConfig, engine: Engine) -> int:
    return cpu_threads(config.threads, backend=engine.backend, threads=engine.threads)
