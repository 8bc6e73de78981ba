"""What a sweep is asked, and what it answers."""

import json
from dataclasses import asdict, dataclass

from tomostream.bench.result import BenchConfig, PerAxis
from tomostream.bench.roofline import Roofline
from tomostream.bench.scene import LEAST_POOL
from tomostream.core.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepConfig:
    """What to measure; `base` says all that is the same everywhere."""

    base: BenchConfig
    sizes: tuple[int, ...] = (256, 512, 1024, 2048)
    batches: tuple[int, ...] = (1, 8, 32)
    growth_size: int = 512
    """Size at which the ring grows."""
    growth_angles: tuple[int, ...] = (90, 180, 360, 720, 1440)

    def __post_init__(self) -> None:
        if not (self.sizes and self.batches and self.growth_angles):
            raise ConfigurationError("sweep: expected sizes, batches and angles")
        if max(self.batches) > LEAST_POOL:
            raise ConfigurationError(
                f"batches: expected at most {LEAST_POOL}, got {max(self.batches)}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepPoint:
    """Medians of the rounds at one size and batch."""

    size: int
    angles: int
    batch: int
    ms: float
    """Per projection, the three slices included."""
    projections_per_s: float
    gigabytes_per_s: float
    """Of raw counts, 1e9 bytes."""
    baseline_ms: float
    ratio: float
    ratio_low: float
    ratio_high: float
    baseline_is_slow: bool
    """The published algorithm ran at less than half the speed expected of it."""
    roofline: Roofline | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthPoint:
    """What a projection and a slice move cost with so many projections in the ring."""

    size: int
    angles: int
    batch: int
    ms: float
    baseline_ms: float
    slice_move_ms: PerAxis
    baseline_slice_move_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepResult:
    """All points, and what they are for."""

    cpu: str
    backend: str
    isa: str
    threads: int
    ring: str
    rounds: int
    memory_gb_per_s: float
    load_average: float | None
    """Threads that wanted to run in the minute before; None: unknown."""
    other_load: float | None
    """Cores that other programs took meanwhile; None: unknown."""
    points: list[SweepPoint]
    growth: list[GrowthPoint]
    notes: list[str]
    """What was left out, or made smaller, and why."""

    def to_json(self) -> str:
        """Give the result as JSON text; not measured is null."""
        return json.dumps(asdict(self), indent=2, allow_nan=False)
