"""ASTRA's filtered backprojection on the CPU, in our coordinates.

References
----------
van Aarle et al., Optics Express 24 (2016) 25129, doi:10.1364/OE.24.025129.
"""

from collections.abc import Iterable
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tomostream.core.geometry import Geometry, Planes
from tomostream.core.slices import Slices

Projector = Literal["linear", "strip"]


def is_installed() -> bool:
    """Tell whether ASTRA can be imported."""
    return find_spec("astra") is not None


def astra_slices(
    line_integrals: NDArray[np.floating],
    theta_deg: NDArray[np.floating],
    *,
    projector: Projector,
    planes: Planes,
    geometry: Geometry,
) -> Slices:
    """Reconstruct three slices; the axis must be at column (n_x - 1) / 2.

    ASTRA counts from the middle of the detector, with pixel edges at half the width
    and y upwards. Moving the volume's window by half a pixel gives our grid, where
    the axis goes through the pixel n_out // 2, without touching the data. A vertical
    slice is a window of one row or column, reconstructed for every detector row.

    Parameters
    ----------
    line_integrals
        (n_theta, n_z, n_x), dimensionless.
    """
    n = geometry.n_out
    first = -float(n // 2)
    rows = range(geometry.n_z)
    run = _Fbp(line_integrals, theta_deg, projector)
    z = run.images([planes.z], (n, n), (first, first))
    y = run.images(rows, (1, n), (first, planes.y + first))
    x = run.images(rows, (n, 1), (planes.x + first, first))
    return Slices(z=z[0], y=y[:, 0, :], x=x[:, :, 0])


class _Fbp:
    def __init__(
        self,
        line_integrals: NDArray[np.floating],
        theta_deg: NDArray[np.floating],
        projector: Projector,
    ) -> None:
        import astra

        self._astra: Any = astra
        self._data = line_integrals
        self._kind = projector
        self._rays = astra.create_proj_geom(
            "parallel", 1.0, line_integrals.shape[2], np.deg2rad(theta_deg)
        )

    def images(
        self, rows: Iterable[int], shape: tuple[int, int], first: tuple[float, float]
    ) -> NDArray[np.float32]:
        """Reconstruct the window whose first pixel's centre is at x, y (down)."""
        astra = self._astra
        left, top = first[0] - 0.5, first[1] - 0.5
        window = astra.create_vol_geom(
            *shape, left, left + shape[1], -(top + shape[0]), -top
        )
        projector = astra.create_projector(self._kind, self._rays, window)
        try:
            return np.stack([self._image(row, window, projector) for row in rows])
        finally:
            astra.projector.delete(projector)

    def _image(self, row: int, window: Any, projector: int) -> NDArray[np.float32]:
        astra = self._astra
        rows = np.ascontiguousarray(self._data[:, row, :], np.float32)
        sinogram = astra.data2d.create("-sino", self._rays, rows)
        volume = astra.data2d.create("-vol", window)
        settings = astra.astra_dict("FBP")
        settings["ProjectorId"] = projector
        settings["ProjectionDataId"] = sinogram
        settings["ReconstructionDataId"] = volume
        settings["option"] = {"FilterType": "Ram-Lak"}
        algorithm = astra.algorithm.create(settings)
        try:
            astra.algorithm.run(algorithm)
            return astra.data2d.get(volume)
        finally:
            astra.algorithm.delete(algorithm)
            astra.data2d.delete([sinogram, volume])
