"""Two opposite views laid over each other: a wrong axis or a tilt at a glance."""

from dataclasses import dataclass

import numpy as np

from tomostream.core.slices import F32
from tomostream.recon.center.pairs import opposite_of
from tomostream.recon.snapshot import RingSnapshot

_FIELDS = 12
"""Fields of the chequerboard across the frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """The newest view and its opposite, mirrored about Center."""

    pixels: F32
    """(n_z, 2 n_x), line integrals: difference left, chequerboard right."""
    angle_deg: float
    """Of the newest view."""
    excess_deg: float
    """Angle from the newest view to the other, less 180 degrees."""


def overlay(snapshot: RingSnapshot, center: float) -> Overlay | None:
    """Lay the newest view and the one half a turn from it over each other.

    Left the difference, newest less mirrored: flat where Center is right; where it is
    off, every edge has a bright and a dark side, the same on the left and the right of
    the sample; where the camera is rolled they change sides between top and bottom.
    Right a chequerboard of the two: edges run on through the fields where Center is
    right, and break at each field where it is not. Nothing flickers, so a slow channel
    will do.

    Parameters
    ----------
    snapshot
        Not modified.
    center
        Column of the axis, pixels.

    Returns
    -------
    Overlay or None
        None where no view within 5 degrees of the opposite is held. Columns that only
        one view sees are 0 on the left and the newest view on the right.
    """
    if not len(snapshot.frames):
        return None
    newest = len(snapshot.frames) - 1
    pair = opposite_of(snapshot.angles_deg, newest)
    if pair is None:
        return None
    own = snapshot.lines(newest)
    other, is_seen = mirrored(snapshot.lines(pair.second), center)
    n_z, n_x = own.shape
    pixels = np.empty((n_z, 2 * n_x), np.float32)
    pixels[:, :n_x] = np.where(is_seen, own - other, 0.0)
    pixels[:, n_x:] = np.where(is_seen & _chequers(n_z, n_x), other, own)
    return Overlay(
        pixels=pixels, angle_deg=float(snapshot.angles_deg[newest]),
        excess_deg=pair.excess_deg,
    )  # fmt: skip


def mirrored(lines: F32, center: float) -> tuple[F32, np.ndarray]:
    """Mirror rows about a column, interpolating, and tell which columns are seen.

    Parameters
    ----------
    lines
        (n_z, n_x). Not modified.

    Returns
    -------
    mirrored
        (n_z, n_x); 0 where nothing is seen.
    is_seen
        (n_x,)
    """
    n_x = lines.shape[1]
    place = 2.0 * center - np.arange(n_x)
    is_seen = (place >= 0) & (place <= n_x - 1)
    place = np.clip(place, 0, n_x - 1)
    left = np.minimum(place.astype(np.intp), max(n_x - 2, 0))
    part = (place - left).astype(np.float32)
    right = np.minimum(left + 1, n_x - 1)
    image = lines[:, left] * (1 - part) + lines[:, right] * part
    return np.where(is_seen, image, np.float32(0)), is_seen


def _chequers(n_z: int, n_x: int) -> np.ndarray:
    size = max(n_x // _FIELDS, 4)
    return (np.arange(n_z)[:, None] // size + np.arange(n_x) // size) % 2 == 1
