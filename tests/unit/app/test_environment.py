import socket
from dataclasses import replace

import pytest

from tomostream.app.environment import (
    BeaconPort,
    LoopbackEnvironment,
    epics_variables,
    free_ports,
    is_free,
    own_address,
)


@pytest.fixture
def environment():
    return LoopbackEnvironment.find()


def test_every_port_is_given_once(environment):
    ports = [
        *environment.ca_ports.values(), *environment.pva_tcp_ports.values(),
        environment.pva_port, environment.repeater_port,
    ]  # fmt: skip
    assert len(set(ports)) == 6


def test_two_environments_share_no_port():
    one, other = LoopbackEnvironment.find(), LoopbackEnvironment.find()
    assert not set(one.ca_ports.values()) & set(other.ca_ports.values())


def test_every_address_is_loopback(environment):
    for name, value in environment.server("ioc").items():
        if name.endswith(("_ADDR_LIST", "_INTF_ADDR_LIST")) and "AUTO" not in name:
            assert all(a.startswith("127.0.0.1") for a in value.split()), name


INTERFACES = {"EPICS_CAS_INTF_ADDR_LIST", "EPICS_PVAS_INTF_ADDR_LIST"}


@pytest.mark.parametrize("name", ["ioc", "simulator", "service"])
def test_servers_listen_elsewhere_only_when_they_are_open(environment, name):
    closed = environment.server(name)
    opened = replace(environment, is_open=True).server(name)
    assert closed.items() - opened.items() == {(i, "127.0.0.1") for i in INTERFACES}
    assert not opened.items() - closed.items()


def test_no_environment_is_open_unless_asked():
    assert not LoopbackEnvironment.find().is_open
    assert LoopbackEnvironment.find(is_open=True).is_open


def test_clients_elsewhere_search_our_address_and_have_a_repeater_of_their_own(
    environment,
):
    lines = environment.export_lines("192.0.2.7")
    assert not [line for line in lines if "127.0.0.1" in line or "REPEATER" in line]
    ports = environment.ca_ports
    searched = f"192.0.2.7:{ports['ioc']} 192.0.2.7:{ports['simulator']}"
    assert f'export EPICS_CA_ADDR_LIST="{searched}"' in lines
    assert 'export EPICS_PVA_ADDR_LIST="192.0.2.7"' in lines
    assert f'export EPICS_PVA_BROADCAST_PORT="{environment.pva_port}"' in lines


def test_our_own_address_is_one_that_can_be_written_down():
    assert own_address()
    assert " " not in own_address()


def test_a_client_searches_both_channel_access_servers(environment):
    addresses = environment.client()["EPICS_CA_ADDR_LIST"].split()
    assert addresses == [f"127.0.0.1:{p}" for p in environment.ca_ports.values()]


def test_servers_have_ports_of_their_own(environment):
    ioc, simulator = environment.server("ioc"), environment.server("simulator")
    name = "EPICS_CAS_SERVER_PORT"
    assert ioc[name] != simulator[name]
    assert name not in environment.server("service")
    assert ioc["EPICS_PVAS_BROADCAST_PORT"] == ioc["EPICS_PVA_BROADCAST_PORT"]


def test_entering_removes_other_epics_variables(environment):
    environ = {"EPICS_CA_NAME_SERVERS": "192.0.2.1", "HOME": "/root"}
    environment.enter("service", environ)
    assert "EPICS_CA_NAME_SERVERS" not in environ
    assert environ["HOME"] == "/root"
    assert epics_variables(environ) == dict(
        sorted(environment.server("service").items())
    )


def test_export_lines_carry_the_client_variables(environment):
    lines = environment.export_lines()
    assert f'export EPICS_PVA_BROADCAST_PORT="{environment.pva_port}"' in lines
    assert len(lines) == len(environment.client())


def test_a_port_in_use_is_not_free():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        assert not is_free(taken.getsockname()[1])


def test_a_registration_is_confirmed_with_the_clients_address():
    beacon_port = BeaconPort(free_ports(1)[0])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(2)
        client.connect(beacon_port._socket.getsockname())
        client.send((24).to_bytes(2, "big") + bytes(14))
        assert beacon_port.answer() == 1
        answer = client.recv(64)
    beacon_port.close()
    assert answer == (17).to_bytes(2, "big") + bytes(10) + bytes([127, 0, 0, 1])


def test_beacons_and_rubbish_are_not_answered():
    beacon_port = BeaconPort(free_ports(1)[0])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(beacon_port._socket.getsockname())
        client.send((13).to_bytes(2, "big") + bytes(14))
        client.send(b"?")
        assert beacon_port.answer() == 0
    beacon_port.close()
