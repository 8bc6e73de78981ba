"""Views rendered ahead, with the parts that change drawn in when they are shown."""

import numpy as np
from numpy.typing import NDArray

from tomostream.sim.detector import Detector
from tomostream.sim.phantom import Phantom, project, shadow
from tomostream.sim.rotation import Rotation


class Movie:
    """Camera frames of the phantom, one for each view, in bounded memory.

    What stays still is rendered once a view, with its noise; what changes has a small
    shadow and is drawn into a copy at the time shown. Where the views do not fit into
    memory, neighbours share one.

    Parameters
    ----------
    limit_bytes
        Memory for rendered views; one is always kept.
    """

    def __init__(
        self,
        phantom: Phantom,
        detector: Detector,
        rotation: Rotation,
        *,
        center: float,
        limit_bytes: int,
    ) -> None:
        self._phantom = phantom
        self._detector = detector
        self._rotation = rotation
        self._center = center
        frame_bytes = detector.shape[0] * detector.shape[1] * detector.dtype.itemsize
        self.n_kept = max(min(limit_bytes // frame_bytes, rotation.n_views), 1)
        """Views in memory; fewer than the rotation's where these do not fit."""
        self._views = np.empty((self.n_kept, *detector.shape), detector.dtype)
        self._is_rendered = np.zeros(self.n_kept, np.bool_)
        self._next = 0
        self._integrals = np.empty(detector.shape, np.float32)
        self._shown = np.empty(detector.shape, detector.dtype)

    @property
    def n_rendered(self) -> int:
        """Views rendered so far."""
        return int(self._is_rendered.sum())

    def render_next(self) -> bool:
        """Render one more view ahead; tell whether any was left."""
        while self._next < self.n_kept and self._is_rendered[self._next]:
            self._next += 1
        if self._next == self.n_kept:
            return False
        self._render(self._next)
        return True

    def show(self, index: int, time_s: float) -> NDArray[np.generic]:
        """Give the frame with that index, as the sample is at that time.

        Returns
        -------
        ndarray
            (n_z, n_x), counts; overwritten by the next call.
        """
        view = self._rotation.view(index)
        kept = view * self.n_kept // self._rotation.n_views
        if not self._is_rendered[kept]:
            self._render(kept)
        np.copyto(self._shown, self._views[kept])
        angle_deg = self._rotation.view_deg(view)
        for ellipsoid in self._phantom.moving(time_s):
            box, integrals = shadow(
                ellipsoid, angle_deg, center=self._center, like=self._integrals
            )
            self._detector.attenuate(self._shown, box, integrals)
        return self._shown

    def _render(self, kept: int) -> None:
        # The middle one of the views that share it.
        view = ((2 * kept + 1) * self._rotation.n_views - 1) // (2 * self.n_kept)
        self._integrals.fill(0.0)
        project(
            self._phantom.still, self._rotation.view_deg(view), center=self._center,
            out=self._integrals,
        )  # fmt: skip
        self._detector.expose(self._integrals, self._views[kept])
        self._is_rendered[kept] = True
