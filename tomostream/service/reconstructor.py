"""What the loop asks of the engine; `recon.engine.Engine` provides it."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tomostream.core.geometry import Geometry
from tomostream.core.health import RejectReason
from tomostream.core.parameters import ReconParameters
from tomostream.core.slices import F32
from tomostream.recon.backend import MemoryPlan
from tomostream.recon.demands import FilterLack
from tomostream.recon.snapshot import RingSnapshot


class AddReport(Protocol):
    """What became of a batch."""

    @property
    def accepted(self) -> NDArray[np.bool_]:
        """(n_frames,): False where a frame cannot be used."""
        ...

    @property
    def reasons(self) -> Sequence[RejectReason | None]:
        """(n_frames,): why a frame was not accepted; None where it was."""
        ...

    @property
    def pixels_repaired(self) -> int:
        """Pixels that were interpolated."""
        ...


class FieldReport(Protocol):
    """What became of a dark and a flat field."""

    @property
    def dead_pixels(self) -> int:
        """Pixels where flat - dark <= 0; interpolated in every frame."""
        ...


class Reconstructor(Protocol):
    """A ring of projections and the three slices made of it."""

    def configure(self, geometry: Geometry, parameters: ReconParameters) -> None:
        """Make an empty ring; no field is in use."""
        ...

    def reset(self) -> None:
        """Empty the ring; fields and parameters stay."""
        ...

    def set_fields(
        self, dark: F32 | None, flat: F32 | None, *, refilter: bool
    ) -> FieldReport:
        """Use these fields, (n_z, n_x) each, for frames to come, or for all."""
        ...

    def set_parameters(self, parameters: ReconParameters) -> object:
        """Move planes or axis at once; note another filter or step for `refilter`."""
        ...

    def add(
        self,
        frames: Sequence[NDArray[np.generic]],
        angles_deg: NDArray[np.float64],
        slots: NDArray[np.intp],
    ) -> AddReport:
        """Put frames, (n_z, n_x) each, into their slots."""
        ...

    def adopt_correction(self) -> None:
        """Use a correction of rings that was made beside the stream meanwhile."""
        ...

    def refilter(self, limit: int) -> int:
        """Filter at most `limit` slots anew; give how many still wait."""
        ...

    def packed(self) -> F32:
        """Give a fresh image Z | Y | X, (max(n_out, n_z), 3 n_out), 1/pixel."""
        ...

    def oblique(self) -> F32:
        """Give the oblique plane, (n_out, n_out), 1/pixel; zeros if none is set."""
        ...

    def snapshot(self) -> RingSnapshot:
        """Give what the ring is made of; references, nothing is copied."""
        ...

    @property
    def memory(self) -> MemoryPlan:
        """Bytes held."""
        ...

    @property
    def problem(self) -> str:
        """What a step cannot do at present, and goes on without; empty: nothing."""
        ...

    @property
    def filter_lack(self) -> FilterLack | None:
        """Why another filter than the wanted one is in use; None: it is not so."""
        ...

    @property
    def slots_outdated(self) -> int:
        """Slots that no `refilter` reaches: their frames are not kept any more."""
        ...

    @property
    def slots_waiting(self) -> int:
        """Slots whose projection waits for `refilter`."""
        ...
