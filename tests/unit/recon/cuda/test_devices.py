"""Several devices, each with a slab of the detector rows, against one."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from tomostream.core.errors import NotEnoughMemoryError, ReconstructionError
from tomostream.core.geometry import Geometry, ObliquePlane, Planes
from tomostream.core.parameters import FilterType, ReconParameters
from tomostream.core.steps import PhaseRetrieval, RingRemoval, Steps
from tomostream.recon.cuda.backend import CudaBackend
from tomostream.recon.cuda.plan import slabs
from tomostream.recon.engine import Engine
from tomostream.testing.backend_suite import FLOAT_TOLERANCE
from tomostream.testing.cuda_shim import ShimDevice, shim_engine
from tomostream.testing.scene import SceneSuite

pytestmark = pytest.mark.skipif(
    shutil.which("g++") is None, reason="the shim needs g++"
)

GEOMETRY = Geometry(n_z=61, n_x=50, n_slots=12, n_out=50)
OBLIQUE = ObliquePlane(x=25, y=25, z=30, normal=(1.0, 0.5, 2.0))
PLAIN = ReconParameters(
    center=24.3,
    filter_type=FilterType.RAMP,
    planes=Planes(x=20, y=30, z=40),
    oblique=OBLIQUE,
)
UPRIGHT = replace(PLAIN, oblique=None)
WEAK = PhaseRetrieval(energy_kev=30, distance_mm=50, pixel_um=3, alpha=0.01)
CASES = {
    "plain": PLAIN,
    "z tilted": replace(PLAIN, planes=replace(PLAIN.planes, rot_z=20.0)),
    "z of the first device": replace(PLAIN, planes=replace(PLAIN.planes, z=0)),
    "by FFT": replace(PLAIN, filter_type=FilterType.COSINE),
    "zingers": replace(PLAIN, steps=Steps(zinger_radius=3, zinger_threshold=0.1)),
    "rings": replace(
        PLAIN, steps=Steps(ring_removal=RingRemoval.HIGH_PASS, ring_width=5.0)
    ),
}


def shown(devices, parameters):
    """Give what an engine shows after a revolution and a half."""
    random = np.random.default_rng(3)
    engine = shim_engine(devices=devices)
    engine.configure(GEOMETRY, parameters)
    engine.set_fields(
        random.random((61, 50)).astype("f4"), 900 + random.random((61, 50)).astype("f4")
    )
    for first in (0, 6, 12):
        frames = random.integers(300, 900, (6, 61, 50)).astype("u2")
        slots = np.arange(first, first + 6) % 12
        engine.add(list(frames), random.random(6) * 180, slots)
        while engine.refilter(4):
            pass
    slices = engine.slices()
    return [slices.z, slices.y, slices.x, engine.oblique(), engine.rows(3, 3)]


@pytest.mark.parametrize("devices", [2, 3])
@pytest.mark.parametrize("case", CASES)
def test_devices_together_show_what_one_shows(devices, case):
    for several, one in zip(
        shown(devices, CASES[case]), shown(1, CASES[case]), strict=True
    ):
        # Parts of tilted planes are added in another order.
        np.testing.assert_allclose(several, one, atol=4e-6 * np.abs(one).max())
        assert one.any()


def test_phase_reaches_across_devices():
    steps = Steps(phase=WEAK, zinger_radius=2)
    assert 1 < WEAK.strength_px2 < 60
    parameters = replace(PLAIN, steps=steps)
    for several, one in zip(shown(2, parameters), shown(1, parameters), strict=True):
        # Of the filter's kernel 1e-4 is left where a device's rows end.
        np.testing.assert_allclose(several, one, atol=1e-4 * np.abs(one).max())


def test_bad_pixels_of_all_devices_count_together():
    class Two(SceneSuite):
        def engine(self, **settings):
            return shim_engine(devices=2, **settings)

    scene = Two().scene(n_z=20, n_x=100, dtype="f4")
    few, many = scene.frame().copy(), scene.frame().copy()
    few[[3, 17], :10] = np.nan
    many[[3, 17], :11] = np.nan
    report = scene.engine.add([few, many], np.zeros(2), np.array([0, 1]))
    assert report.accepted.tolist() == [True, False]
    assert report.pixels_repaired == 20


def test_new_steps_do_not_lose_the_fields():
    class Two(SceneSuite):
        def engine(self, **settings):
            return shim_engine(devices=2, **settings)

    scene = Two().scene()
    scene.add(range(9))
    # Windows of the neighbour's rows: frames of other sizes are uploaded.
    scene.set(zinger_radius=3, zinger_threshold=1e6)
    scene.refilter()
    scene.add(range(5, 15))
    assert scene.error() < FLOAT_TOLERANCE


@pytest.mark.parametrize("n_z", [1, 2, 7, 64, 2047])
@pytest.mark.parametrize("devices", [1, 2, 3, 8])
def test_slabs_share_all_rows(n_z, devices):
    parts = slabs(n_z, devices)
    rows = [row for part in parts for row in range(part.first, part.first + part.rows)]
    assert rows == list(range(n_z))
    # Pairs of rows: no device has two rows more than another, but for an odd last one.
    assert max(p.rows for p in parts) - min(p.rows for p in parts) <= 3


class Small(ShimDevice):
    """Has no room for the next so many pictures and spectra."""

    lacks = 0

    def empty(self, shape, dtype):
        if self.lacks and len(shape) == 2:
            self.lacks -= 1
            raise NotEnoughMemoryError("not enough device memory")
        return super().empty(shape, dtype)


def with_the_last_one_small():
    small = Small()
    engine = Engine(backend=CudaBackend([ShimDevice(), small], ring_dtype="float"))
    engine.configure(GEOMETRY, UPRIGHT)
    return engine, small


def test_a_filter_that_the_last_device_has_no_room_for_is_that_of_none():
    engine, small = with_the_last_one_small()
    frame = np.random.default_rng(3).integers(300, 900, (61, 50)).astype("u2")

    def shown():
        engine.add([frame], np.zeros(1), np.zeros(1, int))
        return engine.packed()

    before = shown()
    small.lacks = 1
    engine.set_parameters(replace(UPRIGHT, filter_type=FilterType.COSINE))
    assert small.lacks == 0
    # Another filter changes them by a tenth.
    np.testing.assert_allclose(shown(), before, atol=1e-5 * np.abs(before).max())
    assert engine.filter_lack is not None
    assert engine.parameters == UPRIGHT


def test_a_device_without_room_for_the_old_filter_either_goes_on_with_none():
    engine, small = with_the_last_one_small()
    small._memory = 8
    with pytest.raises(ReconstructionError, match="no filter is left"):
        engine.set_parameters(replace(UPRIGHT, filter_type=FilterType.COSINE))
    small._memory = 1 << 30
    engine.configure(GEOMETRY, UPRIGHT)
    assert engine.add([np.ones((61, 50))], np.zeros(1), np.zeros(1, int)).accepted.all()
