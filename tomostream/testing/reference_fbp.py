"""Filtered backprojection in float64, written to be read: the judge of all backends."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tomostream.core.geometry import Geometry, PlaneGrid, overlap_weight
from tomostream.core.parameters import ReconParameters
from tomostream.core.slices import Slices
from tomostream.core.steps import FlatScale
from tomostream.recon.filters import kernel, tail
from tomostream.recon.steps.phase import phase_retrieved
from tomostream.recon.steps.zingers import without_zingers

F64 = NDArray[np.float64]


def line_integrals(frame: NDArray[Any], dark: F64, flat: F64) -> F64:
    """Give -log of the flat-fielded frame (n_z, n_x)."""
    transmission = (frame.astype(np.float64) - dark) / np.maximum(flat - dark, 1e-6)
    return -np.log(np.maximum(transmission, 1e-6))


def processed(
    frame: NDArray[Any],
    dark: NDArray[Any],
    flat: NDArray[Any],
    geometry: Geometry,
    parameters: ReconParameters,
    *,
    correction: NDArray[np.floating] | None = None,
) -> F64:
    """Give a frame's line integrals as they go into the filter, (n_z, n_ring).

    The correction stands for the removal of rings.
    """
    steps = parameters.steps
    counts, dark = frame.astype(np.float64), dark.astype(np.float64)
    transmission = (counts - dark) / np.maximum(flat.astype(np.float64) - dark, 1e-6)
    if steps.flat_scale is FlatScale.EXPOSURE:
        transmission /= steps.exposure_ratio
    if steps.flat_scale is FlatScale.REGION and steps.region:
        r = steps.region
        rows = slice(max(r.y, 0), r.y + r.height)
        air = transmission[rows, max(r.x, 0) : r.x + r.width]
        transmission /= air.mean()
    transmission = without_zingers(
        transmission, radius=steps.zinger_radius, threshold=steps.zinger_threshold
    )
    if steps.phase:
        transmission = phase_retrieved(
            transmission, strength_px2=steps.phase.strength_px2
        )
    lines = -np.log(np.maximum(transmission, steps.transmission_floor))
    b, c = steps.hardening
    lines = lines + b * lines**2 + c * lines**3
    if correction is not None:
        lines -= correction
    if geometry.scan_range == 360:
        lines *= [
            overlap_weight(x, geometry.n_x, parameters.center)
            for x in range(geometry.n_x)
        ]
    after = geometry.n_ring - geometry.pad_x - geometry.n_x
    return np.pad(lines, ((0, 0), (geometry.pad_x, after)))


def filtered(rows: F64, parameters: ReconParameters) -> F64:
    """Convolve rows (..., n_x) that continue with their edge values for ever."""
    h = kernel(parameters.filter_type, rows.shape[-1])
    return convolved(rows, h) + rows[..., :1] * tail(h) + rows[..., -1:] * tail(h)[::-1]


def convolved(rows: F64, h: F64) -> F64:
    """Convolve rows (..., n_x), 0 outside, with an even kernel h[0] .. h[n_x - 1]."""
    columns = np.arange(rows.shape[-1])
    return rows @ h[np.abs(columns[:, None] - columns)]


def reference_slices(
    projections: Sequence[F64],
    angles_deg: Sequence[float],
    geometry: Geometry,
    parameters: ReconParameters,
) -> Slices:
    """Reconstruct three slices from filtered projections (n_z, n_x), in float64."""
    n, planes = geometry.n_out, parameters.planes
    axis = np.arange(n) - n // 2
    x, y = planes.x - n // 2, planes.y - n // 2
    center = parameters.center + geometry.pad_x
    slice_z = np.zeros((n, n))
    slice_y = np.zeros((geometry.n_z, n))
    slice_x = np.zeros((geometry.n_z, n))
    for projection, angle in zip(projections, angles_deg, strict=True):
        theta = np.deg2rad(angle)
        c, s = np.cos(theta), np.sin(theta)
        slice_z += sampled(projection[planes.z], axis * c - axis[:, None] * s + center)
        x_turned, y_turned = _turned(axis, y, planes.rot_y)
        slice_y += sampled(projection, x_turned * c - y_turned * s + center)
        x_turned, y_turned = _turned(x, axis, planes.rot_x)
        slice_x += sampled(projection, x_turned * c - y_turned * s + center)
    scale = _arc(geometry) / max(len(projections), 1)
    return Slices(z=slice_z * scale, y=slice_y * scale, x=slice_x * scale)  # pyright: ignore[reportArgumentType]  float64 on purpose


def _arc(geometry: Geometry) -> float:
    # Over a whole turn every ray counts twice, or its two weights sum up to 1.
    return np.pi if geometry.scan_range == 180 else 2 * np.pi


def _turned(x: Any, y: Any, degrees: float) -> tuple[Any, Any]:
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return x * c + y * s, -x * s + y * c


def sampled(rows: F64, position: F64) -> F64:
    """Interpolate rows (..., n_x) linearly; zero outside."""
    n_x = rows.shape[-1]
    padded = np.zeros((*rows.shape[:-1], n_x + 2))
    padded[..., 1:-1] = rows
    inside = np.clip(position, -1.0, n_x)
    left = np.minimum(np.floor(inside).astype(int), n_x - 1)
    weight = inside - left
    return (1 - weight) * padded[..., left + 1] + weight * padded[..., left + 2]


def points(grid: PlaneGrid) -> tuple[F64, F64, F64]:
    """Give x, y, z of a plane's pixels, each (rows, columns)."""
    column, row = np.arange(grid.columns), np.arange(grid.rows)[:, None]
    x, y, z = (
        origin + column * across + row * down
        for origin, across, down in zip(
            grid.origin, grid.column_step, grid.row_step, strict=True
        )
    )
    return x, y, z


def reference_plane(
    projections: Sequence[F64],
    angles_deg: Sequence[float],
    grid: PlaneGrid,
    geometry: Geometry,
    parameters: ReconParameters,
) -> F64:
    """Reconstruct the points of a plane from filtered projections (n_z, n_ring).

    Each projection is interpolated in both directions; it is zero outside.
    """
    x, y, z = points(grid)
    center = parameters.center + geometry.pad_x
    total = np.zeros(x.shape)
    for projection, angle in zip(projections, angles_deg, strict=True):
        n_z, n_x = projection.shape
        padded = np.pad(projection, 1)
        theta = np.deg2rad(angle)
        position = np.clip(x * np.cos(theta) - y * np.sin(theta) + center, -1.0, n_x)
        height = np.clip(z, -1.0, n_z)
        column = np.minimum(np.floor(position).astype(int), n_x - 1)
        row = np.minimum(np.floor(height).astype(int), n_z - 1)
        w, t = position - column, height - row
        above, below = (
            (1 - w) * padded[r, column + 1] + w * padded[r, column + 2]
            for r in (row + 1, row + 2)
        )
        total += (1 - t) * above + t * below
    return total * _arc(geometry) / max(len(projections), 1)


def relative_error(slices: Slices, reference: Slices) -> float:
    """Give the largest of the three slices' relative L2 errors."""
    return max(
        float(np.linalg.norm(a - b) / np.linalg.norm(b))
        for a, b in (
            (slices.z, reference.z),
            (slices.y, reference.y),
            (slices.x, reference.x),
        )
    )


def range_error(slices: Slices, reference: Slices) -> float:
    """Give the slices' largest error, relative to the reference's range."""
    return max(
        float(np.abs(a - b).max() / np.ptp(b))
        for a, b in (
            (slices.z, reference.z),
            (slices.y, reference.y),
            (slices.x, reference.x),
        )
    )
