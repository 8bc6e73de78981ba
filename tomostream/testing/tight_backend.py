"""A CPU that has no room for some of what is asked of it."""

from tomostream.core.errors import NotEnoughMemoryError
from tomostream.core.geometry import PlaneGrid, Planes
from tomostream.core.parameters import FilterType
from tomostream.core.slices import Slices
from tomostream.core.steps import RingRemoval, Steps
from tomostream.recon.backend import F32, AddReport, Frames
from tomostream.recon.cpu.backend import CpuBackend


class TightBackend(CpuBackend):
    """Refuse what stands in `lacks`, as the kernels do, and note what was asked for."""

    def __init__(self) -> None:
        super().__init__(threads=1, ring_dtype="float")
        self.lacks: set[str] = set()
        """Of filter, phase, zingers, rings, correction, frames, oblique, tilt."""
        self.refusals: list[str] = []
        """What was refused, in order."""
        self._has_images = self._holds_parts = False

    def set_filter(self, filter_type: FilterType) -> None:
        """Filter later frames like this."""
        self._refuse("filter", wanted=True)
        super().set_filter(filter_type)

    def set_steps(self, steps: Steps) -> None:
        """Process later frames like this."""
        wants_images = steps.phase is not None or steps.zinger_radius > 0
        # The kernels leave the steps on frames off when one of them lacks memory.
        super().set_steps(Steps())
        if wants_images:
            assert not self._holds_parts, "given back before more is asked for"
        self._has_images, self._holds_parts = False, wants_images
        self._refuse("phase", wanted=steps.phase is not None)
        self._refuse("zingers", wanted=steps.zinger_radius > 0)
        self._refuse("rings", wanted=steps.ring_removal is not RingRemoval.NONE)
        super().set_steps(steps)
        self._has_images, self._holds_parts = wants_images, False

    def set_correction(self, correction: F32 | None) -> None:
        """Subtract from later frames' line integrals."""
        self._refuse("correction", wanted=correction is not None)
        super().set_correction(correction)

    def set_view(
        self, center: float, planes: Planes, oblique: PlaneGrid | None
    ) -> None:
        """Remake slices."""
        super().set_view(center, planes, None)
        self._refuse("tilt", wanted=planes.rot_z != 0)
        self._refuse("oblique", wanted=oblique is not None)
        super().set_view(center, planes, oblique)

    def add(
        self, frames: Frames, angles_rad: list[float], *,
        slots: list[int], places: list[int], shown: Slices | None = None,
    ) -> AddReport:  # fmt: skip
        """Replace what the slots hold."""
        self._refuse("frames", wanted=self._has_images)
        return super().add(frames, angles_rad, slots=slots, places=places, shown=shown)

    def _refuse(self, what: str, *, wanted: bool) -> None:
        if wanted and what in self.lacks:
            self.refusals.append(what)
            raise NotEnoughMemoryError(
                f"not enough memory: {what}: wanted 3 GiB, 1 GiB available"
            )
