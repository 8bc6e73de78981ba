"""Whether a record is served on this machine already, asked as a client would.

By hand, since the IOC's process must hold no client's library.
"""

import random
import socket
import struct
from collections.abc import Iterator, Mapping
from ipaddress import AddressValueError, IPv4Address

from tomostream.core.ports import Clock
from tomostream.runtime import SystemClock

_VERSION, _SEARCH = 0, 6
_MINOR, _DO_NOT_REPLY = 13, 5
_HEADER = struct.Struct("!HHHHII")
"""Command, bytes that follow, type, count, two parameters."""
_DEFAULT_PORT = 5064
_LOOPBACK = ("127.0.0.1", "127.255.255.255")
"""Where servers share the port, one of them gets what is sent to the first, and all
what is sent to the second; those that listen on loopback alone hear the first only."""


class LocalSearch:
    """Search a record at the port that a server of ours would use.

    The question is sent at once, and its answer looked at later. To be used as a
    context manager.

    Parameters
    ----------
    name
        The record.
    environ
        Says at which port and addresses a server of ours would answer.
    """

    def __init__(
        self, name: str, environ: Mapping[str, str], *, clock: Clock | None = None
    ) -> None:
        self._clock = clock or SystemClock()
        self._id = random.getrandbits(32)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        self.port = server_port(environ)
        """Where it is asked."""
        self._asked_s = self._clock.monotonic_s()
        question = _question(name, self._id)
        for address in _addresses(environ):
            try:
                self._socket.sendto(question, (address, self.port))
            except OSError:  # no such interface: nobody answers there
                continue

    def __enter__(self) -> "LocalSearch":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def is_answered(self, within_s: float) -> bool:
        """Tell whether somebody serves it.

        Parameters
        ----------
        within_s
            How long to wait for an answer, from when the question was sent; one that
            has come already is taken in any case.
        """
        until_s = self._asked_s + within_s
        while True:
            left_s = until_s - self._clock.monotonic_s()
            self._socket.settimeout(max(left_s, 0.0))
            try:
                answer = self._socket.recv(1 << 16)
            except (TimeoutError, BlockingIOError):
                return False
            except OSError:  # told by another address that nobody listens there
                continue
            if self._id in _found(answer):
                return True


def server_port(environ: Mapping[str, str]) -> int:
    """Give the port at which a server with these variables is searched."""
    for variable in ("EPICS_CAS_SERVER_PORT", "EPICS_CA_SERVER_PORT"):
        text = environ.get(variable, "")
        if text.isdecimal() and int(text) < 1 << 16:
            return int(text)
    return _DEFAULT_PORT


def _addresses(environ: Mapping[str, str]) -> list[str]:
    # Names are not looked up: that may take longer than an answer.
    listed = environ.get("EPICS_CAS_INTF_ADDR_LIST", "").split()
    return list(dict.fromkeys([*_LOOPBACK, *filter(_is_address, listed)]))


def _is_address(text: str) -> bool:
    try:
        IPv4Address(text)
    except AddressValueError:
        return False
    return True


def _question(name: str, search_id: int) -> bytes:
    text = name.encode() + b"\0"
    text += bytes(-len(text) % 8)
    version = _HEADER.pack(_VERSION, 0, 0, _MINOR, 0, 0)
    search = (_SEARCH, len(text), _DO_NOT_REPLY, _MINOR, search_id, search_id)
    return version + _HEADER.pack(*search) + text


def _found(answer: bytes) -> Iterator[int]:
    """Give the ids of searches that are answered."""
    while len(answer) >= _HEADER.size:
        command, size, _, _, _, search_id = _HEADER.unpack_from(answer)
        if command == _SEARCH:
            yield search_id
        answer = answer[_HEADER.size + size :]
