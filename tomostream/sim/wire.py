"""All channels of a simulated beamline on one server."""

import numpy as np
import pvaccess as pva
from numpy.typing import NDArray

from tomostream.core.errors import ProcessError
from tomostream.core.frame import FrameKind
from tomostream.sim.channels import FieldChannel, ImageChannel, TableChannel
from tomostream.sim.config import StreamConfig


class PvaWire:
    """Images, dark, flat and angles over pvAccess.

    Parameters
    ----------
    config
        Names, and what is announced of binning and region.
    shape
        (n_z, n_x) of the frames.

    Raises
    ------
    ProcessError
        The server does not start.
    """

    def __init__(self, config: StreamConfig, shape: tuple[int, int]) -> None:
        try:
            self._server = pva.PvaServer()
        except pva.PvaException as exc:
            raise ProcessError(f"pvAccess server: {exc}") from exc
        prefix = config.tomoscan_prefix
        self._fields = {
            kind: FieldChannel(
                self._server, f"{prefix}Stream{name}Fields",
                has_separate_puts=config.has_separate_puts,
            )
            for kind, name in ((FrameKind.DARK, "Dark"), (FrameKind.FLAT, "Flat"))
        }  # fmt: skip
        self._table = TableChannel(self._server, f"{prefix}StreamTheta")
        self._image = ImageChannel(
            self._server, config.image_channel, shape=shape, binning=config.binning,
            offset=(config.offset_z, config.offset_x),
        )  # fmt: skip

    def send_frame(
        self, pixels: NDArray[np.generic], *, camera_id: int, taken_s: float
    ) -> None:
        """Publish a frame."""
        self._image.send(pixels, camera_id=camera_id, taken_s=taken_s)

    def send_field(self, kind: FrameKind, field: NDArray[np.float32]) -> None:
        """Publish an averaged dark or flat."""
        self._fields[kind].send(field)

    def send_table(self, table_deg: NDArray[np.float32]) -> None:
        """Publish the angle table."""
        self._table.send(table_deg)

    def set_binning(self, binning: int) -> None:
        """Announce later frames as binned by this."""
        self._image.set_binning(binning)

    def set_connected(self, is_connected: bool) -> None:
        """Take all channels away, or give them back with what they last held."""
        for channel in (*self._fields.values(), self._table, self._image):
            channel.set_connected(is_connected)
