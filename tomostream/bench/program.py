"""What is timed, and our engine as such a program."""

from collections.abc import Sequence
from typing import Protocol

from tomostream.bench.scene import Batch
from tomostream.core.geometry import Geometry, Planes
from tomostream.core.parameters import FilterType, ReconParameters
from tomostream.core.slices import F32
from tomostream.core.steps import Steps
from tomostream.recon.engine import Engine


class Program(Protocol):
    """It turns frames into three slices, all the time. Owned by one thread."""

    name: str

    def set_fields(self, dark: F32, flat: F32) -> None:
        """Take the fields, (n_z, n_x) counts, for the frames that follow."""
        ...

    def add(self, batch: Batch) -> F32:
        """Take frames into their slots; give Z | Y | X like `slices`."""
        ...

    def slices(self) -> F32:
        """Give Z | Y | X of all that was added, 1/pixel; the next call changes it."""
        ...

    def move(self, planes: Planes) -> None:
        """Show other planes."""
        ...

    def stages_ms(self, batches: Sequence[Batch]) -> dict[str, float]:
        """Add batches and give the time for a projection in each stage."""
        ...


class EngineProgram:
    """Our engine, with the ramp filter as in the published algorithm's port.

    Owned by one thread.
    """

    name = "tomostream"

    def __init__(
        self,
        geometry: Geometry,
        planes: Planes,
        *,
        center: float,
        engine: Engine,
        steps: Steps | None = None,
    ) -> None:
        self._engine = engine
        self._center = center
        self._steps = steps or Steps()
        engine.configure(geometry, self._parameters(planes))
        self._packed: F32 = engine.packed()

    def set_fields(self, dark: F32, flat: F32) -> None:
        """Take the fields, (n_z, n_x) counts, for the frames that follow."""
        self._engine.set_fields(dark, flat)

    def add(self, batch: Batch) -> F32:
        """Take frames into their slots; give Z | Y | X like `slices`."""
        self._engine.add(
            list(batch.frames), batch.theta_deg, batch.slots, packed=self._packed
        )
        return self._packed

    def slices(self) -> F32:
        """Give Z | Y | X of all that was added, 1/pixel; the next call changes it."""
        return self._engine.packed(self._packed)

    def move(self, planes: Planes) -> None:
        """Show other planes."""
        self._engine.set_parameters(self._parameters(planes))

    def stages_ms(self, batches: Sequence[Batch]) -> dict[str, float]:
        """Add batches and give the thread time for a projection in each stage."""
        total: dict[str, float] = {}
        for batch in batches:
            times = self._engine.stage_times(
                list(batch.frames), batch.theta_deg, batch.slots
            )
            for stage, ms in times.items():
                total[stage] = total.get(stage, 0.0) + ms / len(batches)
        return total

    def _parameters(self, planes: Planes) -> ReconParameters:
        return ReconParameters(
            center=self._center, filter_type=FilterType.RAMP, planes=planes,
            steps=self._steps,
        )  # fmt: skip
