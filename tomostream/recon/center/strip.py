"""Small horizontal slices for candidate centres, side by side."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tomostream.core.errors import ReconstructionError
from tomostream.core.geometry import Geometry, Planes, output_pad, overlap_weight
from tomostream.core.parameters import ReconParameters
from tomostream.core.slices import F32
from tomostream.recon.center.bands import Bands
from tomostream.recon.center.digits import HEIGHT, drawn
from tomostream.recon.engine import Engine
from tomostream.recon.snapshot import RingSnapshot

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class CenterStrip:
    """A row of small slices, each for another centre."""

    pixels: F32
    """(h, count * w), 1/pixel; under each slice its centre in digits."""
    centers: tuple[float, ...]
    """Left to right, pixels; Center is in the middle."""
    width: int
    """Columns of each slice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Region:
    """A square of the horizontal slice."""

    x: int
    """Of its middle, pixels from the axis."""
    y: int
    width: int


def center_strip(
    snapshot: RingSnapshot, center: float, step: float, *, count: int = 9,
    width: int = 160,
) -> CenterStrip:  # fmt: skip
    """Reconstruct a piece of the horizontal slice for centres around Center.

    The piece lies around the cross-hair (OrthoX, OrthoY) at OrthoZ, in full resolution,
    as a wrong centre shows in fine detail; of a small frame it is the whole slice. The
    operator's filter is used; zinger, phase and ring steps are not.

    Parameters
    ----------
    snapshot
        Not modified.
    center
        Of the slice in the middle, pixels.
    step
        From slice to slice, pixels.
    count
        Slices; odd.
    width
        Rows and columns of each slice at most, pixels.

    Raises
    ------
    ReconstructionError
        The snapshot's ring is empty, or the centre is not finite.
    """
    if not snapshot.frames:
        raise ReconstructionError("strip of centres: the ring is empty")
    if not (math.isfinite(center) and math.isfinite(step)):
        raise ReconstructionError(
            f"strip of centres: expected finite numbers, got {center} and {step}"
        )
    centers = tuple(center + (k - count // 2) * step for k in range(count))
    region = _region(snapshot, width)
    tiles = list(_tiles(snapshot, centers, region))
    return CenterStrip(
        pixels=_labelled(tiles, centers), centers=centers, width=region.width
    )


def _region(snapshot: RingSnapshot, width: int) -> _Region:
    n_out = snapshot.geometry.n_out
    planes = snapshot.parameters.planes
    width = min(width, n_out)

    def middle(place: int) -> int:
        first = min(max(place - width // 2, 0), n_out - width)
        return first + width // 2 - n_out // 2

    return _Region(x=middle(planes.x), y=middle(planes.y), width=width)


def _tiles(
    snapshot: RingSnapshot, centers: tuple[float, ...], region: _Region
) -> Iterator[F32]:
    row = snapshot.parameters.planes.z
    bands = Bands.at(snapshot, starts=(row,), rows=1)
    lines = np.stack([bands.lines(i)[0] for i in range(len(snapshot.frames))])
    theta = np.deg2rad(snapshot.angles_deg % 360.0)
    beside = region.x * np.cos(theta) - region.y * np.sin(theta)
    margin = math.ceil(float(np.abs(beside).max()))
    engine = Engine(backend="cpu", threads=1, ring_dtype="float", raw_slots=0)
    if snapshot.geometry.scan_range == 180:
        moved = _moved(lines, beside, margin)
        _fill(engine, moved, snapshot, region, centers[0] + margin)
        for center in centers:
            yield _slice(engine, center + margin)
        return
    for center in centers:
        # The weights of half-acquisition move with the axis.
        weighted, left = _half_acquired(lines, center, snapshot.geometry)
        moved = _moved(weighted, beside, margin)
        _fill(engine, moved, snapshot, region, center + left + margin)
        yield 2.0 * _slice(engine, center + left + margin)


def _fill(
    engine: Engine, lines: F32, snapshot: RingSnapshot, region: _Region, center: float
) -> None:
    count, columns = lines.shape
    geometry = Geometry(n_z=1, n_x=columns, n_slots=count, n_out=region.width)
    engine.configure(
        geometry,
        ReconParameters(
            center=center, filter_type=snapshot.parameters.filter_type,
            planes=Planes.middle(geometry),
        ),
    )  # fmt: skip
    frames = [np.exp(-row[None, :]) for row in lines]
    engine.add(frames, snapshot.angles_deg, np.arange(count))


def _slice(engine: Engine, center: float) -> F32:
    engine.set_parameters(replace(engine.parameters, center=center))
    return engine.slices().z


def _moved(lines: F32, beside: F64, margin: int) -> F32:
    """Shift each row so that the region's middle takes the axis' place.

    Rows go on with their edge values. The shift is done in Fourier space, which keeps
    all detail; a line between the ends takes the step out of the row's repetition.
    """
    padded = np.pad(lines, ((0, 0), (margin, margin)), mode="edge")
    if margin == 0:
        return padded
    columns = padded.shape[1]
    ramp = np.linspace(0.0, 1.0, columns, dtype=np.float32)
    first, last = padded[:, :1], padded[:, -1:]
    flat = padded - first - ramp * (last - first)
    frequency = np.fft.rfftfreq(columns)
    spectrum = np.fft.rfft(flat) * np.exp(2j * np.pi * beside[:, None] * frequency)
    shifted = np.fft.irfft(spectrum, columns)
    at = np.clip(np.arange(columns) + beside[:, None], 0, columns - 1) / (columns - 1)
    return (shifted + first + at * (last - first)).astype(np.float32)


def _half_acquired(lines: F32, center: float, geometry: Geometry) -> tuple[F32, int]:
    """Weigh the columns that are seen twice a turn, and pad to the whole object."""
    n_x = geometry.n_x
    weight = [overlap_weight(column, n_x, center) for column in range(n_x)]
    weighted = lines * np.array(weight, np.float32)
    left = output_pad(n_x, center, 360)
    total = max(geometry.n_ring, n_x + left)
    return np.pad(weighted, ((0, 0), (left, total - n_x - left))), left


def _labelled(tiles: list[F32], centers: tuple[float, ...]) -> F32:
    """Put tiles side by side, each above its centre; a bar marks the middle one."""
    width = tiles[0].shape[1]
    text = [f"{center:.2f}" for center in centers]
    scale = max(min(width // 64, (width - 2) // (4 * max(map(len, text)) + 1)), 1)
    strip = np.concatenate(tiles, axis=1)
    dark, light = (float(v) for v in np.percentile(strip, (1.0, 99.0)))
    label = np.full((HEIGHT * scale + 2, strip.shape[1]), dark, np.float32)
    for place, value in enumerate(text):
        ink = drawn(value, scale=scale)[:, :width]
        left = place * width + (width - ink.shape[1]) // 2
        label[2 : 2 + len(ink), left : left + ink.shape[1]][ink] = light
    middle = len(tiles) // 2 * width
    label[:2, middle : middle + width] = light
    return np.concatenate([strip, label])
