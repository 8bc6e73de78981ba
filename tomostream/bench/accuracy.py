"""How right the slices are: against an analytic phantom and other programs."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from tomostream.bench.astra_fbp import Projector, astra_slices
from tomostream.bench.machine import cores
from tomostream.bench.program import EngineProgram, Program
from tomostream.bench.published import PublishedAlgorithm
from tomostream.bench.reference import F64, reference_slices
from tomostream.bench.scene import Batch
from tomostream.core.geometry import Geometry, Planes
from tomostream.core.slices import F32, Slices, unpack
from tomostream.recon.backend import RingDtype
from tomostream.recon.engine import Engine
from tomostream.sim.phantom import head_phantom, projections, truth_slices

_BATCH = 8
_SUPERSAMPLING = 8
"""Points per pixel and direction of the truth: a pixel is worth its mean."""

AXES = ("z", "y", "x")


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """How far one method's three slices are from the phantom."""

    method: str
    note: str = ""
    """Why there are no numbers."""
    error_l2: dict[str, float] | None = None
    """By plane: relative L2 error inside the disc that every view sees."""
    bias: dict[str, float] | None = None
    """By plane: relative error of the mean inside that disc."""

    @property
    def mean_error(self) -> float:
        """Mean of the error over the planes; NaN where nothing was measured."""
        return float(np.mean(list(self.error_l2.values()))) if self.error_l2 else np.nan

    @property
    def worst_bias(self) -> float:
        """The bias that is farthest from 0; NaN where nothing was measured."""
        return max(self.bias.values(), key=abs) if self.bias else np.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyTable:
    """All methods on the same line integrals."""

    size: int
    angles: int
    rows: list[Accuracy]
    half_vs_float: dict[str, float]
    """By plane: relative L2 difference that the half-precision ring makes."""

    def row(self, method: str) -> Accuracy:
        """Give the row of that method.

        Raises
        ------
        KeyError
            There is none.
        """
        return {row.method: row for row in self.rows}[method]


def measure_accuracy(
    *,
    size: int = 256,
    angles: int = 384,
    n_z: int | None = None,
    engine: Callable[[RingDtype], Engine] | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> AccuracyTable:
    """Reconstruct exact line integrals of the head phantom by every method.

    Parameters
    ----------
    n_z
        Rows; as many as columns where not given.
    engine
        Makes ours with a ring of that kind; the best there is where not given.
    report
        Takes a line of text before each method runs.
    """
    case = _Case.of(size=size, angles=angles, n_z=n_z or size)

    make = engine or _engine
    methods: list[tuple[str, str, Callable[[], Slices]]] = [
        ("tomostream", "", lambda: case.ours(make("half"))),
        ("tomostream, float32 ring", "", lambda: case.ours(make("float"))),
        ("float64 padded FBP", "", case.reference),
        ("ASTRA FBP, linear", "astra", lambda: case.astra("linear")),
        ("ASTRA FBP, strip", "astra", lambda: case.astra("strip")),
        ("published algorithm", "scipy", lambda: case.published()),
    ]
    rows: list[Accuracy] = []
    found: dict[str, Slices] = {}
    for method, package, reconstruct in methods:
        if package and find_spec(package) is None:
            rows.append(Accuracy(method=method, note="not installed"))
            continue
        report(f"accuracy: {method}")
        found[method] = reconstruct()
        rows.append(case.judge(method, found[method]))
    return AccuracyTable(
        size=size, angles=angles, rows=rows,
        half_vs_float=case.differences(
            found["tomostream"], found["tomostream, float32 ring"]
        ),
    )  # fmt: skip


def _engine(ring: RingDtype) -> Engine:
    return Engine(ring_dtype=ring, raw_slots=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    geometry: Geometry
    planes: Planes
    center: float
    theta_deg: F64
    lines: F32
    """(n_theta, n_z, n_x), dimensionless."""
    truth: Slices

    @classmethod
    def of(cls, *, size: int, angles: int, n_z: int) -> "_Case":
        geometry = Geometry(n_z=n_z, n_x=size, n_slots=angles, n_out=size)
        # Off the axis and off the phantom's planes of symmetry, where errors of
        # geometry would not show.
        planes = Planes(
            x=size // 2 + size // 25, y=size // 2 - size // 12, z=n_z // 2 + n_z // 32
        )
        body = head_phantom(size, n_z).still
        theta_deg = np.linspace(0.0, 180.0, angles, endpoint=False)
        # ASTRA's axis is in the middle of the detector.
        center = (size - 1) / 2
        return cls(
            geometry=geometry, planes=planes, center=center, theta_deg=theta_deg,
            lines=projections(
                body, theta_deg, n_z=n_z, n_x=size, center=center, dtype=np.float32
            ),
            truth=truth_slices(body, geometry, planes, oversample=_SUPERSAMPLING),
        )  # fmt: skip

    def ours(self, engine: Engine) -> Slices:
        return self._streamed(
            EngineProgram(self.geometry, self.planes, center=self.center, engine=engine)
        )

    def published(self) -> Slices:
        return self._streamed(
            PublishedAlgorithm(
                self.geometry,
                self.planes,
                center=self.center,
                threads=cores(),
                isa="auto",
            )
        )

    def reference(self) -> Slices:
        return reference_slices(
            self.lines, self.theta_deg, center=self.center, planes=self.planes,
            geometry=self.geometry,
        )  # fmt: skip

    def astra(self, projector: Projector) -> Slices:
        return astra_slices(
            self.lines, self.theta_deg, projector=projector, planes=self.planes,
            geometry=self.geometry,
        )  # fmt: skip

    def judge(self, method: str, found: Slices) -> Accuracy:
        error_l2: dict[str, float] = {}
        bias: dict[str, float] = {}
        for axis, inside in self._discs().items():
            truth = getattr(self.truth, axis)[inside].astype(np.float64)
            error = getattr(found, axis)[inside] - truth
            error_l2[axis] = float(np.linalg.norm(error) / np.linalg.norm(truth))
            bias[axis] = float(error.sum() / truth.sum())
        return Accuracy(method=method, error_l2=error_l2, bias=bias)

    def differences(self, found: Slices, wanted: Slices) -> dict[str, float]:
        return {
            axis: float(
                np.linalg.norm(getattr(found, axis) - getattr(wanted, axis))
                / np.linalg.norm(getattr(wanted, axis))
            )
            for axis in AXES
        }

    def _streamed(self, program: Program) -> Slices:
        shape = self.geometry.frame_shape
        program.set_fields(np.zeros(shape, np.float32), np.ones(shape, np.float32))
        slots = np.arange(len(self.lines))
        for first in range(0, len(self.lines), _BATCH):
            part = slice(first, first + _BATCH)
            # Transmission as a detector that counts without noise would give it.
            frames = np.exp(-self.lines[part])
            program.add(
                Batch(frames=frames, theta_deg=self.theta_deg[part], slots=slots[part])
            )
        return unpack(program.slices(), self.geometry)

    def _discs(self) -> dict[str, NDArray[np.bool_]]:
        n, n_z = self.geometry.n_out, self.geometry.n_z
        places = np.arange(n) - n // 2
        radius = n / 2 - 1.0

        def chord(plane: int) -> NDArray[np.bool_]:
            inside = places**2 + (plane - n // 2) ** 2 < radius**2
            return np.broadcast_to(inside, (n_z, n))

        return {
            "z": places**2 + places[:, None] ** 2 < radius**2,
            "y": chord(self.planes.y),
            "x": chord(self.planes.x),
        }
