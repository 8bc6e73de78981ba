"""Every instruction set of the CPU backend runs the suite of steps on whole frames."""

import numpy as np
import pytest

from tomostream.recon.cpu.backend import available_isas
from tomostream.testing.frame_steps_suite import FrameStepsSuite, phase_of


def needs(isa: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        isa not in available_isas(), reason=f"this CPU has no {isa}"
    )


@needs("avx512")
class TestAvx512(FrameStepsSuite):
    settings = {"isa": "avx512"}  # noqa: RUF012  declared ClassVar in the suite


@needs("avx2")
class TestAvx2(FrameStepsSuite):
    settings = {"isa": "avx2"}  # noqa: RUF012


class TestBaseline(FrameStepsSuite):
    settings = {"isa": "baseline"}  # noqa: RUF012


@pytest.mark.parametrize("threads", [2, 17])
def test_threads_do_not_change_the_result(threads: int) -> None:
    images = []
    for count in (1, threads):
        scene = FrameStepsSuite().scene(n_z=50, n_x=60, threads=count)
        scene.set(zinger_radius=3, phase=phase_of(9.0))
        scene.add(range(23))
        images.append(scene.engine.packed())
    np.testing.assert_array_equal(*images)


def test_steps_on_frames_are_timed() -> None:
    scene = FrameStepsSuite().scene()
    frame, angle, slot = [scene.frame()], np.array([0.0]), np.array([0])
    assert scene.engine.stage_times(frame, angle, slot)["prepass"] == 0
    scene.set(phase=phase_of(9.0))
    assert scene.engine.stage_times(frame, angle, slot)["prepass"] > 0
