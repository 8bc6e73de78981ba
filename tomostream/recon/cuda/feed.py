"""Host memory on its way to a device, while the device works on what came before."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tomostream.recon.cpu._core import Copier
from tomostream.recon.cuda.device import Device, DeviceArray, Event, nbytes, portion

_ALIGNED = 256
"""Bytes; of what a kernel gets."""
_LARGE = 1 << 20
"""Bytes from which on several threads copy."""
_COPYING_THREADS = 8


class Feed:
    """Pinned buffers and their twins on the device, filled in turn.

    A buffer is copied to pinned memory by the host, from there uploaded on a stream of
    its own, and computed with. The host waits only for the upload of the buffer before
    the last, an upload only for the computing with it.
    """

    def __init__(self, device: Device, capacity: int, *, buffers: int) -> None:
        self._device = device
        capacity += _ALIGNED
        self._host = [device.pinned(capacity) for _ in range(buffers)]
        self._there = [device.empty((capacity,), np.uint8) for _ in range(buffers)]
        self._uploaded: list[Event | None] = [None] * buffers
        self._consumed: list[Event | None] = [None] * buffers
        self._next = 0

    @property
    def nbytes(self) -> int:
        """Bytes on the device; as many are pinned on the host."""
        return sum(buffer.nbytes for buffer in self._there)

    @contextmanager
    def sent(
        self, *groups: Sequence[NDArray[Any]] | NDArray[Any]
    ) -> Iterator[list[DeviceArray]]:
        """Upload arrays of one shape and type a group; give each group as one array.

        What computes with them is started inside the ``with``.
        """
        device, i = self._device, self._next
        self._next = (i + 1) % len(self._host)
        if self._uploaded[i] is not None:
            device.wait(self._uploaded[i])
        if self._consumed[i] is not None:
            device.upload_after(self._consumed[i])
        host, there = self._host[i], self._there[i]
        given: list[DeviceArray] = []
        end = 0
        for group in groups:
            first = -(-end // _ALIGNED) * _ALIGNED
            shape, dtype = _stacked(group)
            end = first + nbytes(shape, dtype)
            _stage(host[first:end], group)
            given.append(portion(there, first, shape, dtype))
        self._uploaded[i] = device.upload(there[:end], host[:end])
        device.compute_after(self._uploaded[i])
        try:
            yield given
        finally:
            self._consumed[i] = device.mark()


def _stage(
    target: NDArray[np.uint8], group: Sequence[NDArray[Any]] | NDArray[Any]
) -> None:
    parts = [group] if isinstance(group, np.ndarray) else list(group)
    if target.nbytes >= _LARGE:
        # One thread alone copies more slowly than a bus uploads.
        _copier().copy(target, parts)
        return
    end = 0
    for part in parts:
        target[end : end + part.nbytes] = part.reshape(-1).view(np.uint8)
        end += part.nbytes


@cache
def _copier() -> Copier:
    # Uploads keep a bus busy with a few threads; more would only be in the way.
    return Copier(min(_COPYING_THREADS, os.cpu_count() or 1))


def _stacked(
    group: Sequence[NDArray[Any]] | NDArray[Any],
) -> tuple[tuple[int, ...], type[np.generic]]:
    if isinstance(group, np.ndarray):
        return group.shape, group.dtype.type
    return (len(group), *group[0].shape), group[0].dtype.type
