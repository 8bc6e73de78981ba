"""The CUDA backend, its kernels compiled by g++, runs the shared suites."""

import shutil

import pytest

from tomostream.testing.backend_suite import BackendSuite
from tomostream.testing.cuda_shim import shim_engine
from tomostream.testing.frame_steps_suite import FrameStepsSuite
from tomostream.testing.plane_suite import PlaneSuite

pytestmark = pytest.mark.skipif(
    shutil.which("g++") is None, reason="the shim needs g++"
)


class TestCudaShim(BackendSuite):
    def engine(self, **settings):
        return shim_engine(**settings)


class TestFrameSteps(FrameStepsSuite):
    def engine(self, **settings):
        return shim_engine(**settings)


class TestPlanes(PlaneSuite):
    def engine(self, **settings):
        return shim_engine(**settings)
