"""What the ring shows, as arrays: slices, the packed image, planes and rows."""

import numpy as np

from tomostream.core.errors import ReconstructionError
from tomostream.core.geometry import Geometry
from tomostream.core.slices import Slices, unpack
from tomostream.recon.backend import F32, Backend


def written_slices(backend: Backend, geometry: Geometry) -> Slices:
    """Give the three slices, each an array of its own."""
    g = geometry
    z = np.empty((g.n_out, g.n_out), np.float32)
    y = np.empty((g.n_z, g.n_out), np.float32)
    x = np.empty((g.n_z, g.n_out), np.float32)
    slices = Slices(z=z, y=y, x=x)
    write_slices(backend, slices)
    return slices


def packed_image(geometry: Geometry, out: F32 | None = None) -> F32:
    """Give an image for the slices Z | Y | X, zeros around them; `out`, or a new one.

    Raises
    ------
    ReconstructionError
        `out` has another shape or type.
    """
    if out is None:
        out = _aligned(geometry.packed_shape)
    elif out.shape != geometry.packed_shape or out.dtype != np.float32:
        raise ReconstructionError(
            f"packed: expected out {geometry.packed_shape} float32, "
            f"got {out.shape} {out.dtype}"
        )
    out[geometry.n_out :, : geometry.n_out] = 0.0
    out[geometry.n_z :, geometry.n_out :] = 0.0
    return out


def places_in(packed: F32 | None, geometry: Geometry) -> Slices | None:
    """Give where the slices of a packed image stand; zeros around them.

    Raises
    ------
    ReconstructionError
        The image has another shape or type.
    """
    return None if packed is None else unpack(packed_image(geometry, packed), geometry)


def write_slices(backend: Backend, slices: Slices) -> None:
    """Write what the backend shows."""
    backend.write(z=slices.z, y=slices.y, x=slices.x)


def written_oblique(backend: Backend, geometry: Geometry) -> F32:
    """Give the oblique plane (n_out, n_out); zeros if none is wanted."""
    out = np.empty((geometry.n_out, geometry.n_out), np.float32)
    backend.write_oblique(out)
    return out


def written_rows(backend: Backend, geometry: Geometry, first: int, count: int) -> F32:
    """Give planes normal to y, (count, n_z, n_out).

    Raises
    ------
    ReconstructionError
        A row lies outside the volume.
    """
    g = geometry
    if not 0 <= first <= first + count <= g.n_out:
        raise ReconstructionError(
            f"rows: expected some of 0 to {g.n_out - 1}, got {count} from {first} on"
        )
    out = np.empty((count, g.n_z, g.n_out), np.float32)
    backend.write_rows(first, out)
    return out


def _aligned(shape: tuple[int, int]) -> F32:
    # Whole cache lines can be written past the cache, which takes half the time.
    count, line = shape[0] * shape[1], 64
    memory = np.empty(4 * count + line, np.uint8)
    first = -memory.ctypes.data % line
    return memory[first : first + 4 * count].view(np.float32).reshape(shape)
