"""Host memory on its way to a device, while the device works on what came before."""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tomostream.core.errors import ReconstructionError
from tomostream.recon.backend import Frames
from tomostream.recon.cpu._core import Copier
from tomostream.recon.cuda.device import Device, DeviceArray, Event, nbytes, portion

logger = logging.getLogger(__name__)

_ALIGNED = 256
"""Bytes; of what a kernel gets."""
_LARGE = 1 << 20
"""Bytes from which on several threads copy."""
_COPYING_THREADS = 8


class PinnedFrames:
    """Frames in host memory that a device uploads by itself, now and later again.

    Each has memory of its own, which is free for another when nobody refers to it any
    more. What does not fit stays where it is.

    Parameters
    ----------
    limit_bytes
        For all frames together.
    """

    def __init__(self, device: Device, *, limit_bytes: int) -> None:
        self._device, self._limit_bytes = device, limit_bytes
        self.problem = ""
        """Why frames stay where they are; empty: they do not."""

    def copies(self, frames: Frames, n_kept: int) -> Frames:
        """Give read-only copies, or the frames if n_kept of them have no room."""
        wanted = n_kept * max((frame.nbytes for frame in frames), default=0)
        if wanted > self._limit_bytes and not self.problem:
            self._give_up(
                f"{wanted / 2**30:.2f} GiB are more than "
                f"{self._limit_bytes / 2**30:.2f} GiB, half of the memory"
            )
        if self.problem:
            return frames
        try:
            return [self._copy(frame) for frame in frames]
        except ReconstructionError as exc:
            self._give_up(str(exc))
            return frames

    def _copy(self, frame: NDArray[Any]) -> NDArray[Any]:
        memory = self._device.pinned(frame.nbytes)
        _stage(memory, frame)
        copy = memory.view(frame.dtype).reshape(frame.shape)
        copy.flags.writeable = False
        return copy

    def _give_up(self, problem: str) -> None:
        self.problem = problem
        logger.warning("raw frames are not pinned: %s", problem)


class Feed:
    """Buffers on a device, filled in turn.

    What is in pinned memory is uploaded from there, anything else from a pinned buffer
    that the host copies it to; on a stream of its own, while the device computes with
    another buffer. The host waits only for the upload of the buffer before the last, an
    upload only for the computing with it.
    """

    def __init__(self, device: Device, capacity: int, *, buffers: int) -> None:
        self._device = device
        self._capacity = capacity + _ALIGNED
        self._host: list[NDArray[np.uint8] | None] = [None] * buffers
        self._there = [
            device.empty((self._capacity,), np.uint8) for _ in range(buffers)
        ]
        self._lent: list[Sequence[NDArray[Any]]] = [()] * buffers
        """Whose memory must not be given to others before it has been uploaded."""
        self._uploaded: list[Event | None] = [None] * buffers
        self._consumed: list[Event | None] = [None] * buffers
        self._next = 0

    @property
    def nbytes(self) -> int:
        """Bytes on the device."""
        return sum(buffer.nbytes for buffer in self._there)

    @contextmanager
    def sent(
        self, *groups: Sequence[NDArray[Any]] | NDArray[Any]
    ) -> Iterator[list[DeviceArray]]:
        """Upload arrays of one shape and type a group; give each group as one array.

        What computes with them is started inside the ``with``.
        """
        device, i = self._device, self._next
        self._next = (i + 1) % len(self._there)
        if self._uploaded[i] is not None:
            device.wait(self._uploaded[i])
        self._lent[i] = ()
        if self._consumed[i] is not None:
            device.upload_after(self._consumed[i])
        there, given, ends = self._there[i], list[DeviceArray](), [0]
        for group in groups:
            first = -(-ends[-1] // _ALIGNED) * _ALIGNED
            shape, dtype = _stacked(group)
            ends.append(first + nbytes(shape, dtype))
            given.append(portion(there, first, shape, dtype))
        pinned = self._pinned_of(groups)
        self._uploaded[i] = (
            self._upload_each(i, pinned)
            if pinned
            else self._upload_staged(i, groups, ends[1:])
        )
        device.compute_after(self._uploaded[i])
        try:
            yield given
        finally:
            self._consumed[i] = device.mark()

    def _pinned_of(
        self, groups: Sequence[Sequence[NDArray[Any]] | NDArray[Any]]
    ) -> Sequence[NDArray[Any]]:
        """Give the arrays of a single group in pinned memory; else none."""
        group = groups[0]
        if len(groups) > 1 or isinstance(group, np.ndarray):
            return ()
        return group if all(map(self._device.is_pinned, group)) else ()

    def _upload_each(self, i: int, group: Sequence[NDArray[Any]]) -> Event:
        self._lent[i] = group
        event: Event = None
        end = 0
        for array in group:
            source = array.reshape(-1).view(np.uint8)
            event = self._device.upload(
                self._there[i][end : end + source.nbytes], source
            )
            end += source.nbytes
        return event

    def _upload_staged(
        self, i: int, groups: Sequence[Sequence[NDArray[Any]] | NDArray[Any]],
        ends: Sequence[int],
    ) -> Event:  # fmt: skip
        host = self._host[i]
        if host is None:
            host = self._host[i] = self._device.pinned(self._capacity)
        for group, end in zip(groups, ends, strict=True):
            shape, dtype = _stacked(group)
            _stage(host[end - nbytes(shape, dtype) : end], group)
        return self._device.upload(self._there[i][: ends[-1]], host[: ends[-1]])


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
