"""An ellipsoid phantom whose projections and slices are known exactly.

Coordinates are those of `core.geometry`: x and y count pixels from the rotation axis
(x = ix - n // 2, y = iy - n // 2, y down), z counts rows from row n_z // 2.

References
----------
Kak & Slaney, Principles of Computerized Tomographic Imaging, IEEE Press 1988, ch. 3:
the projection of an ellipse, and the table of ellipsoids.
Shepp & Logan, IEEE Trans. Nucl. Sci. 21 (1974) 21-43, doi:10.1109/TNS.1974.6499235.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tomostream.core.geometry import Geometry, Planes
from tomostream.core.slices import Slices

Real = TypeVar("Real", np.float32, np.float64)
F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ellipsoid:
    """An ellipsoid of constant attenuation, with one axis vertical."""

    x: float
    y: float
    z: float
    """Centre, pixels from the rotation axis and the middle row."""
    a: float
    b: float
    c: float
    """Half axes, pixels: along `turn_deg`, across it, and vertical."""
    turn_deg: float = 0.0
    """Angle of the half axis `a` from the x axis towards the y axis."""
    attenuation: float = 1.0
    """1/pixel; ellipsoids that overlap add up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phantom:
    """Ellipsoids that stay as they are, and features that change with time."""

    still: tuple[Ellipsoid, ...]
    features: tuple[Callable[[float], Ellipsoid], ...] = ()
    """Each gives its ellipsoid at a time in seconds."""

    def moving(self, time_s: float) -> tuple[Ellipsoid, ...]:
        """Give the features as they are at that time."""
        return tuple(feature(time_s) for feature in self.features)

    def at(self, time_s: float) -> tuple[Ellipsoid, ...]:
        """Give every ellipsoid as it is at that time."""
        return self.still + self.moving(time_s)


# Attenuation, half axes a b c, centre x y z, turn: the 3-D head of Kak & Slaney with
# the higher contrast that is usual today. Relative to the half width.
_HEAD = (
    (1.0, 0.6900, 0.920, 0.810, 0.0, 0.0, 0.0, 0.0),
    (-0.8, 0.6624, 0.874, 0.780, 0.0, -0.0184, 0.0, 0.0),
    (-0.2, 0.1100, 0.310, 0.220, 0.22, 0.0, 0.0, -18.0),
    (-0.2, 0.1600, 0.410, 0.280, -0.22, 0.0, 0.0, 18.0),
    (0.1, 0.2100, 0.250, 0.410, 0.0, 0.35, -0.15, 0.0),
    (0.1, 0.0460, 0.046, 0.050, 0.0, 0.1, 0.25, 0.0),
    (0.1, 0.0460, 0.046, 0.050, 0.0, -0.1, 0.25, 0.0),
    (0.1, 0.0460, 0.023, 0.050, -0.08, -0.605, 0.0, 0.0),
    (0.1, 0.0230, 0.023, 0.020, 0.0, -0.606, 0.0, 0.0),
    (0.1, 0.0230, 0.046, 0.020, 0.06, -0.605, 0.0, 0.0),
)


