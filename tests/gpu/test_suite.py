"""The CUDA backend on real devices runs the shared suites."""

import pytest

from tomostream.testing.backend_suite import BackendSuite
from tomostream.testing.frame_steps_suite import FrameStepsSuite
from tomostream.testing.plane_suite import PlaneSuite

pytestmark = pytest.mark.gpu


class TestCuda(BackendSuite):
    settings = {"backend": "cuda"}  # noqa: RUF012  declared ClassVar in the suite


class TestFrameSteps(FrameStepsSuite):
    settings = {"backend": "cuda"}  # noqa: RUF012


class TestPlanes(PlaneSuite):
    settings = {"backend": "cuda"}  # noqa: RUF012
