"""A simulated beamline in one process."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tomostream.core.frame import FrameKind
from tomostream.core.memory import total_bytes
from tomostream.core.ports import Clock
from tomostream.runtime.clock import SystemClock
from tomostream.sim.camera import Camera, StreamSummary
from tomostream.sim.config import SimConfig, StreamConfig
from tomostream.sim.detector import Detector, binned
from tomostream.sim.movie import Movie
from tomostream.sim.phantom import head_phantom
from tomostream.sim.ports import Scene, Stop
from tomostream.sim.rotation import Rotation
from tomostream.sim.tomoscan import ScanRecords, TomoScan
from tomostream.sim.wire import PvaWire

logger = logging.getLogger(__name__)

Facts = Mapping[str, object]
OnReady = Callable[[Facts], None]
_RENDER_AHEAD_S = 5.0
_LINGER_S = 0.5
"""The last frames are still on their way when the last one was sent."""


def run(config: SimConfig, stop: Stop, on_ready: OnReady) -> StreamSummary:
    """Serve a beamline until the end is asked for, or its frames or time are over.

    Parameters
    ----------
    config
        What to simulate.
    stop
        Waits for the wish to end; a signal handler sets it.
    on_ready
        Called once, when the first frames are on their way, with what a client needs
        to know: channels, sizes, centre.

    Raises
    ------
    ProcessError
        The records cannot be served.
    """
    rotation = Rotation(
        kind=config.scan, n_angles=config.n_angles, start_deg=config.start_deg
    )
    records = ScanRecords(
        tomoscan_prefix=config.tomoscan_prefix, image_prefix=config.image_prefix,
        shape=(config.n_z, config.n_x), dtype=config.dtype, n_angles=config.n_angles,
        step_deg=rotation.step_deg, start_deg=config.start_deg,
        rate_hz=config.rate_hz,
    )  # fmt: skip

    def make_scene() -> tuple[Scene, Facts]:
        scene = PhantomScene(config, rotation)
        return scene, {"center": config.axis_column, "views": scene.n_views}

    return serve(config, records, make_scene=make_scene, stop=stop, on_ready=on_ready)


def serve(
    config: StreamConfig,
    records: ScanRecords,
    *,
    make_scene: Callable[[], tuple[Scene, Facts]],
    stop: Stop,
    on_ready: OnReady,
) -> StreamSummary:
    """Serve what a scene shows; `run` and the replay of a file end here.

    The scene is made after the records: an IOC's start makes all memory of the
    process real, which a movie's is not to be before it is rendered.
    """
    clock = SystemClock()
    tomoscan = TomoScan(records)
    wire = PvaWire(config, records.shape)
    scene, facts = make_scene()
    if not _render_ahead(scene, stop, clock):
        return StreamSummary(frames_sent=0, frames_lost=0, slipped_s=0.0, elapsed_s=0.0)
    camera = Camera(config, scene, wire=wire, operator=tomoscan, clock=clock)
    camera.start()
    camera.step()
    prefix = config.tomoscan_prefix
    on_ready({
        "image": config.image_channel, "dark": f"{prefix}StreamDarkFields",
        "flat": f"{prefix}StreamFlatFields", "theta": f"{prefix}StreamTheta",
        "tomoscan": prefix, "n_x": records.shape[1], "n_z": records.shape[0],
        "dtype": records.dtype, "n_angles": records.n_angles,
        "rate_hz": config.rate_hz, **facts,
    })  # fmt: skip
    summary = camera.run(stop)
    tomoscan.say("Ended")
    if camera.is_done:
        stop.wait(_LINGER_S)
    logger.info(
        "stream ended: %d frames in %.1f s, slipped %.2f s",
        summary.frames_sent, summary.elapsed_s, summary.slipped_s,
    )  # fmt: skip
    return summary


class PhantomScene:
    """The phantom before the simulated detector."""

    def __init__(self, config: SimConfig, rotation: Rotation) -> None:
        self._rotation = rotation
        shape = config.n_z, config.n_x
        dtype = np.dtype(config.dtype)
        self._detector = Detector(
            shape, dtype, photons=config.photons, seed=config.seed
        )
        limit_mib = config.movie_mib or default_movie_mib()
        self._movie = Movie(
            head_phantom(config.n_x, config.n_z, period_s=config.change_s),
            self._detector, rotation, center=config.axis_column,
            limit_bytes=limit_mib << 20,
        )  # fmt: skip
        if self._movie.n_kept < rotation.n_views:
            logger.warning(
                "movie is coarser than the scan: %d views of %d fit into %d MiB",
                self._movie.n_kept, rotation.n_views, limit_mib,
            )  # fmt: skip
        self._field = np.empty(shape, dtype)
        self._averaged = max(config.field_frames, 1)
        self._binning = 1

    @property
    def n_views(self) -> int:
        """Views kept in memory."""
        return self._movie.n_kept

    def projection(self, index: int, time_s: float) -> NDArray[np.generic]:
        """Give the frame at that row of the angle table."""
        return binned(self._movie.show(index, time_s), self._binning)

    def field_frame(self, kind: FrameKind) -> NDArray[np.generic]:
        """Give a dark or flat frame."""
        if kind is FrameKind.DARK:
            self._detector.expose_dark(self._field)
        else:
            self._detector.expose_flat(self._field)
        return binned(self._field, self._binning)

    def mean_field(self, kind: FrameKind) -> NDArray[np.float32]:
        """Give the averaged dark or flat."""
        is_dark = kind is FrameKind.DARK
        mean = self._detector.dark if is_dark else self._detector.flat
        field = self._detector.mean_field(mean, self._averaged)
        return binned(field, self._binning)

    def set_angles(self, n_angles: int) -> None:
        """Turn in other steps; views between those of the movie show the nearest."""
        self._rotation = replace(self._rotation, n_angles=n_angles)
        self._movie.rotation = self._rotation

    def set_binning(self, binning: int) -> None:
        """Give means of this many rows and columns from now on."""
        self._binning = binning

    def table(self, least: int) -> NDArray[np.float32]:
        """Give at least that many angles, degrees."""
        return self._rotation.table(least)

    def prepare(self) -> bool:
        """Render one more view."""
        return self._movie.render_next()


def default_movie_mib() -> int:
    """Give the memory for a movie: a sixth of what this process may have."""
    return min(max((total_bytes() or 0) // 6 >> 20, 64), 4096)


def _render_ahead(scene: Scene, stop: Stop, clock: Clock) -> bool:
    """Work ahead for a while; tell whether to go on."""
    until_s = clock.monotonic_s() + _RENDER_AHEAD_S
    while clock.monotonic_s() < until_s and scene.prepare():
        if stop.wait(0.0):
            return False
    return True
