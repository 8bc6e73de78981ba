"""Rings of frames of known samples about a known axis."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tomostream.core.errors import SourceError
from tomostream.core.frame import FrameKind
from tomostream.core.geometry import (
    Geometry,
    Planes,
    ScanRange,
    output_pad,
    output_width,
)
from tomostream.core.parameters import ReconParameters
from tomostream.core.scan import angle_table
from tomostream.files.dxfile import DxFileReader
from tomostream.recon.snapshot import RingSnapshot
from tomostream.sim.phantom import Ellipsoid, project

_DARK, _LIGHT = 100.0, 20000.0


def ring_of(
    sample: Sequence[Ellipsoid],
    angles_deg: NDArray[np.floating],
    *,
    shape: tuple[int, int],
    center: float,
    noise: float = 0.01,
    roll_deg: float = 0.0,
) -> RingSnapshot:
    """Take frames of ellipsoids that turn about an axis.

    Parameters
    ----------
    angles_deg
        (n_frames,); over more than half a turn the ring is one of half-acquisition.
    shape
        (n_z, n_x).
    center
        Column of the axis at the middle row, pixels.
    noise
        Standard deviation of the unattenuated beam, as a part of it; that of a darker
        pixel is smaller, by the square root of its transmission.
    roll_deg
        Tilt of the axis: its column grows with the row where it is positive.
    """
    random = np.random.default_rng(20240801)
    frames = [
        _counts(_lines(sample, float(angle), shape, center, roll_deg), noise, random)
        for angle in angles_deg
    ]
    return snapshot_of(
        frames, angles_deg, dark=np.full(shape, _DARK),
        flat=np.full(shape, _DARK + _LIGHT), center=center,
        scan_range=180 if np.ptp(angles_deg) <= 180.0 else 360,
    )  # fmt: skip


def snapshot_of(
    frames: Sequence[NDArray[Any]],
    angles_deg: NDArray[np.floating],
    *,
    dark: NDArray[np.floating],
    flat: NDArray[np.floating],
    center: float,
    scan_range: ScanRange = 180,
) -> RingSnapshot:
    """Make the snapshot of a ring that is full with these frames."""
    n_z, n_x = frames[0].shape
    geometry = Geometry(
        n_z=n_z, n_x=n_x, n_slots=len(frames), scan_range=scan_range,
        n_out=output_width(n_x, center, scan_range),
        pad_x=output_pad(n_x, center, scan_range),
    )  # fmt: skip
    return RingSnapshot(
        geometry=geometry,
        parameters=ReconParameters(center=center, planes=Planes.middle(geometry)),
        dark=dark.astype(np.float32), flat=flat.astype(np.float32),
        frames=tuple(frames), angles_deg=np.asarray(angles_deg, np.float64),
    )  # fmt: skip


def ring_of_file(path: Path, *, center: float) -> RingSnapshot:
    """Fill a ring with the frames of a Data Exchange file, as the stream would.

    Raises
    ------
    SourceError
        It is no Data Exchange file, or has no angles.
    """
    with DxFileReader(path) as file:
        count, n_z, n_x = file.shape
        if file.theta_deg is None:
            raise SourceError(f"{path}: expected angles")
        table = angle_table(file.theta_deg)
        angles = np.array([table.angle_deg(k) for k in range(count)])
        slots = [table.slot(k, float(angles[k])) for k in range(count)]
        newest = sorted({slot: k for k, slot in enumerate(slots)}.values())
        frames = file.projections(0, count)
        dark, flat = file.mean_field(FrameKind.DARK), file.mean_field(FrameKind.FLAT)
    return snapshot_of(
        [frames[k] for k in newest], angles[newest],
        dark=np.zeros((n_z, n_x)) if dark is None else dark,
        flat=np.ones((n_z, n_x)) if flat is None else flat, center=center,
    )  # fmt: skip


def _lines(
    sample: Sequence[Ellipsoid],
    angle_deg: float,
    shape: tuple[int, int],
    center: float,
    roll_deg: float,
) -> NDArray[np.float64]:
    if not roll_deg:
        return project(sample, angle_deg, center=center, out=np.zeros(shape))
    # Exact shadows on a detector that is large enough, seen by one that is turned.
    n_z, n_x = shape
    margin = math.ceil(abs(math.sin(math.radians(roll_deg))) * max(shape)) + 2
    large = project(
        sample, angle_deg, center=center + margin,
        out=np.zeros((n_z + 2 * margin, n_x + 2 * margin)),
    )  # fmt: skip
    cosine, sine = math.cos(math.radians(roll_deg)), math.sin(math.radians(roll_deg))
    z = np.arange(n_z)[:, None] - (n_z - 1) / 2
    x = np.arange(n_x) - center
    return _sampled(
        large, z * cosine + x * sine + (n_z - 1) / 2 + margin,
        x * cosine - z * sine + center + margin,
    )  # fmt: skip


def _sampled(
    image: NDArray[np.float64], row: NDArray[np.float64], column: NDArray[np.float64]
) -> NDArray[np.float64]:
    row = np.clip(row, 0, image.shape[0] - 1.001)
    column = np.clip(column, 0, image.shape[1] - 1.001)
    top, left = row.astype(np.intp), column.astype(np.intp)
    below, right = row - top, column - left
    upper = (1 - right) * image[top, left] + right * image[top, left + 1]
    lower = (1 - right) * image[top + 1, left] + right * image[top + 1, left + 1]
    return (1 - below) * upper + below * lower


def _counts(
    lines: NDArray[np.float64], noise: float, random: np.random.Generator
) -> NDArray[np.uint16]:
    shown = np.exp(-lines)
    shown += noise * np.sqrt(shown) * random.standard_normal(shown.shape)
    return np.clip(np.round(_DARK + _LIGHT * shown), 0, 65535).astype(np.uint16)
