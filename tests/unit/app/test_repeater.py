import socket

import pytest

from tomostream.app.environment import free_ports
from tomostream.app.repeater import _port, is_repeater_missing, repeater


@pytest.fixture
def port():
    return free_ports(1)[0]


@pytest.fixture
def variables(port, tmp_path):
    return {"EPICS_CA_REPEATER_PORT": str(port), "PATH": str(tmp_path)}


def test_where_nobody_listens_it_is_missing(variables):
    assert is_repeater_missing(variables)


def test_whoever_has_the_port_is_the_repeater(variables, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", port))
        assert not is_repeater_missing(variables)


def test_a_program_in_the_path_is_left_to_libca(variables, tmp_path):
    program = tmp_path / "caRepeater"
    program.write_text("")
    program.chmod(0o755)
    assert not is_repeater_missing(variables)


@pytest.mark.parametrize("text", ["", "repeater", "0", "65536", "-1"])
def test_a_port_that_is_none_means_the_usual_one(text):
    assert _port({"EPICS_CA_REPEATER_PORT": text}) == 5065


def test_it_ends_with_the_context(variables, monkeypatch):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert is_repeater_missing(variables)
    with repeater():
        assert not is_repeater_missing(variables)
    assert is_repeater_missing(variables)
