"""Views of the ring's frames as they are: projection and sinogram."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tomostream.core.slices import F32
from tomostream.recon.snapshot import RingSnapshot

_FLOOR = 1e-6


def newest_projection(snapshot: RingSnapshot) -> F32:
    """Give the newest frame between dark and flat.

    Returns
    -------
    ndarray
        (n_z, n_x), transmission; 1 where a pixel is dead or not finite.
    """
    shown = snapshot.transmission(len(snapshot.frames) - 1)
    return np.nan_to_num(shown, copy=False, nan=1.0, posinf=1.0, neginf=1.0)


def sinogram(snapshot: RingSnapshot, row: int) -> tuple[F32, NDArray[np.float64]]:
    """Give one detector row of all frames, by angle.

    Parameters
    ----------
    snapshot
        Not modified.
    row
        Detector row.

    Returns
    -------
    lines
        (n_frames, n_x), line integrals of attenuation.
    angles_deg
        (n_frames,), growing, not reduced to a turn: a continuous scan's ring is a piece
        of it without a seam.
    """
    order = np.argsort(snapshot.angles_deg, kind="stable")
    rows: list[NDArray[Any]] = [snapshot.frames[k][row] for k in order]
    counts = np.stack(rows).astype(np.float32)
    light = snapshot.flat[row] - snapshot.dark[row]
    alive = light > 0
    shown = np.ones_like(counts)
    np.divide(counts - snapshot.dark[row], light, out=shown, where=alive)
    shown = np.nan_to_num(shown, copy=False, nan=1.0, posinf=1.0, neginf=1.0)
    return -np.log(np.maximum(shown, _FLOOR)), snapshot.angles_deg[order]
