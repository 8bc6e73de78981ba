"""Who looks at a channel of a pvAccess server that does not say so itself.

pvaPy's server tells nothing of its clients. But a monitor makes it write: after an
update of the channel's time stamp, some 40 to 300 bytes go to each client that watches
the channel, and none to others. The kernel counts what was written to each connection
(TCP_INFO and the send queue).
"""

import fcntl
import logging
import os
import socket
import struct
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tomostream.runtime import Latest, StopSignal, Worker

logger = logging.getLogger(__name__)

_EVERY_S = 0.3
_ECHOES_S = (0.024, 0.024, 0.012, 0.012, 0.006, 0.006)
"""How long an update is waited for, at each try; the server's threads take one or two
ms. Shorter at last: between slices that go out often there is little quiet time."""
_LOOK_S = 0.003
_LEAST_BYTES, _MOST_BYTES = 12, 2000
"""Of an update without pixels: less is the protocol's own, more are pixels."""
_MISSES = 2
"""So many times in a row nobody must have looked to believe it."""

_ESTABLISHED, _LISTEN = 1, 10
_BYTES_ACKED_AT = 120
"""Offset of tcpi_bytes_acked in struct tcp_info (Linux 4.1)."""
_SIOCOUTQ = 0x5411

Connection = tuple[str, int]
"""A client's address and port."""


class Audience:
    """Find out now and then which channels are watched. Runs a thread of its own.

    Parameters
    ----------
    channels
        Names that are asked about.
    touch
        Sends an update of a channel that carries no pixels.
    """

    def __init__(self, channels: Sequence[str], touch: Callable[[str], None]) -> None:
        self._channels = tuple(channels)
        self._touch = touch
        self._misses = dict.fromkeys(channels, _MISSES)
        self._watched: Latest[frozenset[str]] = Latest(frozenset())
        self._worker: Worker | None = None

    def start(self) -> None:
        """Begin to look; where the kernel cannot tell, all channels are watched."""
        if sys.platform != "linux":
            self._watched.set(frozenset(self._channels))
            return
        self._worker = Worker("audience", self._run)
        self._worker.start()

    def stop(self) -> None:
        """End; returns when nothing is touched any more."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop()
            worker.join(5.0)

    def is_watched(self, channel: str) -> bool:
        """Tell whether anybody looked at it when that was last found out."""
        return channel in self._watched.get()

    def _run(self, stop: StopSignal) -> None:
        while not stop.wait(_EVERY_S):
            self.look(stop)

    def look(self, stop: StopSignal) -> None:
        """Ask about each channel once."""
        has_clients = bool(written())
        for channel in self._channels:
            if stop.is_set():
                return
            is_watched = self._is_watched(channel, stop) if has_clients else False
            if is_watched is not None:
                self._misses[channel] = 0 if is_watched else self._misses[channel] + 1
        watched = frozenset(c for c in self._channels if self._misses[c] < _MISSES)
        if watched != self._watched.get():
            logger.info("channels watched: %s", ", ".join(sorted(watched)) or "none")
            self._watched.set(watched)

    def _is_watched(self, channel: str, stop: StopSignal) -> bool | None:
        for echo_s in _ECHOES_S:
            before = written()
            self._touch(channel)
            grown = _growth(before, stop, within_s=echo_s)
            if any(_LEAST_BYTES <= more <= _MOST_BYTES for more in grown):
                return True
            if not any(more > _MOST_BYTES for more in grown):
                return False
            # Pixels went to a client meanwhile, and hide whether this update did.
        return None


def written() -> dict[Connection, int]:
    """Give the bytes that this process wrote to each client of its TCP servers."""
    listening: set[int] = set()
    counts: dict[tuple[int, Connection], int] = {}
    for tcp in _tcp_sockets():
        try:
            info = tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 232)
            port = tcp.getsockname()[1]
            if info[0] == _LISTEN:
                listening.add(port)
            elif info[0] == _ESTABLISHED:
                (acked,) = struct.unpack_from("Q", info, _BYTES_ACKED_AT)
                (queued,) = struct.unpack("i", fcntl.ioctl(tcp, _SIOCOUTQ, bytes(4)))
                counts[port, tcp.getpeername()] = acked + queued
        except OSError:
            continue  # gone since it was found
        finally:
            tcp.close()
    return {
        client: count for (port, client), count in counts.items() if port in listening
    }


def _growth(
    before: Mapping[Connection, int], stop: StopSignal, *, within_s: float
) -> list[int]:
    """Wait for bytes; give how many more were written to each connection."""
    grown: list[int] = []
    for _ in range(round(within_s / _LOOK_S)):
        stop.wait(_LOOK_S)
        now = written()
        grown = [now[c] - count for c, count in before.items() if c in now]
        if any(more >= _LEAST_BYTES for more in grown):
            break
    return grown


def _tcp_sockets() -> Iterator[socket.socket]:
    """Give copies of this process's IPv4 TCP sockets, to be closed by the caller."""
    for entry in Path("/proc/self/fd").iterdir():
        try:
            if not str(entry.readlink()).startswith("socket:"):
                continue
            # A copy: the library may close its own at any time.
            tcp = socket.socket(fileno=os.dup(int(entry.name)))
        except OSError:
            continue
        if tcp.family == socket.AF_INET and tcp.type == socket.SOCK_STREAM:
            yield tcp
        else:
            tcp.close()
