"""EPICS apart from all other: ports of one's own, and the variables that lead there."""

import os
import random
import socket
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass

from tomostream.core.errors import ProcessError

LOOPBACK = "127.0.0.1"
# Below Linux's range for outgoing connections, which would take ports at random.
_FIRST_PORT, _LAST_PORT = 20000, 32000


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopbackEnvironment:
    """Where a family of EPICS servers and clients on this machine meet.

    Each Channel Access server has a port of its own: of several servers on one port
    only one is found by a search on loopback. pvAccess servers share a port, since
    pvAccessCPP's clients keep one port per address, and its servers tell each other
    of searches by multicast within the machine.
    """

    ca_ports: Mapping[str, int]
    """Channel Access port, by name of those that serve it."""
    pva_tcp_ports: Mapping[str, int]
    """pvAccess TCP port, by name of those that serve it."""
    pva_port: int
    """UDP port on which all pvAccess servers are searched."""
    repeater_port: int
    """UDP port of Channel Access beacons."""
    is_open: bool = False
    """Whether servers listen on all network interfaces instead of on loopback."""

    @classmethod
    def find(
        cls,
        *,
        ca_servers: Sequence[str] = ("ioc", "simulator"),
        pva_servers: Sequence[str] = ("simulator", "service"),
        is_open: bool = False,
    ) -> "LoopbackEnvironment":
        """Give an environment of ports that are free now, drawn at random.

        Raises
        ------
        ProcessError
            No free ports were found.
        """
        count = len(ca_servers) + len(pva_servers) + 2
        ports = iter(free_ports(count, address="" if is_open else LOOPBACK))
        return cls(
            ca_ports={name: next(ports) for name in ca_servers},
            pva_tcp_ports={name: next(ports) for name in pva_servers},
            pva_port=next(ports),
            repeater_port=next(ports),
            is_open=is_open,
        )

    def client(self) -> dict[str, str]:
        """Give the EPICS variables that a client on this machine needs."""
        beacons = {"EPICS_CA_REPEATER_PORT": str(self.repeater_port)}
        return self.client_elsewhere(LOOPBACK) | beacons

    def client_elsewhere(self, host: str) -> dict[str, str]:
        """Give the EPICS variables that a client needs for which we are `host`."""
        addresses = " ".join(f"{host}:{port}" for port in self.ca_ports.values())
        return {
            "EPICS_CA_ADDR_LIST": addresses,
            "EPICS_CA_AUTO_ADDR_LIST": "NO",
            "EPICS_PVA_ADDR_LIST": host,
            "EPICS_PVA_AUTO_ADDR_LIST": "NO",
            "EPICS_PVA_BROADCAST_PORT": str(self.pva_port),
        }

    def server(self, name: str) -> dict[str, str]:
        """Give the EPICS variables of a server, which may be a client as well."""
        ports: dict[str, str] = {}
        if name in self.ca_ports:
            ports["EPICS_CAS_SERVER_PORT"] = str(self.ca_ports[name])
        if name in self.pva_tcp_ports:
            ports["EPICS_PVAS_SERVER_PORT"] = str(self.pva_tcp_ports[name])
        # Without them servers listen everywhere.
        interfaces = {
            "EPICS_CAS_INTF_ADDR_LIST": LOOPBACK,
            "EPICS_PVAS_INTF_ADDR_LIST": LOOPBACK,
        }
        return (
            self.client()
            | ports
            | ({} if self.is_open else interfaces)
            | {
                "EPICS_CAS_AUTO_BEACON_ADDR_LIST": "NO",
                "EPICS_CAS_BEACON_ADDR_LIST": LOOPBACK,
                "EPICS_CAS_BEACON_PORT": str(self.repeater_port),
                "EPICS_PVAS_BROADCAST_PORT": str(self.pva_port),
                "EPICS_PVAS_AUTO_BEACON_ADDR_LIST": "NO",
                "EPICS_PVAS_BEACON_ADDR_LIST": LOOPBACK,
            }
        )

    def process_environment(self, name: str) -> dict[str, str]:
        """Give all variables of a server's process: no other EPICS_* gets through."""
        return without_epics(os.environ) | self.server(name)

    def enter(self, name: str, environ: MutableMapping[str, str] | None = None) -> None:
        """Make this process the server of that name.

        The EPICS libraries read the variables when they are imported: call it before.
        """
        environ = os.environ if environ is None else environ
        for variable in [v for v in environ if v.startswith("EPICS_")]:
            del environ[variable]
        environ.update(self.server(name))

    def export_lines(self, host: str | None = None) -> list[str]:
        """Give the shell lines after which a client finds the servers.

        Parameters
        ----------
        host
            Our address, for clients on other computers; None: for those on this one.
        """
        variables = self.client() if host is None else self.client_elsewhere(host)
        return [f'export {name}="{value}"' for name, value in variables.items()]


def without_epics(environ: Mapping[str, str]) -> dict[str, str]:
    """Give the variables other than EPICS_*."""
    return {k: v for k, v in environ.items() if not k.startswith("EPICS_")}


def epics_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Give the EPICS_* variables, sorted."""
    return {k: environ[k] for k in sorted(environ) if k.startswith("EPICS_")}


def own_address() -> str:
    """Give the address under which other computers see this one.

    It is that of the interface which leads outward; the host's name where none does.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Nothing is sent: only a route is looked up, to an address for examples.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return socket.gethostname()
        return str(probe.getsockname()[0])


def free_ports(count: int, *, address: str = LOOPBACK) -> list[int]:
    """Give that many ports on which, for the moment, nobody listens.

    Parameters
    ----------
    count
        How many.
    address
        Where they have to be free; empty: on all interfaces.

    Raises
    ------
    ProcessError
        Too few were found.
    """
    found: list[int] = []
    for port in random.sample(range(_FIRST_PORT, _LAST_PORT), 50 * count):
        if is_free(port, address=address):
            found.append(port)
            if len(found) == count:
                return found
    raise ProcessError(
        f"loopback ports: expected {count} free ones between {_FIRST_PORT} and "
        f"{_LAST_PORT}, found {len(found)}"
    )


def is_free(port: int, *, address: str = LOOPBACK) -> bool:
    """Tell whether a TCP and a UDP socket can be bound to that port."""
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True


class BeaconPort:
    """Hold the Channel Access repeater's port, so that no client starts caRepeater.

    A client that finds the port free starts a `caRepeater`, which would outlive the
    demo, or complains on the terminal that it has none. Registrations are confirmed,
    beacons go nowhere: on loopback a broken TCP connection is noticed without them.
    """

    _REGISTER, _CONFIRM = 24, 17

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind((LOOPBACK, port))

    def answer(self) -> int:
        """Confirm what registrations have come; give how many. Never waits."""
        confirmed = 0
        for _ in range(1000):
            try:
                message, sender = self._socket.recvfrom(1024)
                if self._is_registration(message):
                    header = self._CONFIRM.to_bytes(2, "big") + bytes(10)
                    self._socket.sendto(header + socket.inet_aton(sender[0]), sender)
                    confirmed += 1
            except BlockingIOError:
                break
            except ConnectionError:  # a client that has gone: its answer came back
                continue
        return confirmed

    def close(self) -> None:
        """Let the port go."""
        self._socket.close()

    def _is_registration(self, message: bytes) -> bool:
        # Old clients send an empty datagram.
        return not message or int.from_bytes(message[:2], "big") == self._REGISTER
