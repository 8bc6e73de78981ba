"""A small volume of the whole sample, from binned projections."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tomostream.core.geometry import (
    Geometry,
    Planes,
    output_pad,
    output_width,
    rescale_center,
)
from tomostream.core.parameters import ReconParameters
from tomostream.core.slices import F32
from tomostream.core.steps import Region, Steps
from tomostream.recon.snapshot import RingSnapshot

EDGE = 128
"""Voxels along the longest edge, and projections, unless others are asked for."""


class VolumeEngine(Protocol):
    """What the preview asks of an engine of its own."""

    def configure(self, geometry: Geometry, parameters: ReconParameters) -> None:
        """Make an empty ring."""
        ...

    def set_parameters(self, parameters: ReconParameters) -> None:
        """Follow another centre or filter."""
        ...

    def set_fields(self, dark: F32 | None, flat: F32 | None) -> object:
        """Correct later frames by these fields."""
        ...

    def add(
        self,
        frames: list[F32],
        angles_deg: NDArray[np.float64],
        slots: NDArray[np.intp],
    ) -> object:
        """Put frames into their slots."""
        ...

    def reset(self) -> None:
        """Empty the ring."""
        ...

    def refilter(self, limit: int) -> int:
        """Process waiting slots again; a first correction of rings lets all wait."""
        ...

    def rows(self, first: int, count: int) -> F32:
        """Give (count, n_z, n_out): planes normal to y."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A preview."""

    voxels: F32
    """(n_z, n_out y, n_out x), 1/pixel of the detector."""
    binning: int
    """Detector pixels along a voxel's edge."""
    projections: int
    """How many it was made of."""


class Preview:
    """Reconstruct small volumes in a ring of its own. Owned by one thread.

    Projections are spread evenly over the ring's angles and averaged over squares of
    pixels; the steps are those of the slices, at the size of a voxel.

    Parameters
    ----------
    make_engine
        Gives an engine of one thread, which keeps the frames of its ring.
    edge
        Voxels along the longest edge at most, and so many projections.
    """

    def __init__(
        self, make_engine: Callable[[], VolumeEngine], *, edge: int = EDGE
    ) -> None:
        self._make_engine = make_engine
        self._edge = edge
        self._engine: VolumeEngine | None = None
        self._configured: Geometry | None = None

    def volume(self, snapshot: RingSnapshot) -> Volume:
        """Give the volume that the ring's frames show."""
        whole = snapshot.geometry
        binning = -(-max(whole.n_out, whole.n_z, whole.n_x) // self._edge)
        geometry, parameters = _binned_session(
            snapshot, binning, projections=self._edge
        )
        engine = self._engine_for(geometry, parameters)
        binner = _Binner(snapshot, binning)
        engine.set_fields(binner.binned(snapshot.dark), binner.binned(snapshot.flat))
        chosen = _spread(snapshot.angles_deg, geometry.n_slots)
        frames = [binner.binned(snapshot.frames[int(k)]) for k in chosen]
        engine.add(frames, snapshot.angles_deg[chosen], np.arange(len(chosen)))
        engine.refilter(len(frames))
        rows = engine.rows(0, geometry.n_out)
        voxels = np.ascontiguousarray(rows.transpose(1, 0, 2))
        voxels *= np.float32(1.0 / binning)
        return Volume(voxels=voxels, binning=binning, projections=len(chosen))

    def _engine_for(
        self, geometry: Geometry, parameters: ReconParameters
    ) -> VolumeEngine:
        if self._engine is None:
            self._engine = self._make_engine()
        if geometry != self._configured:
            self._configured = None
            self._engine.configure(geometry, parameters)
            self._configured = geometry
        else:
            # Empty: a frame that cannot be used now must not show as its predecessor.
            self._engine.reset()
            self._engine.set_parameters(parameters)
        return self._engine


def _binned_session(
    snapshot: RingSnapshot, binning: int, *, projections: int
) -> tuple[Geometry, ReconParameters]:
    whole, wanted = snapshot.geometry, snapshot.parameters
    n_x, n_z = max(whole.n_x // binning, 4), max(whole.n_z // binning, 1)
    center = rescale_center(wanted.center, binning_old=1.0, binning_new=float(binning))
    geometry = Geometry(
        n_z=n_z, n_x=n_x, n_slots=min(len(snapshot.frames), projections),
        n_out=output_width(n_x, center, whole.scan_range),
        pad_x=output_pad(n_x, center, whole.scan_range), scan_range=whole.scan_range,
    )  # fmt: skip
    planes = Planes.middle(geometry)
    return geometry, replace(
        wanted, center=center, planes=planes, oblique=None,
        steps=_binned_steps(wanted.steps, binning),
    )  # fmt: skip


def _binned_steps(steps: Steps, binning: int) -> Steps:
    phase, region = steps.phase, steps.region
    if phase:
        phase = replace(phase, pixel_um=binning * phase.pixel_um)
    if region:
        left, top = region.x // binning, region.y // binning
        # Voxels that lie in the region only in part are better than none.
        right = -(-(region.x + region.width) // binning)
        bottom = -(-(region.y + region.height) // binning)
        region = Region(x=left, y=top, width=right - left, height=bottom - top)
    return replace(
        steps, phase=phase, region=region, ring_width=steps.ring_width / binning
    )


class _Binner:
    """Averages images over squares of pixels, without those that are dead."""

    def __init__(self, snapshot: RingSnapshot, binning: int) -> None:
        self._binning = binning
        light = snapshot.flat - snapshot.dark
        dead = ~(np.isfinite(light) & (light > 0))
        self._dead = dead if dead.any() else None

    def binned(self, image: NDArray[Any]) -> F32:
        """Give averages; what is left over at right and bottom is left out.

        Dead pixels count as 0 in dark, flat and frame alike, so they have no weight in
        the transmission. Where others are not finite, those around them stand for them.
        """
        if self._binning == 1:
            return np.asarray(image, np.float32)
        if self._dead is not None:
            image = np.where(self._dead, image.dtype.type(0), image)
        sums = self._sums(image)
        weight = np.float32(1.0 / self._binning**2)
        if np.isfinite(sums).all():
            return sums * weight
        good = np.isfinite(image)
        sums = self._sums(np.where(good, image, image.dtype.type(0)))
        counts = self._sums(good.view(np.uint8))
        return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)

    def _sums(self, image: NDArray[Any]) -> F32:
        binning = self._binning
        rows, columns = (size // binning for size in image.shape)
        whole = image[: rows * binning, : columns * binning]
        # Rows first, whole ones at a time: several times quicker than both at once.
        is_small = whole.dtype.kind == "u" and whole.dtype.itemsize < 4
        kind = np.uint32 if is_small else None
        tall = np.add.reduce(
            whole.reshape(rows, binning, columns * binning), axis=1, dtype=kind
        )
        both = np.add.reduce(tall.reshape(rows, columns, binning), axis=2, dtype=kind)
        return both.astype(np.float32)


def _spread(angles_deg: NDArray[np.float64], count: int) -> NDArray[np.intp]:
    """Choose so many of the frames, evenly in angle."""
    order = np.argsort(angles_deg, kind="stable")
    places = np.linspace(0, len(order), count, endpoint=False).astype(np.intp)
    return order[places]
