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
    memory, neighbours share one. What is not rendered yet is shown by the nearest view
    that is: views are rendered from coarse to fine, so that they soon are near.

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
        self._rendered_rotation = rotation
        self.rotation = rotation
        """How the sample turns now; views are kept by the rotation of the start."""
        self._center = center
        frame_bytes = detector.shape[0] * detector.shape[1] * detector.dtype.itemsize
        self.n_kept = max(min(limit_bytes // frame_bytes, rotation.n_views), 1)
        """Views in memory; fewer than the rotation's where these do not fit."""
        self._views = np.empty((self.n_kept, *detector.shape), detector.dtype)
        self._rendered = np.empty(0, np.int64)
        self._to_render = _coarse_to_fine(self.n_kept)
        self._integrals = np.empty(detector.shape, np.float32)
        self._shown = np.empty(detector.shape, detector.dtype)

    @property
    def n_rendered(self) -> int:
        """Views rendered so far."""
        return len(self._rendered)

    def render_next(self) -> bool:
        """Render one more view; tell whether any was left."""
        if not self._to_render:
            return False
        self._render(self._to_render.pop())
        return True

    def show(self, index: int, time_s: float) -> NDArray[np.generic]:
        """Give the frame with that index, as the sample is at that time.

        Returns
        -------
        ndarray
            (n_z, n_x), counts; overwritten by the next call.
        """
        angle_deg = self.rotation.view_deg(self.rotation.view(index))
        view = self._rendered_rotation.nearest_view(angle_deg)
        np.copyto(self._shown, self._views[self._nearest_rendered(view)])
        for ellipsoid in self._phantom.moving(time_s):
            box, integrals = shadow(
                ellipsoid, angle_deg, center=self._center, like=self._integrals
            )
            self._detector.attenuate(self._shown, box, integrals)
        return self._shown

    def _render(self, kept: int) -> None:
        # The middle one of the views that share it.
        view = ((2 * kept + 1) * self._rendered_rotation.n_views - 1) // (
            2 * self.n_kept
        )
        self._integrals.fill(0.0)
        project(
            self._phantom.still, self._rendered_rotation.view_deg(view),
            center=self._center, out=self._integrals,
        )  # fmt: skip
        self._detector.expose(self._integrals, self._views[kept])
        self._rendered = np.append(self._rendered, kept)

    def _nearest_rendered(self, view: int) -> int:
        kept = view * self.n_kept // self._rendered_rotation.n_views
        if not self._to_render:
            return kept
        if not len(self._rendered):
            self.render_next()
        away = np.abs(self._rendered - kept)
        if self._rendered_rotation.is_whole_turn:
            away = np.minimum(away, self.n_kept - away)
        return int(self._rendered[away.argmin()])


def _coarse_to_fine(count: int) -> list[int]:
    """Give 0..count-1 so that the last ones, taken from the end, lie far apart."""
    width = max(count - 1, 1).bit_length()

    def reversed_bits(number: int) -> int:
        return int(f"{number:0{width}b}"[::-1], 2)

    return sorted(range(count), key=reversed_bits, reverse=True)
