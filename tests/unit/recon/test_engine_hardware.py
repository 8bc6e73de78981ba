"""Which hardware an engine takes, and what it says where that does not work."""

import subprocess
import sys

import pytest

from tomostream.core.errors import BackendUnavailableError
from tomostream.recon import Engine, select_backend
from tomostream.recon.backend import choose_backend
from tomostream.recon.cuda import selection


@pytest.mark.parametrize("settings", [{"isa": "mmx"}, {"backend": "tpu"}])
def test_unknown_hardware_is_refused(settings) -> None:
    with pytest.raises(BackendUnavailableError, match="expected"):
        Engine(**settings)


def test_unknown_instruction_set_is_told_the_known_ones() -> None:
    with pytest.raises(BackendUnavailableError, match="baseline"):
        select_backend("cpu", isa="sse9")


def test_cuda_without_a_gpu_is_refused_in_a_sentence(monkeypatch) -> None:
    def nothing() -> None:
        raise BackendUnavailableError("no NVIDIA driver is installed")

    monkeypatch.setattr(selection, "find_devices", nothing)
    wanted = "backend cuda: no NVIDIA driver is installed; or use cpu"
    with pytest.raises(BackendUnavailableError, match=wanted):
        select_backend("cuda")
    choice = choose_backend("auto")
    assert choice.backend.name == "cpu"
    assert choice.reason.endswith("no NVIDIA driver is installed")


def test_instruction_set_asks_for_the_cpu(monkeypatch) -> None:
    monkeypatch.setattr(selection, "find_devices", lambda: pytest.fail("not wanted"))
    assert choose_backend("auto", isa="baseline").backend.isa == "baseline"


def test_engine_works_in_a_forked_child() -> None:
    # The pool's threads do not exist there; the caller does their work.
    script = """
import os, numpy as np
from tomostream.core.geometry import Geometry, Planes
from tomostream.core.parameters import ReconParameters
from tomostream.recon import Engine
g = Geometry(n_z=64, n_x=32, n_slots=2, n_out=32)
e = Engine(threads=2)
e.configure(g, ReconParameters(center=16.0, planes=Planes.middle(g)))
if os.fork() == 0:
    e.add([np.ones((64, 32), "u2")], np.zeros(1), np.zeros(1, int))
    os._exit(7)
assert os.waitstatus_to_exitcode(os.wait()[1]) == 7
"""
    # -P: the installed package, not a folder of sources that the tests are run from.
    subprocess.run([sys.executable, "-P", "-c", script], check=True, timeout=30)
