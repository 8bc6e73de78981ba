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
from tomostream.core.steps import Steps
from tomostream.recon.snapshot import RingSnapshot

EDGE = 128
"""Voxels along the longest edge."""
_PROJECTIONS = 128


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
    pixels. Zingers, phase and rings are left to the slices: at this size they hardly
    show.

    Parameters
    ----------
    make_engine
        Gives an engine of one thread.
    """

    def __init__(self, make_engine: Callable[[], VolumeEngine]) -> None:
        self._make_engine = make_engine
        self._engine: VolumeEngine | None = None
        self._configured: Geometry | None = None

    def volume(self, snapshot: RingSnapshot) -> Volume:
        """Give the volume that the ring's frames show."""
        whole = snapshot.geometry
        binning = -(-max(whole.n_out, whole.n_z, whole.n_x) // EDGE)
        geometry, parameters = _binned_session(snapshot, binning)
        engine = self._engine_for(geometry, parameters)
        engine.set_fields(
            _binned(snapshot.dark, binning), _binned(snapshot.flat, binning)
        )
        chosen = _spread(snapshot.angles_deg, geometry.n_slots)
        frames = [_binned(snapshot.frames[int(k)], binning) for k in chosen]
        engine.add(frames, snapshot.angles_deg[chosen], np.arange(len(chosen)))
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
            self._engine.set_parameters(parameters)
        return self._engine


def _binned_session(
    snapshot: RingSnapshot, binning: int
) -> tuple[Geometry, ReconParameters]:
    whole, wanted = snapshot.geometry, snapshot.parameters
    n_x, n_z = max(whole.n_x // binning, 4), max(whole.n_z // binning, 1)
    center = rescale_center(wanted.center, binning_old=1.0, binning_new=float(binning))
    geometry = Geometry(
        n_z=n_z, n_x=n_x, n_slots=min(len(snapshot.frames), _PROJECTIONS),
        n_out=output_width(n_x, center, whole.scan_range),
        pad_x=output_pad(n_x, center, whole.scan_range), scan_range=whole.scan_range,
    )  # fmt: skip
    steps = Steps(
        transmission_floor=wanted.steps.transmission_floor,
        hardening=wanted.steps.hardening,
    )
    planes = Planes.middle(geometry)
    return geometry, replace(
        wanted, center=center, planes=planes, oblique=None, steps=steps
    )


def _binned(image: NDArray[Any], binning: int) -> F32:
    """Average squares of pixels; what is left over at right and bottom is left out."""
    if binning == 1:
        return np.asarray(image, np.float32)
    rows, columns = (size // binning for size in image.shape)
    whole = image[: rows * binning, : columns * binning]
    # Rows first, whole ones at a time: several times quicker than both at once.
    kind = np.uint32 if whole.dtype.kind == "u" and whole.dtype.itemsize < 4 else None
    tall = np.add.reduce(
        whole.reshape(rows, binning, columns * binning), axis=1, dtype=kind
    )
    both = np.add.reduce(tall.reshape(rows, columns, binning), axis=2, dtype=kind)
    return both.astype(np.float32) * np.float32(1.0 / binning**2)


def _spread(angles_deg: NDArray[np.float64], count: int) -> NDArray[np.intp]:
    """Choose so many of the frames, evenly in angle."""
    order = np.argsort(angles_deg, kind="stable")
    places = np.linspace(0, len(order), count, endpoint=False).astype(np.intp)
    return order[places]
