"""What a measurement is asked, and what it answers."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from tomostream.bench.accuracy import AccuracyTable
from tomostream.bench.roofline import Roofline
from tomostream.core.errors import ConfigurationError
from tomostream.core.steps import PhaseRetrieval, Steps
from tomostream.recon.backend import BackendName, RingDtype

PHASE = PhaseRetrieval(energy_kev=25.0, distance_mm=60.0, pixel_um=1.38, alpha=1e-3)
"""Usual numbers of a beamline for micro-tomography; the cost hardly depends on them."""

Isa = Literal["auto", "avx512", "avx2", "baseline"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchConfig:
    """What to measure."""

    size: int = 512
    """Rows and columns of the frames."""
    angles: int = 360
    """Projections that the ring holds."""
    batch: int = 8
    """Frames added at a time."""
    backend: BackendName = "auto"
    isa: Isa = "auto"
    threads: int = 0
    """0: as many as there are cores to run on."""
    rounds: int = 5
    """Our engine and the published algorithm take turns this many times."""
    ring: RingDtype = "half"
    accuracy: bool = True
    """Also compare with the analytic phantom and with ASTRA; takes a minute."""
    dezinger: int = 0
    """Radius of the median on both sides, pixels; 0: off."""
    phase: PhaseRetrieval | None = None
    """On both sides; None: off."""

    def __post_init__(self) -> None:
        limits = {
            "size": (16, 8192), "angles": (2, 65536), "batch": (1, 1024),
            "rounds": (1, 1000), "threads": (0, 1024), "dezinger": (0, 4),
        }  # fmt: skip
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigurationError(
                    f"{name}: expected {low} to {high}, got {value}"
                )
        if self.batch > self.angles:
            raise ConfigurationError(
                f"batch: expected at most angles = {self.angles}, got {self.batch}"
            )

    @property
    def steps(self) -> Steps:
        """What both sides do to a projection before the filter."""
        return Steps(zinger_radius=self.dezinger, phase=self.phase)


@dataclass(frozen=True, slots=True, kw_only=True)
class PerAxis:
    """One number for each of the three planes."""

    x: float
    y: float
    z: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchResult:
    """What was measured; times are medians over the rounds."""

    size: int
    angles: int
    batch: int
    backend: str
    isa: str
    threads: int
    projections_per_s: float
    gigabytes_per_s: float
    """Of raw counts, 1e9 bytes."""
    baseline_projections_per_s: float
    baseline_ms: float
    """Per projection, the three slices included."""
    ratio: float
    arrival_ms: float
    """From one frame to three slices."""
    slice_move_ms: PerAxis
    baseline_slice_move_ms: float
    stage_ms: Mapping[str, float]
    """Thread time per projection."""
    memory_gib: float
    error_l2: PerAxis | None
    """Against the analytic phantom; None where it was not asked for."""
    bias: float | None
    """The plane's that is farthest from 0."""
    ms: float
    """Per projection, the three slices included."""
    ratio_low: float
    """Smallest ratio of a round."""
    ratio_high: float
    """Largest ratio of a round."""
    rounds: int
    ring: str
    baseline_stage_ms: Mapping[str, float]
    baseline_is_slow: bool
    """The published algorithm ran at less than half the speed expected of it."""
    other_load: float | None
    """Cores that other programs took while the rounds ran; None: unknown."""
    cpu: str
    accuracy: AccuracyTable | None
    roofline: Roofline | None
    """None: the memory in question is not the processor's."""
    load_average: float | None
    """Threads that wanted to run in the minute before; None: unknown."""
    dezinger: int
    phase: PhaseRetrieval | None

    def to_json(self) -> str:
        """Give the result as JSON text; not measured is null."""
        values: dict[str, Any] = asdict(self)
        return json.dumps(values, indent=2, allow_nan=False)
