"""Frames on a device, and what turns them into line integrals there."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tomostream.recon.cuda.device import Device, DeviceArray
from tomostream.recon.cuda.source import FRAME_WORDS, PIXEL_TYPES

_CODES = {code: number for number, code in enumerate(PIXEL_TYPES)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """New projections for the ring."""

    fields: list[int]
    """Places of the fields that correct them."""
    scales: list[float]
    """What their transmissions are multiplied by."""
    places: list[int]
    """Of the ring."""
    raw: list[int]
    """Which of the frames uploaded they are."""

    def table(self) -> NDArray[np.int32]:
        """Give it as the kernels read it, (count, FRAME_WORDS)."""
        table = np.empty((len(self.places), FRAME_WORDS), np.int32)
        table[:, 0], table[:, 2], table[:, 3] = self.fields, self.places, self.raw
        table[:, 1] = np.array(self.scales, np.float32).view(np.int32)
        return table


@dataclass(frozen=True, slots=True, kw_only=True)
class Pixels:
    """Frames that kernels can read line integrals from."""

    data: DeviceArray
    """(frames, rows seen, n_x)"""
    table: DeviceArray
    """(count, FRAME_WORDS)"""

    @property
    def count(self) -> int:
        """Projections to be made."""
        return self.table.shape[0]

    def arguments(self, fields: DeviceArray) -> tuple[Any, ...]:
        """Give the arguments that every kernel begins with that reads pixels."""
        code = np.dtype(self.data.dtype).str[1:]
        return self.data, np.int32(_CODES[code]), fields, self.table


def narrowed(frame: NDArray[Any]) -> NDArray[Any]:
    """Give a frame in a type that kernels read; 64 bits say no more than 32 here."""
    if frame.dtype.itemsize < 8:
        return frame
    with np.errstate(over="ignore"):
        return frame.astype(np.float32)


def fetched(device: Device, array: DeviceArray) -> NDArray[Any]:
    """Give a copy of what the device has computed; wait for it."""
    host = device.pinned(array.nbytes)
    device.wait(device.download(host, array))
    return host.view(np.dtype(array.dtype)).reshape(array.shape).copy()
