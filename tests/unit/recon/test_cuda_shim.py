"""The CUDA backend, its kernels compiled by g++, runs the shared suite."""

import shutil

import pytest

from tomostream.recon.backend import RingDtype
from tomostream.recon.cuda.backend import CudaBackend
from tomostream.recon.engine import Engine
from tomostream.testing.backend_suite import BackendSuite
from tomostream.testing.cuda_shim import ShimDevice

pytestmark = pytest.mark.skipif(
    shutil.which("g++") is None, reason="the shim needs g++"
)


def shim_engine(
    *, devices=1, ring_dtype: RingDtype = "half", memory=1 << 30, **settings
):
    backend = CudaBackend(
        [ShimDevice(memory) for _ in range(devices)], ring_dtype=ring_dtype
    )
    return Engine(backend=backend, **settings)


class TestCudaShim(BackendSuite):
    def engine(self, **settings):
        return shim_engine(**settings)


class TestTwoDevices(BackendSuite):
    def engine(self, **settings):
        return shim_engine(devices=2, **settings)
