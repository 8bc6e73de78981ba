"""The pvAccess channels of a detector and of tomoScan."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pvaccess as pva
from numpy.typing import NDArray

_UNION_FIELDS = {
    "int8": "byteValue", "uint8": "ubyteValue", "int16": "shortValue",
    "uint16": "ushortValue", "int32": "intValue", "uint32": "uintValue",
    "int64": "longValue", "uint64": "ulongValue", "float32": "floatValue",
    "float64": "doubleValue",
}  # fmt: skip


class _Channel:
    """One that can be taken away and given back."""

    def __init__(
        self, server: pva.PvaServer, name: str, make_empty: Callable[[], Any]
    ) -> None:
        self._server, self._name, self._make_empty = server, name, make_empty
        self._newest: Any = None
        self._is_served = True
        server.addRecord(name, make_empty(), None)

    def _put(self, value: Any) -> None:
        """Publish it; while the channel is away, when it is back."""
        self._newest = value
        if self._is_served:
            self._server.update(self._name, value)

    def set_connected(self, is_connected: bool) -> None:
        """Take it away, or give it back with what it last held."""
        if is_connected == self._is_served:
            return
        self._is_served = is_connected
        if not is_connected:
            self._server.removeRecord(self._name)
            return
        # Not the newest itself: the record would keep it, and it is filled anew.
        self._server.addRecord(self._name, self._make_empty(), None)
        if self._newest is not None:
            self._server.update(self._name, self._newest)


class ImageChannel(_Channel):
    """Frames as NTNDArrays.

    One object is filled anew for each frame: the server copies scalars and takes the
    pixels over by reference, and making one costs more than all the rest.

    Parameters
    ----------
    server
        Serves the channel as long as it lives.
    name
        Of the channel.
    shape
        (n_z, n_x) of the frames.
    binning, offset
        As announced; offset is (z, x), binned pixels.
    """

    def __init__(
        self,
        server: pva.PvaServer,
        name: str,
        *,
        shape: tuple[int, int],
        binning: int = 1,
        offset: tuple[int, int] = (0, 0),
    ) -> None:
        self._offset = offset
        self._shape = shape
        self._binning = binning
        self._array: Any = pva.NtNdArray()
        self._announce()
        self._array["attribute"] = [pva.NtAttribute("ColorMode", pva.PvInt(0))]
        super().__init__(server, name, pva.NtNdArray)

    def send(
        self, pixels: NDArray[np.generic], *, camera_id: int, taken_s: float
    ) -> None:
        """Publish one frame.

        Parameters
        ----------
        pixels
            (n_z, n_x), counts. Copied.
        camera_id
            uniqueId, as the camera counts.
        taken_s
            Time of the exposure, seconds since 1970.
        """
        if pixels.shape != self._shape:
            self._shape = pixels.shape[0], pixels.shape[1]
            self._announce()
        array = self._array
        array["uniqueId"] = _as_int32(camera_id)
        array["timeStamp"] = array["dataTimeStamp"] = pva.PvTimeStamp(taken_s)
        array["compressedSize"] = array["uncompressedSize"] = pixels.nbytes
        array["value"] = {_UNION_FIELDS[pixels.dtype.name]: pixels.reshape(-1)}
        self._put(array)

    def set_binning(self, binning: int) -> None:
        """Announce later frames as binned by this."""
        self._binning = binning
        self._announce()

    def _announce(self) -> None:
        binning = self._binning
        self._array["dimension"] = [
            pva.PvDimension(size, start, (size + start) * binning, binning, False)
            for size, start in zip(
                reversed(self._shape), reversed(self._offset), strict=True
            )
        ]


class FieldChannel(_Channel):
    """An averaged dark or flat field: its values and their sizes.

    With separate puts a client may see the values beside the sizes of the field before.
    """

    def __init__(
        self, server: pva.PvaServer, name: str, *, has_separate_puts: bool = False
    ) -> None:
        self._has_separate_puts = has_separate_puts
        self._sizes = 0, 0
        self._structure = {"value": [pva.FLOAT], "sizex": pva.INT, "sizey": pva.INT}
        super().__init__(server, name, lambda: pva.PvObject(self._structure))

    def send(self, field: NDArray[np.float32]) -> None:
        """Publish a field.

        Parameters
        ----------
        field
            (n_z, n_x), counts.
        """
        n_z, n_x = field.shape
        old_x, old_y = self._sizes
        steps = [(n_x, n_z)]
        if self._has_separate_puts:
            steps = [(old_x, old_y), (n_x, old_y), (n_x, n_z)]
        self._sizes = n_x, n_z
        for size_x, size_y in steps:
            value = pva.PvObject(self._structure)
            value["value"] = field.reshape(-1)
            value["sizex"], value["sizey"] = size_x, size_y
            self._put(value)


class TableChannel(_Channel):
    """The angle table."""

    def __init__(self, server: pva.PvaServer, name: str) -> None:
        self._structure = {"value": [pva.FLOAT], "sizex": pva.INT}
        super().__init__(server, name, lambda: pva.PvObject(self._structure))

    def send(self, table_deg: NDArray[np.float32]) -> None:
        """Publish a table.

        Parameters
        ----------
        table_deg
            (n_angles,), degrees.
        """
        value = pva.PvObject(self._structure)
        value["value"], value["sizex"] = table_deg, len(table_deg)
        self._put(value)


def _as_int32(number: int) -> int:
    """Wrap as the field does, which is signed."""
    return (number + 2**31) % 2**32 - 2**31
