"""What comes over pvAccess: images, fields and angle tables."""

from typing import Any, Literal

import numpy as np
import pvaccess
from numpy.typing import NDArray

from tomostream.core.arrivals import (
    Arrival,
    FieldArrival,
    RejectedArrival,
    SourceRole,
    TableArrival,
)
from tomostream.core.frame import FrameKind
from tomostream.core.ports import Clock
from tomostream.epics.channel import MonitoredChannel
from tomostream.epics.ndarray import ImageReader, is_unpublished


class ImageSubscriber(MonitoredChannel):
    """A camera's images.

    Parameters
    ----------
    channel
        Channel name of an NTNDArray, such as ``sim:Pva1:Image``.
    clock
        Says when a frame came.
    reader
        What to read from the header, and the camera's orientation.
    queue_size
        Frames that are held back while this process is busy: 128 bridge 0.4 s at 300
        frames/s. Each costs the camera's server, not us, the memory of a frame.
    """

    role = SourceRole.IMAGE

    def __init__(
        self,
        channel: str,
        clock: Clock,
        *,
        reader: ImageReader | None = None,
        queue_size: int = 128,
    ) -> None:
        super().__init__(channel, clock, queue_size=queue_size)
        self._reader = reader or ImageReader()

    def _arrival(self, pv: pvaccess.PvObject) -> Arrival | None:
        arrival = self._reader.read(pv, self._clock.now_s())
        if isinstance(arrival, RejectedArrival) and is_unpublished(pv):
            return None
        return arrival


class FieldSubscriber(MonitoredChannel):
    """tomoScan's averaged dark or flat: ``{float[] value, int sizex, int sizey}``.

    The three are set by separate puts; only a new value is an arrival.
    """

    def __init__(
        self,
        channel: str,
        clock: Clock,
        *,
        kind: Literal[FrameKind.DARK, FrameKind.FLAT],
    ) -> None:
        super().__init__(channel, clock, queue_size=8)
        self._kind: Literal[FrameKind.DARK, FrameKind.FLAT] = kind
        self._value = _ValueField()

    def _arrival(self, pv: pvaccess.PvObject) -> Arrival | None:
        values = self._value.newer(pv)
        if values is None or values.size == 0:
            return None
        return FieldArrival(
            kind=self._kind,
            values=_read_only(values.astype(np.float32, copy=False)),
            size_x=_integer(pv, "sizex"),
            size_y=_integer(pv, "sizey"),
            arrived_s=self._clock.now_s(),
        )


class ThetaSubscriber(MonitoredChannel):
    """tomoScan's angle table: ``{float[] value, int sizex}``, degrees; may be empty.

    Parameters
    ----------
    channel
        Channel name.
    clock
        Says when a table came.
    rotation_sign
        -1 where the table counts the other way round than the stage turns. It costs a
        copy of the table, which otherwise (524 MB) is none.
    """

    role = SourceRole.TABLE

    def __init__(
        self, channel: str, clock: Clock, *, rotation_sign: Literal[1, -1] = 1
    ) -> None:
        # Every place of the library's queue keeps a table.
        super().__init__(channel, clock, queue_size=2)
        self._sign = rotation_sign
        self._value = _ValueField()

    def _arrival(self, pv: pvaccess.PvObject) -> Arrival | None:
        values = self._value.newer(pv)
        if values is None:
            return None
        if values.dtype.kind != "f":
            values = values.astype(np.float64)
        if self._sign < 0:
            values = np.negative(values)
        return TableArrival(values=_read_only(values), arrived_s=self._clock.now_s())


class _ValueField:
    """Tell a put of ``value`` from a put of another field of the same object."""

    def __init__(self) -> None:
        # Kept, so that its address is not given away again.
        self._last: NDArray[Any] | None = None

    def newer(self, pv: pvaccess.PvObject) -> NDArray[Any] | None:
        """Give the value if this event brought it; not copied, read-only."""
        try:
            # An event's own arrays are written anew by the next event: a view of them
            # would change under our hands. A copied object shares the memory (30 us
            # for 120 MB) and makes the library take another for the next event. What
            # was not put has the same memory as in the event before.
            value: Any = pv.copy()["value"]
        except pvaccess.PvaException:
            return None
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "iuf":
            return None
        last, self._last = self._last, value
        is_same = (
            last is not None
            and value.shape == last.shape
            and value.ctypes.data == last.ctypes.data
        )
        return None if is_same else value


def _integer(pv: pvaccess.PvObject, field: str) -> int:
    try:
        return max(int(pv[field]), 0)
    except (pvaccess.PvaException, TypeError, ValueError):
        return 0


def _read_only(values: NDArray[Any]) -> NDArray[Any]:
    view = values.view()
    view.flags.writeable = False
    return view
