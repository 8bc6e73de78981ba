"""A recorded scan, sent again as a camera would send it."""

from collections import defaultdict
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tomostream.core.errors import SourceError
from tomostream.core.frame import FrameKind
from tomostream.files.dxfile import DxFileReader, FieldKind
from tomostream.sim.beamline import Facts, OnReady, serve
from tomostream.sim.camera import StreamSummary
from tomostream.sim.config import ReplayConfig
from tomostream.sim.detector import binned
from tomostream.sim.ports import Stop
from tomostream.sim.tomoscan import ScanRecords

_READ_BYTES = 4 << 20


def run(config: ReplayConfig, stop: Stop, on_ready: OnReady) -> StreamSummary:
    """Serve a file until the end is asked for or has come.

    Ids grow on from loop to loop; the view starts again at the file's first angle.

    Parameters
    ----------
    config
        What to send, and how.
    stop, on_ready
        As for `sim.beamline.run`.

    Raises
    ------
    ConfigurationError
        The file cannot be opened.
    SourceError
        It cannot be used, or it became unreadable.
    ProcessError
        The records cannot be served.
    """
    with DxFileReader(config.path) as reader:
        theta_deg = angles_of(reader)
        n_theta, n_z, n_x = reader.shape
        records = ScanRecords(
            tomoscan_prefix=config.tomoscan_prefix, image_prefix=config.image_prefix,
            shape=(n_z, n_x), dtype=str(reader.dtype), n_angles=n_theta,
            step_deg=float(np.median(np.diff(theta_deg))),
            start_deg=float(theta_deg[0]), rate_hz=config.rate_hz,
        )  # fmt: skip
        if not config.is_looped:
            config = replace(
                config, frame_count=min(config.frame_count or n_theta, n_theta)
            )

        def make_scene() -> tuple[FileScene, Facts]:
            ahead_bytes = config.read_ahead_mib << 20
            scene = FileScene(
                reader, ahead_bytes=ahead_bytes, is_looped=config.is_looped
            )
            return scene, {"file": str(config.path), "center": None}

        return serve(
            config, records, make_scene=make_scene, stop=stop, on_ready=on_ready
        )


def angles_of(reader: DxFileReader) -> NDArray[np.float64]:
    """Give the angles of a file.

    Returns
    -------
    ndarray
        (n_theta,), degrees.

    Raises
    ------
    SourceError
        It does not say them, or has only one.
    """
    theta_deg = reader.theta_deg
    if theta_deg is None or len(theta_deg) < 2:
        raise SourceError(
            f"{reader.path}: /exchange/theta: expected two angles or more; "
            "without them nothing can be reconstructed"
        )
    return theta_deg


class FileScene:
    """The projections of a file, read ahead into bounded memory.

    A file that fits into it is read once; of a longer one the next frames are held.

    Parameters
    ----------
    ahead_bytes
        Memory for frames; two are always held.
    is_looped
        Whether the angles are repeated.

    Raises
    ------
    SourceError
        The file does not say its angles, or has only one.
    """

    def __init__(
        self, reader: DxFileReader, *, ahead_bytes: int, is_looped: bool = True
    ) -> None:
        self.theta_deg = angles_of(reader)
        """(n_theta,), degrees."""
        self._reader = reader
        self._is_looped = is_looped
        self._binning = 1
        n_theta, n_z, n_x = reader.shape
        frame_bytes = n_z * n_x * reader.dtype.itemsize
        self._held = min(max(ahead_bytes // frame_bytes, 2), n_theta)
        self._frames = np.empty((self._held, n_z, n_x), reader.dtype)
        self._at_once = min(max(_READ_BYTES // frame_bytes, 1), self._held // 2)
        # Counted from the start, on and on: frame k of the file's loop stands in
        # place k % held, and is there for as long as k >= read_until - held.
        self._shown = 0
        self._read_until = 0
        self._field_index: defaultdict[FieldKind, int] = defaultdict(int)

    def projection(self, index: int, time_s: float) -> NDArray[np.generic]:
        """Give the frame at that row of the angle table; valid until the next call."""
        del time_s
        n_theta = len(self.theta_deg)
        self._shown += (index - self._shown) % n_theta
        if self._is_whole:
            self._shown %= n_theta
        while self._read_until <= self._shown:
            self._read()
        return binned(self._frames[self._shown % self._held], self._binning)

    def field_frame(self, kind: FrameKind) -> NDArray[np.generic] | None:
        """Give the file's dark or flat frames, one after the other."""
        if kind is FrameKind.PROJECTION:
            return None
        count = self._reader.field_frames(kind)
        if not count:
            return None
        self._field_index[kind] += 1
        frame = self._reader.field_frame(kind, (self._field_index[kind] - 1) % count)
        return binned(frame, self._binning)

    def mean_field(self, kind: FrameKind) -> NDArray[np.float32] | None:
        """Give the file's averaged dark or flat."""
        if kind is FrameKind.PROJECTION:
            return None
        field = self._reader.mean_field(kind)
        return None if field is None else binned(field, self._binning)

    def set_angles(self, n_angles: int) -> None:
        """Keep the file's angles: there are no others."""

    def set_binning(self, binning: int) -> None:
        """Give means of this many rows and columns from now on."""
        self._binning = binning

    def table(self, least: int) -> NDArray[np.float32]:
        """Give the file's angles, repeated if it is looped; degrees."""
        angles = self.theta_deg.astype(np.float32)
        if not self._is_looped:
            return angles
        return np.tile(angles, -(-least // len(angles)))

    def prepare(self) -> bool:
        """Read some frames ahead."""
        if self._is_whole:
            is_room = self._read_until < len(self.theta_deg)
        else:
            is_room = self._read_until + self._at_once <= self._shown + self._held
        if is_room:
            self._read()
        return is_room

    @property
    def _is_whole(self) -> bool:
        return self._held == len(self.theta_deg)

    def _read(self) -> None:
        """Read on, not beyond the file's end nor the buffer's."""
        n_theta = len(self.theta_deg)
        source, place = self._read_until % n_theta, self._read_until % self._held
        count = min(self._at_once, n_theta - source, self._held - place)
        self._frames[place : place + count] = self._reader.projections(
            source, source + count
        )
        self._read_until += count
