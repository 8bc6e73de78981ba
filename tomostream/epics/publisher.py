"""Slices and views out over pvAccess, each update one NTNDArray."""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass

import pvaccess

from tomostream.core.errors import ConfigurationError
from tomostream.core.publication import Publication
from tomostream.core.slices import F32
from tomostream.core.views import View, ViewImage
from tomostream.epics.audience import Audience

logger = logging.getLogger(__name__)

_ID_BITS = 0x7FFFFFFF
_COLOR_MODE_MONO = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stamp:
    """What is the same in all arrays of one update."""

    unique_id: int
    published_s: float
    data_s: float
    attributes: Mapping[str, float | int | str]


class NtNdArrayPublisher:
    """Serve the packed image on a channel, slices on ``<channel>X|Y|Z``, and views.

    Every publication is one update of each channel, which carries pixels, sizes, ids,
    times and attributes together: no viewer sees a torn image. The server copies per
    viewer and drops for slow ones; nothing here waits for them. A view's channel is
    ``<channel>`` and its name (`core.views.View`); between images it is touched now and
    then to find out whether anybody watches it.

    Parameters
    ----------
    channel
        Channel name of the packed image.
    """

    def __init__(self, channel: str) -> None:
        self._channel = channel
        self._server: pvaccess.PvaServer | None = None
        views = tuple(f"{channel}{view}" for view in View)
        self._shown: dict[str, tuple[int, tuple[int, ...]]] = dict.fromkeys(
            views, (0, ())
        )
        """Id and shape of what stands on each view's channel."""
        self._audience = Audience(views, self._touch)

    @property
    def channels(self) -> Mapping[str, str]:
        """Channel names by what they show: packed, x, y, z, and the views."""
        return {
            "packed": self._channel,
            **{axis: f"{self._channel}{axis.upper()}" for axis in "xyz"},
            **{view.lower(): f"{self._channel}{view}" for view in View},
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
        self._audience.start()

    def stop(self) -> None:
        """End the server; viewers see their channels go."""
        self._audience.stop()
        server, self._server = self._server, None
        if server is not None:
            server.stop()

    def publish(self, publication: Publication) -> None:
        """Send one update to every output channel; without effect after `stop`."""
        slices = publication.slices
        stamp = _Stamp(
            unique_id=publication.unique_id, published_s=publication.published_s,
            data_s=publication.data_s, attributes=publication.attributes(),
        )  # fmt: skip
        images = {
            "": publication.packed, "X": slices.x, "Y": slices.y, "Z": slices.z
        }  # fmt: skip
        for suffix, image in images.items():
            self._update(f"{self._channel}{suffix}", image, stamp)
        if publication.oblique is not None:
            self._update(f"{self._channel}{View.OBLIQUE}", publication.oblique, stamp)

    def is_wanted(self, view: View) -> bool:
        """Tell whether somebody looks at this view, or did a second ago."""
        return self._audience.is_watched(f"{self._channel}{view}")

    def publish_view(self, image: ViewImage) -> None:
        """Send one update to the view's channel; without effect after `stop`."""
        stamp = _Stamp(
            unique_id=image.unique_id, published_s=image.published_s,
            data_s=image.data_s, attributes=image.attributes,
        )  # fmt: skip
        self._update(f"{self._channel}{image.view}", image.pixels, stamp)

    def _update(self, name: str, image: F32, stamp: _Stamp) -> None:
        if (server := self._server) is not None:
            server.update(name, _ntndarray(image, stamp))
            if name in self._shown:
                self._shown[name] = stamp.unique_id, image.shape

    def _touch(self, name: str) -> None:
        """Send an update without pixels: id and sizes of the image that stands there.

        Viewers that ask for some fields only have one of these among them.
        """
        if (server := self._server) is not None:
            unique_id, shape = self._shown[name]
            server.update(
                name,
                {
                    "uniqueId": unique_id & _ID_BITS, "descriptor": name,
                    "dimension": _dimensions(shape),
                },
            )  # fmt: skip


def _ntndarray(image: F32, stamp: _Stamp) -> pvaccess.NtNdArray:
    array = pvaccess.NtNdArray()
    array["uniqueId"] = stamp.unique_id & _ID_BITS
    array["timeStamp"] = _time_stamp(stamp.published_s)
    array["dataTimeStamp"] = _time_stamp(stamp.data_s)
    array["dimension"] = _dimensions(image.shape)
    array["compressedSize"] = array["uncompressedSize"] = image.nbytes
    array["attribute"] = _attributes(stamp.attributes)
    # A slice is a view into the packed image; ravel makes it one piece.
    array["value"] = {"floatValue": image.ravel()}
    return array


def _dimensions(shape: tuple[int, ...]) -> list[pvaccess.PvDimension]:
    """Give the sizes, x first, whatever the number of dimensions."""
    return [pvaccess.PvDimension(size, 0, size, 1, False) for size in reversed(shape)]


def _attributes(
    attributes: Mapping[str, float | int | str],
) -> list[pvaccess.NtAttribute]:
    values = {"ColorMode": _COLOR_MODE_MONO, **attributes}
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
