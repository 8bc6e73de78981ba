"""Slices out over pvAccess: one NTNDArray for all three, and one for each."""

import logging
import math
from collections.abc import Mapping

import numpy as np
import pvaccess
from numpy.typing import NDArray

from tomostream.core.errors import ConfigurationError
from tomostream.core.publication import Publication

logger = logging.getLogger(__name__)

_ID_BITS = 0x7FFFFFFF
_COLOR_MODE_MONO = 0


class NtNdArrayPublisher:
    """Serve the packed image on a channel, and the slices on ``<channel>X|Y|Z``.

    Every publication is one update of each channel, which carries pixels, sizes, ids,
    times and attributes together: no viewer sees a torn image. The server copies per
    viewer and drops for slow ones; nothing here waits for them.

    Parameters
    ----------
    channel
        Channel name of the packed image.
    """

    def __init__(self, channel: str) -> None:
        self._channel = channel
        self._server: pvaccess.PvaServer | None = None

    @property
    def channels(self) -> Mapping[str, str]:
        """Channel names by what they show: packed, x, y, z."""
        return {
            "packed": self._channel,
            **{axis: f"{self._channel}{axis.upper()}" for axis in "xyz"},
        }

    def start(self) -> None:
        """Begin to serve empty arrays.

        Raises
        ------
        ConfigurationError
            The server cannot be started.
        """
        try:
            server = pvaccess.PvaServer()
            for name in self.channels.values():
                server.addRecord(name, pvaccess.NtNdArray(), None)
            server.start()
        except (pvaccess.PvaException, RuntimeError) as exc:
            raise ConfigurationError(
                f"channel {self._channel}: the pvAccess server did not start: {exc}"
            ) from exc
        self._server = server

    def stop(self) -> None:
        """End the server; viewers see their channels go."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()

    def publish(self, publication: Publication) -> None:
        """Send one update to every output channel; without effect after `stop`."""
        server = self._server
        if server is None:
            return
        slices = publication.slices
        images = {
            "packed": publication.packed,
            "x": slices.x,
            "y": slices.y,
            "z": slices.z,
        }
        attributes = _attributes(publication)
        for role, name in self.channels.items():
            server.update(name, _ntndarray(images[role], publication, attributes))


def _ntndarray(
    image: NDArray[np.float32],
    publication: Publication,
    attributes: list[pvaccess.NtAttribute],
) -> pvaccess.NtNdArray:
    array = pvaccess.NtNdArray()
    rows, columns = image.shape
    array["uniqueId"] = publication.unique_id & _ID_BITS
    array["timeStamp"] = _time_stamp(publication.published_s)
    array["dataTimeStamp"] = _time_stamp(publication.data_s)
    array["dimension"] = [
        pvaccess.PvDimension(size, 0, size, 1, False) for size in (columns, rows)
    ]
    array["compressedSize"] = array["uncompressedSize"] = image.nbytes
    array["attribute"] = attributes
    # A slice is a view into the packed image; ravel makes it one piece.
    array["value"] = {"floatValue": image.ravel()}
    return array


def _attributes(publication: Publication) -> list[pvaccess.NtAttribute]:
    values = {"ColorMode": _COLOR_MODE_MONO, **publication.attributes()}
    return [
        pvaccess.NtAttribute(name, _scalar(name, value))
        for name, value in values.items()
    ]


def _scalar(name: str, value: float | int | str) -> pvaccess.PvObject:
    if isinstance(value, str):
        return pvaccess.PvString(value)
    if isinstance(value, float):
        return pvaccess.PvDouble(value)
    # ids outgrow 32 bits; viewers expect ColorMode in 32.
    return pvaccess.PvInt(value) if name == "ColorMode" else pvaccess.PvLong(value)


def _time_stamp(seconds: float) -> pvaccess.PvTimeStamp:
    whole = math.floor(seconds)
    return pvaccess.PvTimeStamp(whole, round((seconds - whole) * 1e9) % 1_000_000_000)
