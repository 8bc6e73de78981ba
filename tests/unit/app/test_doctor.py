import socket
import tomllib
from pathlib import Path

import pytest

from tomostream.app import doctor
from tomostream.app.doctor import State, examine_machine
from tomostream.core.errors import BackendUnavailableError
from tomostream.recon.cuda import selection
from tomostream.recon.cuda.driver import Driver
from tomostream.testing.cuda_shim import ShimDevice


def findings(subject, **given):
    return [f for f in examine_machine(**given) if f.subject == subject]


def test_this_machine_is_good_enough():
    assert not [f for f in examine_machine({}) if f.state is State.BAD]


def test_every_failure_comes_with_a_fix(monkeypatch):
    monkeypatch.setattr(doctor, "NEEDED", ("numpy", "no-such-package"))
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    bad = [f for f in examine_machine({}) if f.state is not State.GOOD]
    assert {f.subject for f in bad} >= {"packages", "compiler"}
    assert all(f.fix for f in bad if f.subject != "GPU")


def test_every_package_that_is_needed_is_looked_for():
    project = Path(__file__).parents[3] / "pyproject.toml"
    if not project.is_file():
        pytest.skip("the sources are not beside")
    needed = tomllib.loads(project.read_text("utf-8"))["project"]["dependencies"]
    assert {line.partition(">")[0] for line in needed} == set(doctor.NEEDED)


def test_every_instruction_set_is_tried():
    (kernels,) = findings("kernels")
    assert kernels.state is State.GOOD
    assert "baseline" in kernels.text


def test_kernels_that_compute_nonsense_are_found(monkeypatch):
    monkeypatch.setattr(doctor.np, "ones", doctor.np.zeros)
    (kernels,) = findings("kernels")
    assert kernels.state is State.BAD
    assert "wrong" in kernels.text


@pytest.mark.parametrize(
    ("system", "machine", "state"),
    [
        ("Linux", "x86_64", State.GOOD),
        ("Linux", "aarch64", State.NOTE),
        ("Darwin", "arm64", State.NOTE),
    ],
)
def test_only_what_was_tested_is_called_tested(monkeypatch, system, machine, state):
    monkeypatch.setattr(doctor.platform, "system", lambda: system)
    monkeypatch.setattr(doctor.platform, "machine", lambda: machine)
    (platform,) = findings("platform")
    assert platform.state is state
    assert f"{system} {machine}" in platform.text


def test_an_empty_address_list_without_broadcast_finds_nobody():
    environ = {"EPICS_CA_AUTO_ADDR_LIST": "NO", "EPICS_PVA_AUTO_ADDR_LIST": "NO"}
    bad = [f for f in findings("EPICS", environ=environ) if f.state is State.BAD]
    assert [f.fix.split()[1] for f in bad] == [
        "EPICS_CA_ADDR_LIST", "EPICS_PVA_ADDR_LIST",
    ]  # fmt: skip


def test_name_servers_are_enough():
    environ = {
        "EPICS_CA_AUTO_ADDR_LIST": "NO", "EPICS_CA_NAME_SERVERS": "192.0.2.1"
    }  # fmt: skip
    assert all(f.state is State.GOOD for f in findings("EPICS", environ=environ))


def test_ports_in_use_are_named(monkeypatch):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
        taken.bind(("", 0))
        port = taken.getsockname()[1]
        monkeypatch.setattr(
            doctor, "_STANDARD_PORTS", {"test": (port, socket.SOCK_STREAM)}
        )
        (ports,) = findings("ports")
    assert f"{port} (test)" in ports.text


def test_machine_without_a_gpu_is_told_why(monkeypatch):
    monkeypatch.setattr(doctor, "find_driver", lambda: driver_of(problem="no driver"))
    (gpu,) = findings("GPU")
    assert gpu.state is State.NOTE
    assert gpu.text == "no NVIDIA GPU is seen; the CPU is used (no driver)"


def test_gpu_that_works_is_named(monkeypatch):
    monkeypatch.setattr(doctor, "find_driver", lambda: driver_of("Model A"))
    monkeypatch.setattr(selection, "find_devices", lambda: (ShimDevice(),))
    (gpu,) = findings("GPU")
    assert gpu.state is State.GOOD
    assert gpu.text.startswith("Model A; the driver runs CUDA 12.4; ")


def test_gpu_that_does_not_work_comes_with_a_fix(monkeypatch):
    def nothing():
        raise BackendUnavailableError("CuPy is missing")

    monkeypatch.setattr(doctor, "find_driver", lambda: driver_of("Model A"))
    monkeypatch.setattr(selection, "find_devices", nothing)
    (gpu,) = findings("GPU")
    assert gpu.state is State.NOTE
    assert "CuPy is missing" in gpu.text
    assert gpu.fix == "pip install 'tomostream[cuda12]'"


def driver_of(*gpus, problem=""):
    return Driver(version="12.4", gpus=gpus, problem=problem)
