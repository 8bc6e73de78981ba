"""Engines, random frames, and what they should make of them."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tomostream.core.geometry import Geometry, Planes, output_pad, output_width
from tomostream.core.parameters import FilterType, ReconParameters
from tomostream.core.slices import Slices
from tomostream.core.steps import Steps
from tomostream.recon.engine import Engine
from tomostream.testing.reference_fbp import (
    F64,
    filtered,
    processed,
    range_error,
    reference_slices,
    relative_error,
)

_PLANES = [f.name for f in fields(Planes)]
_STEPS = [f.name for f in fields(Steps)]


@dataclass
class Scene:
    """An engine and what its ring should hold."""

    engine: Engine
    geometry: Geometry
    parameters: ReconParameters
    dtype: str = "u2"
    correction: NDArray[np.floating] | None = None
    """(n_z, n_x), what the reference subtracts from line integrals."""
    contrast: float = 1.0
    """Largest line integral of a frame."""
    random: np.random.Generator = field(
        default_factory=lambda: np.random.default_rng(1)
    )
    held: dict[int, tuple[NDArray[Any], float, NDArray[Any], NDArray[Any]]] = field(
        default_factory=dict
    )

    def __post_init__(self) -> None:
        self.engine.configure(self.geometry, self.parameters)
        self.new_fields()

    @property
    def top(self) -> float:
        """Counts without a sample."""
        return 100.0 if self.dtype in {"u1", "i1"} else 20000.0

    def new_fields(self, *, refilter: bool = False) -> None:
        """Set random fields."""
        shape = self.geometry.frame_shape
        self.dark = (5 + self.random.random(shape)).astype(np.float32)
        self.flat = (self.top * (1 + 0.1 * self.random.random(shape))).astype(
            np.float32
        )
        self.engine.set_fields(self.dark, self.flat, refilter=refilter)

    def frame(self) -> NDArray[Any]:
        """Give a random frame, of transmissions from 0.4 to 1 at contrast 1."""
        shape = self.geometry.frame_shape
        counts = 5 + self.top * np.exp(-self.contrast * self.random.random(shape))
        frame = counts.astype(self.dtype)
        frame.flags.writeable = False
        return frame

    def add(self, slots: Iterable[int]) -> None:
        """Add a random frame to each slot, in one batch."""
        slots = list(slots)
        frames = [self.frame() for _ in slots]
        angles = self.random.random(len(slots)) * 360.0
        report = self.engine.add(frames, angles, np.array(slots))
        assert report.accepted.all()
        for slot, frame, angle in zip(slots, frames, angles, strict=True):
            self.held[slot] = frame, float(angle), self.dark, self.flat

    def set(self, **changes: Any) -> None:
        """Change parameters; those of planes and steps by their names, too."""
        moves = {k: changes.pop(k) for k in _PLANES if k in changes}
        steps = {k: changes.pop(k) for k in _STEPS if k in changes}
        old = self.parameters
        self.parameters = replace(
            old, planes=replace(old.planes, **moves),
            steps=replace(old.steps, **steps), **changes,
        )  # fmt: skip
        self.engine.set_parameters(self.parameters)

    def projections(self) -> list[F64]:
        """Give what the ring should hold, each (n_z, n_ring)."""
        return [
            filtered(
                processed(
                    frame, dark, flat, self.geometry, self.parameters,
                    correction=self.correction,
                ),
                self.parameters,
            )
            for frame, _, dark, flat in self.held.values()
        ]  # fmt: skip

    def reference(self) -> Slices:
        """Give what the engine should show."""
        angles = [angle for _, angle, _, _ in self.held.values()]
        return reference_slices(
            self.projections(), angles, self.geometry, self.parameters
        )

    def error(self) -> float:
        """Give the relative error of the slices shown."""
        return relative_error(self.engine.slices(), self.reference())

    def range_error(self) -> float:
        """Give the largest error, relative to the slice's range."""
        return range_error(self.engine.slices(), self.reference())

    def refilter(self) -> None:
        """Process again all that waits."""
        while self.engine.refilter(10):
            pass


class SceneSuite:
    """Tests of engines. Subclasses say how to make one."""

    settings: ClassVar[dict[str, Any]] = {}
    """Arguments of Engine."""

    def engine(self, **settings: Any) -> Engine:
        """Give an engine, with a float ring unless the settings say another."""
        chosen: dict[str, Any] = {"ring_dtype": "float"} | self.settings | settings
        return Engine(**chosen)

    def scene(
        self,
        *,
        n_z: int = 40,
        n_x: int = 70,
        n_out: int | None = None,
        n_slots: int = 23,
        filter_type: FilterType = FilterType.RAMP,
        dtype: str = "u2",
        **settings: Any,
    ) -> Scene:
        """Give a configured engine with an empty ring."""
        n_out = n_out or n_x
        geometry = Geometry(n_z=n_z, n_x=n_x, n_slots=n_slots, n_out=n_out)
        parameters = ReconParameters(
            center=n_x / 2 + 1.3,
            filter_type=filter_type,
            planes=Planes(x=n_out // 3, y=n_out // 2 + 1, z=n_z // 2),
        )
        return Scene(self.engine(**settings), geometry, parameters, dtype)

    def offset_scene(
        self,
        center: float,
        *,
        n_z: int = 40,
        n_x: int = 70,
        filter_type: FilterType = FilterType.RAMP,
        dtype: str = "u2",
        **settings: Any,
    ) -> Scene:
        """Give an engine for half-acquisition: 360 degrees, the axis near an edge."""
        n_out = output_width(n_x, center, 360)
        geometry = Geometry(
            n_z=n_z, n_x=n_x, n_slots=23, n_out=n_out, scan_range=360,
            pad_x=output_pad(n_x, center, 360),
        )  # fmt: skip
        parameters = ReconParameters(
            center=center,
            filter_type=filter_type,
            planes=Planes(x=n_out // 3, y=n_out // 2 + 1, z=n_z // 2),
        )
        return Scene(self.engine(**settings), geometry, parameters, dtype)
