"""Which GPU is used, and what is said where there is none."""

import ctypes
import sys

import pytest

from tomostream.core.errors import BackendUnavailableError
from tomostream.recon.cuda import driver, selection
from tomostream.recon.cuda.driver import Driver, extra_for, find_driver
from tomostream.testing.cuda_shim import ShimDevice


@pytest.fixture(autouse=True)
def fresh():
    for function in (find_driver, selection.find_devices):
        function.cache_clear()
    yield
    for function in (find_driver, selection.find_devices):
        function.cache_clear()


class FakeDriver:
    """libcuda, as far as it is asked."""

    def __init__(self, names, *, status=0):
        self._names, self._status = names, status

    def cuDriverGetVersion(self, number):  # noqa: N802  CUDA's name
        number._obj.value = 12040
        return 0

    def cuInit(self, flags):  # noqa: N802
        return self._status

    def cuDeviceGetCount(self, number):  # noqa: N802
        number._obj.value = len(self._names)
        return 0

    def cuDeviceGet(self, device, index):  # noqa: N802
        device._obj.value = index

    def cuDeviceGetName(self, name, size, device):  # noqa: N802
        name.value = self._names[device.value].encode()


def no_library(name):
    raise OSError(name)


def test_no_driver_is_said(monkeypatch):
    monkeypatch.setattr(driver.ctypes, "CDLL", no_library)
    assert find_driver().problem == "no NVIDIA driver is installed"
    with pytest.raises(BackendUnavailableError, match="no NVIDIA driver"):
        selection.find_devices()


@pytest.mark.parametrize(("names", "status"), [(["A"], 100), ([], 0)])
def test_driver_without_a_gpu_is_said(monkeypatch, names, status):
    fake = FakeDriver(names, status=status)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: fake)
    assert find_driver().version == "12.4"
    assert "gives no GPU" in find_driver().problem


def test_gpus_are_named(monkeypatch):
    fake = FakeDriver(["Model A", "Model B"])
    monkeypatch.setattr(ctypes, "CDLL", lambda name: fake)
    assert find_driver() == Driver(
        version="12.4", gpus=("Model A", "Model B"), problem=""
    )


def test_gpu_without_cupy_says_what_to_install(monkeypatch):
    found = Driver(version="13.0", gpus=("Model A",), problem="")
    monkeypatch.setattr(selection, "find_driver", lambda: found)
    monkeypatch.setitem(sys.modules, "cupy", None)
    monkeypatch.delitem(sys.modules, "tomostream.recon.cuda.cupy_device", raising=False)
    with pytest.raises(BackendUnavailableError, match=r"Model A.*tomostream\[cuda13\]"):
        selection.find_devices()


@pytest.mark.parametrize(
    ("version", "extra"),
    [("12.4", "cuda12"), ("13.1", "cuda13"), ("", "cuda12"), ("11.8", "cuda12")],
)
def test_extra_suits_the_driver(version, extra):
    assert extra_for(version) == extra


def test_auto_takes_the_gpu_where_one_works(monkeypatch):
    from tomostream.recon.backend import choose_backend

    monkeypatch.setattr(selection, "find_devices", lambda: (ShimDevice(),))
    choice = choose_backend("auto")
    assert choice.backend.name == "cuda"
    assert choice.reason == "on the GPU: g++ shim"
