"""The views beside the slices: how each is made, and how often."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from tomostream.core.parameters import Parameters
from tomostream.core.ports import Clock, ViewPublisher
from tomostream.core.slices import F32
from tomostream.core.views import View, ViewImage
from tomostream.recon.center import (
    CenterTracker,
    center_strip,
    estimate_center,
    overlay,
)
from tomostream.service.beside import Task
from tomostream.service.handover import AxisFound, Handover, Scene
from tomostream.service.pictures import newest_projection, sinogram
from tomostream.service.preview import EDGE, Preview, VolumeEngine

Attributes = dict[str, float | int | str]

_PERIODS_S = {
    View.PROJECTION: 0.2, View.SINOGRAM: 0.5, View.OVERLAY: 1.0, View.CENTERS: 2.0
}  # fmt: skip
_AXIS_EVERY_S = 5.0
_LEAST_COMPLETENESS = 0.3
"""Of the ring: the axis is not looked for before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Picture:
    pixels: F32
    attributes: Attributes


class Views:
    """Make views of scenes and publish them. Owned by the thread beside the stream.

    Parameters
    ----------
    publisher
        Where they go, and who knows whether anybody looks.
    make_engine
        Gives the preview volume an engine of one thread.
    preview_edge
        Voxels along the longest edge of the preview volume at most.
    """

    def __init__(
        self, publisher: ViewPublisher, clock: Clock,
        *, make_engine: Callable[[], VolumeEngine], preview_edge: int = EDGE,
    ) -> None:  # fmt: skip
        self._publisher = publisher
        self._clock = clock
        self._preview = Preview(make_engine, edge=preview_edge)
        self._counts = dict.fromkeys(View, 0)
        self._makers: dict[View, Callable[[Scene], _Picture | None]] = {
            View.PROJECTION: _projection,
            View.SINOGRAM: _sinogram,
            View.OVERLAY: _overlay,
            View.CENTERS: _centers,
            View.VOLUME: self._volume,
        }

    def tasks(self) -> list[Task]:
        """Give what there is to do for each view."""
        return [self._task(view) for view in self._makers]

    def _task(self, view: View) -> Task:
        def period_s(parameters: Parameters) -> float:
            if view is not View.VOLUME:
                return _PERIODS_S[view]
            rate_hz = parameters.preview_rate_hz
            return 1.0 / rate_hz if rate_hz > 0 else 0.0

        return Task(
            name=f"view {view}", period_s=period_s,
            is_wanted=lambda: self._publisher.is_wanted(view),
            work=lambda scene: self._publish(view, scene),
        )  # fmt: skip

    def _publish(self, view: View, scene: Scene) -> None:
        picture = self._makers[view](scene)
        if picture is None:
            return
        picture.pixels.flags.writeable = False
        self._counts[view] += 1
        common: Attributes = {
            "Center": scene.parameters.center, "Session": scene.session,
            "Completeness": scene.completeness,
        }  # fmt: skip
        image = ViewImage(
            view=view, unique_id=self._counts[view], published_s=self._clock.now_s(),
            data_s=scene.data_s, pixels=picture.pixels,
            attributes=common | picture.attributes,
        )  # fmt: skip
        self._publisher.publish_view(image)

    def _volume(self, scene: Scene) -> _Picture:
        volume = self._preview.volume(scene.snapshot)
        attributes: Attributes = {
            "Binning": volume.binning, "Projections": volume.projections
        }  # fmt: skip
        return _Picture(pixels=volume.voxels, attributes=attributes)


class AxisWatch:
    """Keep the loop's estimate of the rotation axis new.

    Owned by the thread beside the stream.
    """

    def __init__(self, handover: Handover) -> None:
        self._handover = handover
        self._tracker = CenterTracker()
        self._session = 0

    def task(self) -> Task:
        """Give what there is to do."""
        return Task(
            name="rotation centre", period_s=lambda _: _AXIS_EVERY_S,
            is_wanted=lambda: True, work=self._look,
        )  # fmt: skip

    def _look(self, scene: Scene) -> None:
        if scene.session != self._session:
            # Frames of another size, another scan: another axis.
            self._session = scene.session
            self._tracker.reset()
        if scene.completeness < _LEAST_COMPLETENESS:
            return
        shown = self._tracker.update(estimate_center(scene.snapshot))
        self._handover.axis.set(AxisFound(estimate=shown, session=scene.session))


def _projection(scene: Scene) -> _Picture:
    angle = float(scene.snapshot.angles_deg[-1])
    return _Picture(
        pixels=newest_projection(scene.snapshot),
        attributes={"Angle": math.fmod(angle, 360.0)},
    )


def _sinogram(scene: Scene) -> _Picture:
    snapshot = scene.snapshot
    row = snapshot.parameters.planes.clipped(snapshot.geometry).z
    lines, angles_deg = sinogram(snapshot, row)
    attributes: Attributes = {
        "OrthoZ": row, "FirstAngle": float(angles_deg[0]),
        "LastAngle": float(angles_deg[-1]),
    }  # fmt: skip
    return _Picture(pixels=lines, attributes=attributes)


def _overlay(scene: Scene) -> _Picture | None:
    found = overlay(scene.snapshot, scene.parameters.center)
    if found is None:
        # The ring has not gone half round yet.
        return None
    return _Picture(
        pixels=found.pixels,
        attributes={
            "Angle": math.fmod(found.angle_deg, 360.0),
            "Excess": found.excess_deg,
        },
    )


def _centers(scene: Scene) -> _Picture:
    parameters = scene.parameters
    strip = center_strip(
        scene.snapshot, parameters.center, parameters.center_strip_step
    )
    numbered: Attributes = {
        f"Center{number}": center for number, center in enumerate(strip.centers)
    }
    return _Picture(pixels=strip.pixels, attributes={"Width": strip.width} | numbered)