def head_phantom(
    n_x: int,
    n_z: int,
    *,
    period_s: float | None = None,
    fill: float = 0.95,
    attenuation_sum: float = 4.0,
) -> Phantom:
    """Make a head that fits a detector, and let parts of it change with time.

    Parameters
    ----------
    n_x, n_z
        Detector columns and rows. On a detector much wider than high the head is cut
        above and below.
    period_s
        Time after which all repeats: a pore swells and shrinks thrice in the middle
        plane, a bubble rises and grows twice, a bead goes round once. None: nothing
        changes.
    fill
        Widest part of the head as a fraction of the columns.
    attenuation_sum
        Line integral through a solid body as wide as the head, dimensionless. The
        head is mostly hollow: its darkest ray has about a quarter of that.
    """
    radius = 0.5 * fill * n_x / 0.92
    height = 0.5 * fill * max(n_z, n_x // 2) / 0.81
    mu = attenuation_sum / (fill * n_x)
    still = tuple(
        _scaled(
            Ellipsoid(
                x=x, y=y, z=z, a=a, b=b, c=c, turn_deg=turn, attenuation=attenuation
            ),
            radius, height, mu,
        )
        for attenuation, a, b, c, x, y, z, turn in _HEAD
    )  # fmt: skip
    if period_s is None:
        return Phantom(still=still)

    def feature(shape: Callable[[float], Ellipsoid]) -> Callable[[float], Ellipsoid]:
        return lambda time_s: _scaled(
            shape(time_s / period_s % 1.0), radius, height, mu
        )

    return Phantom(
        still=still, features=(feature(_pore), feature(_bubble), feature(_bead))
    )


def project(
    ellipsoids: Iterable[Ellipsoid],
    theta_deg: float,
    *,
    center: float,
    out: NDArray[Real],
) -> NDArray[Real]:
    """Add the exact line integrals of a parallel beam to one projection.

    Parameters
    ----------
    ellipsoids
        What the beam goes through.
    theta_deg
        Rotation of the sample.
    center
        Detector column of the rotation axis; need not be an integer.
    out
        (n_z, n_x), dimensionless (attenuation per pixel times pixels). Modified: what
        it holds is added to. Its type is that of the arithmetic.

    Returns
    -------
    ndarray
        `out`.
    """
    for ellipsoid in ellipsoids:
        box, integrals = shadow(ellipsoid, theta_deg, center=center, like=out)
        out[box] += integrals
    return out


def shadow(
    ellipsoid: Ellipsoid, theta_deg: float, *, center: float, like: NDArray[Real]
) -> tuple[tuple[slice, slice], NDArray[Real]]:
    """Give the line integrals of one ellipsoid where they are not 0.

    Parameters
    ----------
    ellipsoid, theta_deg, center
        As for `project`.
    like
        (n_z, n_x): an image of the detector's shape and the wanted type.

    Returns
    -------
    box
        Rows and columns; empty where the shadow misses the detector.
    integrals
        Shape of the box, dimensionless.
    """
    outline = _Outline.of(ellipsoid, theta_deg, center)
    rows, columns = outline.box(like.shape[0], like.shape[1])
    return (rows, columns), outline.integrals(rows, columns, like)


def projections(
    ellipsoids: Sequence[Ellipsoid],
    theta_deg: Sequence[float] | F64,
    *,
    n_z: int,
    n_x: int,
    center: float,
    dtype: type[Real] = np.float32,
) -> NDArray[Real]:
    """Give exact line integrals at many angles.

    Returns
    -------
    ndarray
        (n_theta, n_z, n_x), dimensionless.
    """
    stack = np.zeros((len(theta_deg), n_z, n_x), dtype)
    for image, angle_deg in zip(stack, theta_deg, strict=True):
        project(ellipsoids, float(angle_deg), center=center, out=image)
    return stack


def attenuation_at(ellipsoids: Iterable[Ellipsoid], x: F64, y: F64, z: F64) -> F64:
    """Give the attenuation at points.

    Parameters
    ----------
    x, y, z
        Pixels from the axis and the middle row; broadcast against each other.

    Returns
    -------
    ndarray
        Broadcast shape, 1/pixel.
    """
    total = np.zeros(np.broadcast_shapes(x.shape, y.shape, z.shape))
    for e in ellipsoids:
        cos, sin = _cos_sin(e.turn_deg)
        along = ((x - e.x) * cos + (y - e.y) * sin) / e.a
        across = ((y - e.y) * cos - (x - e.x) * sin) / e.b
        total += e.attenuation * (along**2 + across**2 + ((z - e.z) / e.c) ** 2 <= 1.0)
    return total


def truth_slices(
    ellipsoids: Sequence[Ellipsoid],
    geometry: Geometry,
    planes: Planes,
    *,
    oversample: int = 1,
) -> Slices:
    """Give what a perfect reconstruction shows in the three planes.

    Parameters
    ----------
    oversample
        Points per pixel along x and along y whose mean is given, so that edges get
        the share of the pixel that they cover. Rows are not averaged: line integrals
        are exact at each row's middle.
    """
    n, n_z = geometry.n_out, geometry.n_z
    places = np.arange(n, dtype=np.float64) - n // 2
    heights = np.arange(n_z, dtype=np.float64) - n_z // 2
    shifts = (np.arange(oversample) + 0.5) / oversample - 0.5

    def mean(x: F64, y: F64, z: F64) -> NDArray[np.float32]:
        total = np.zeros(np.broadcast_shapes(x.shape, y.shape, z.shape))
        for dx in shifts:
            for dy in shifts:
                total += attenuation_at(ellipsoids, x + dx, y + dy, z)
        return (total / oversample**2).astype(np.float32)

    column, row = np.array(places[planes.x]), np.array(places[planes.y])
    return Slices(
        z=mean(places[None, :], places[:, None], np.array(heights[planes.z])),
        y=mean(places[None, :], row, heights[:, None]),
        x=mean(column, places[None, :], heights[:, None]),
    )


@dataclass(frozen=True, slots=True)
class _Outline:
    """The elliptic outline of an ellipsoid on the detector, and its peak."""

    column: float
    """Pixels, with the rotation axis at `center`."""
    z: float
    half_width: float
    half_height: float
    peak: float
    """Line integral through the middle, dimensionless."""

    @classmethod
    def of(cls, e: Ellipsoid, theta_deg: float, center: float) -> "_Outline":
        # The detector's column direction in the sample is (cos theta, -sin theta).
        cos, sin = _cos_sin(theta_deg)
        turn_cos, turn_sin = _cos_sin(e.turn_deg)
        along = cos * turn_cos - sin * turn_sin
        across = -cos * turn_sin - sin * turn_cos
        half_width = math.hypot(e.a * along, e.b * across)
        return cls(
            e.x * cos - e.y * sin + center, e.z, half_width, e.c,
            2.0 * e.attenuation * e.a * e.b / half_width,
        )  # fmt: skip

    def box(self, n_z: int, n_x: int) -> tuple[slice, slice]:
        row = self.z + n_z // 2
        return (
            _inside(row - self.half_height, row + self.half_height, n_z),
            _inside(self.column - self.half_width, self.column + self.half_width, n_x),
        )

    def integrals(
        self, rows: slice, columns: slice, out: NDArray[Real]
    ) -> NDArray[Real]:
        z = np.arange(rows.start, rows.stop) - (self.z + out.shape[0] // 2)
        s = np.arange(columns.start, columns.stop) - self.column
        remaining = (1.0 - (z / self.half_height) ** 2).astype(out.dtype)[:, None]
        chord = remaining - ((s / self.half_width) ** 2).astype(out.dtype)
        np.maximum(chord, 0, out=chord)
        np.sqrt(chord, out=chord)
        chord *= out.dtype.type(self.peak)
        return chord


def _inside(low: float, high: float, size: int) -> slice:
    start = min(max(math.ceil(low), 0), size)
    return slice(start, max(min(math.floor(high) + 1, size), start))


def _cos_sin(angle_deg: float) -> tuple[float, float]:
    # Reduced in degrees first: radians of a large angle lose their last digits.
    radians = math.radians(math.fmod(angle_deg, 360.0))
    return math.cos(radians), math.sin(radians)


def _scaled(e: Ellipsoid, radius: float, height: float, mu: float) -> Ellipsoid:
    return replace(
        e, x=e.x * radius, y=e.y * radius, z=e.z * height, a=e.a * radius,
        b=e.b * radius, c=e.c * height, attenuation=e.attenuation * mu,
    )  # fmt: skip


def _pore(phase: float) -> Ellipsoid:
    size = 0.08 + 0.045 * math.sin(3.0 * 2.0 * math.pi * phase)
    return Ellipsoid(x=0.0, y=-0.52, z=0.0, a=size, b=size, c=size, attenuation=-0.2)


def _bubble(phase: float) -> Ellipsoid:
    phase = 2.0 * phase % 1.0
    size = 0.04 + 0.04 * phase
    return Ellipsoid(
        x=0.42, y=0.3, z=0.4 - 0.8 * phase, a=size, b=size, c=size, attenuation=-0.2
    )


def _bead(phase: float) -> Ellipsoid:
    turn = 2.0 * math.pi * phase
    return Ellipsoid(
        x=0.5 * math.cos(turn), y=0.5 * math.sin(turn), z=0.0, a=0.035, b=0.035,
        c=0.035, attenuation=0.8,
    )  # fmt: skip
