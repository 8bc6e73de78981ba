"""What the NVIDIA driver says, asked without any CUDA library."""

import ctypes
from dataclasses import dataclass
from functools import cache

_NAME_BYTES = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """The driver and the GPUs that it gives to this process."""

    version: str
    """Newest CUDA that it can run, ``12.4``; empty: there is no driver."""
    gpus: tuple[str, ...]
    """Names."""
    problem: str
    """Why there is no GPU; empty: there is one."""


@cache
def find_driver() -> Driver:
    """Ask the driver, once a process."""
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return Driver(version="", gpus=(), problem="no NVIDIA driver is installed")
    number = ctypes.c_int()
    cuda.cuDriverGetVersion(ctypes.byref(number))
    version = f"{number.value // 1000}.{number.value % 1000 // 10}"
    status = cuda.cuInit(0)
    if status == 0:
        status = cuda.cuDeviceGetCount(ctypes.byref(number))
    if status != 0 or number.value == 0:
        problem = f"the NVIDIA driver gives no GPU (CUDA error {status})"
        return Driver(version=version, gpus=(), problem=problem)
    names = tuple(_name(cuda, index) for index in range(number.value))
    return Driver(version=version, gpus=names, problem="")


def _name(cuda: ctypes.CDLL, index: int) -> str:
    device, name = ctypes.c_int(), ctypes.create_string_buffer(_NAME_BYTES)
    cuda.cuDeviceGet(ctypes.byref(device), index)
    cuda.cuDeviceGetName(name, _NAME_BYTES, device)
    return name.value.decode(errors="replace")


def extra_for(version: str) -> str:
    """Give the extra of tomostream that suits a driver: cuda12 or cuda13."""
    return "cuda13" if int(version.split(".")[0] or 0) >= 13 else "cuda12"
