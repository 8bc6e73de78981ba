"""Every instruction set of the CPU backend runs the shared suite."""

import numpy as np
import pytest

from tomostream.recon.cpu.backend import available_isas
from tomostream.testing.backend_suite import BackendSuite


def needs(isa: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        isa not in available_isas(), reason=f"this CPU has no {isa}"
    )


@needs("avx512")
class TestAvx512(BackendSuite):
    settings = {"isa": "avx512"}  # noqa: RUF012  declared ClassVar in the suite


@needs("avx2")
class TestAvx2(BackendSuite):
    settings = {"isa": "avx2"}  # noqa: RUF012


class TestBaseline(BackendSuite):
    settings = {"isa": "baseline"}  # noqa: RUF012


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_do_not_change_the_result(threads: int) -> None:
    images = []
    for count in (1, threads):
        scene = BackendSuite().scene(n_z=150, n_x=60, threads=count)
        scene.add(range(23))
        scene.add(range(7))
        scene.set(x=3)
        images.append(scene.engine.packed())
    np.testing.assert_array_equal(*images)


@pytest.mark.parametrize("isa", available_isas())
def test_instruction_set_is_the_one_asked_for(isa: str) -> None:
    assert BackendSuite().scene(isa=isa).engine.isa == isa


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("ring_dtype", ["half", "float"])
@pytest.mark.parametrize("isa", available_isas())
def test_light_beyond_what_floats_hold_spoils_no_slice(isa, ring_dtype, dtype) -> None:
    scene = BackendSuite().scene(isa=isa, ring_dtype=ring_dtype)
    shape = scene.engine.geometry.frame_shape
    scene.engine.set_fields(None, np.full(shape, 0.1, np.float32))
    frame = np.full(shape, 0.05, dtype)
    frame[scene.engine.parameters.planes.z, 20] = 3e38
    for slot in (0, 1, 0):
        scene.engine.add([frame], np.zeros(1), np.array([slot]))
    assert np.isfinite(scene.engine.packed()).all()
