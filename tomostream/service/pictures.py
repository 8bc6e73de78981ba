"""Views of the ring's frames as they are: projection and sinogram."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tomostream.core.slices import F32
from tomostream.recon.snapshot import RingSnapshot, line_integrals, transmission


def newest_projection(snapshot: RingSnapshot) -> F32:
    """Give the newest frame between dark and flat.

    Returns
    -------
    ndarray
        (n_z, n_x), transmission; 1 where a pixel is dead or not finite.
    """
    return snapshot.transmission(len(snapshot.frames) - 1)


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
    shown = transmission(np.stack(rows), snapshot.dark[row], snapshot.flat[row])
    return line_integrals(shown), snapshot.angles_deg[order]
