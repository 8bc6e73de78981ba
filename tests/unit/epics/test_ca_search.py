import pytest

from tomostream.epics.ca_search import _found, server_port


@pytest.mark.parametrize(
    ("environ", "port"),
    [
        ({}, 5064),
        ({"EPICS_CA_SERVER_PORT": "6000"}, 6000),
        ({"EPICS_CA_SERVER_PORT": "6000", "EPICS_CAS_SERVER_PORT": "7000"}, 7000),
        ({"EPICS_CAS_SERVER_PORT": "none"}, 5064),
        ({"EPICS_CAS_SERVER_PORT": "70000"}, 5064),
    ],
)
def test_a_server_is_searched_where_it_listens(environ, port):
    assert server_port(environ) == port


VERSION = bytes.fromhex("0000 0000 0001 000d 00000000 00000000")
ANSWER = bytes.fromhex("0006 0008 691c 0000 ffffffff 0000004d 000d000000000000")


@pytest.mark.parametrize(
    ("datagram", "ids"),
    [
        (VERSION + ANSWER, [77]),
        (ANSWER + ANSWER, [77, 77]),
        (VERSION, []),
        # Of another, or torn.
        (ANSWER[:15], []),
        (ANSWER[:20], [77]),
        (b"", []),
        (bytes.fromhex("000e ffff") + ANSWER, []),
    ],
)
def test_answers_are_told_from_all_else(datagram, ids):
    assert list(_found(datagram)) == ids
