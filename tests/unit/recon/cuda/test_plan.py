"""The memory plan: made before anything is allocated, and kept to."""

import logging
import shutil
from dataclasses import replace

import numpy as np
import pytest

from tomostream.core.errors import ReconstructionError
from tomostream.core.geometry import Geometry
from tomostream.core.parameters import FilterType
from tomostream.core.steps import PhaseRetrieval, RingRemoval
from tomostream.recon.cuda.backend import CudaBackend
from tomostream.recon.cuda.plan import (
    BATCHES,
    KEPT_FREE,
    Slab,
    kept_slots,
    plan_device,
    plan_devices,
    report,
)
from tomostream.recon.engine import Engine
from tomostream.testing.backend_suite import FLOAT_TOLERANCE, Scene
from tomostream.testing.cuda_shim import ShimDevice
from tomostream.testing.scene import SceneSuite

needs_gpp = pytest.mark.skipif(shutil.which("g++") is None, reason="the shim needs g++")
LARGE = Geometry(n_z=2048, n_x=2048, n_slots=1500, n_out=2048)
GIB = 1 << 30


def test_ring_of_1500_large_projections_takes_half_floats_of_them():
    (plan,) = plan_devices(LARGE, [100 * GIB], item_bytes=2)
    assert plan.batch == 32
    assert plan.decimation == 1
    assert plan.ring == 2 * (1500 + 32) * 2048**2


@pytest.mark.parametrize("batch", BATCHES)
def test_less_memory_takes_smaller_batches_first(batch):
    slab = Slab(first=0, rows=2048)
    wanted = plan_device(LARGE, slab, 0, batch=batch, decimation=1, item_bytes=2)
    free = int(wanted.total / (1 - KEPT_FREE)) + 1
    (plan,) = plan_devices(LARGE, [free], item_bytes=2)
    assert (plan.batch, plan.decimation) == (batch, 1)
    assert plan.fits


def test_then_the_ring_is_decimated_and_says_so():
    (plan,) = plan_devices(LARGE, [8 * GIB], item_bytes=2)
    assert plan.batch == 1
    assert plan.decimation > 1
    assert plan.total <= 8 * GIB
    kept = kept_slots(LARGE, plan.decimation)
    text = report([plan], LARGE.n_slots)
    assert f"only {kept} of 1500 projections fit" in text
    assert f"one in {plan.decimation}" in text


def test_what_cannot_fit_is_refused_with_both_sizes():
    with pytest.raises(ReconstructionError, match=r"wants .* GiB, 1\.00 GiB are free"):
        plan_devices(LARGE, [GIB], item_bytes=2)


def test_devices_share_the_ring():
    one = plan_devices(LARGE, [100 * GIB], item_bytes=2)[0]
    two = plan_devices(LARGE, [100 * GIB] * 2, item_bytes=2)
    assert sum(plan.ring for plan in two) == one.ring
    # The poorer device decides for both.
    poor = plan_devices(LARGE, [100 * GIB, 9 * GIB], item_bytes=2)
    assert len({plan.batch for plan in poor}) == 1
    assert poor[0].batch < 32


@needs_gpp
@pytest.mark.parametrize("filter_type", [FilterType.RAMP, FilterType.COSINE])
@pytest.mark.parametrize("ring_dtype", ["half", "float"])
def test_no_more_is_held_than_was_planned(filter_type, ring_dtype):
    class Counting(ShimDevice):
        held = 0

        def empty(self, shape, dtype):
            array = super().empty(shape, dtype)
            self.held += array.nbytes
            return array

    device = Counting()
    engine = Engine(backend=CudaBackend([device], ring_dtype=ring_dtype))
    g = Geometry(n_z=200, n_x=180, n_slots=40, n_out=210)
    scene = Scene(engine, g, SceneSuite().scene(n_x=180, n_out=210).parameters)
    scene.set(filter_type=filter_type, ring_removal=RingRemoval.HIGH_PASS)
    strong = PhaseRetrieval(energy_kev=20, distance_mm=1e4, pixel_um=0.5, alpha=1e-3)
    scene.set(phase=strong, zinger_radius=4)
    (plan,) = plan_devices(
        g, [1 << 40], item_bytes=2 if ring_dtype == "half" else 4
    )  # fmt: skip
    memory = engine.memory
    assert memory.ring == plan.ring
    assert memory.accumulators <= plan.accumulators
    assert memory.fields <= plan.fields + 4 * g.n_x
    assert memory.scratch <= plan.scratch
    # Between what there was and what there is: the filter's states are made anew.
    assert device.held >= memory.total
    assert "40 projections, batches of 32" in memory.note


@needs_gpp
def test_decimated_ring_shows_the_slots_that_it_keeps(caplog):
    whole = plan_devices(
        Geometry(n_z=64, n_x=64, n_slots=400, n_out=64), [1 << 40], item_bytes=4
    )[0]
    memory = int(0.75 * replace(whole, batch=1).total)
    device = ShimDevice(memory)

    class Small(SceneSuite):
        def engine(self, **settings):
            return Engine(backend=CudaBackend([device], ring_dtype="float"))

    with caplog.at_level(logging.WARNING):
        scene = Small().scene(n_z=64, n_x=64, n_slots=400)
    assert "projections fit" in caplog.text
    decimation = int(caplog.text.split("one in ")[1].split()[0])
    scene.add(range(40))
    scene.held = {s: held for s, held in scene.held.items() if s % decimation == 0}
    assert scene.engine.slots_filled == -(-40 // decimation)
    scene.set(filter_type=FilterType.HANN)
    assert scene.engine.slots_outdated == 0
    scene.refilter()
    assert scene.error() < FLOAT_TOLERANCE
    report = scene.engine.add([scene.frame()], np.array([3.0]), np.array([1]))
    assert report.accepted.tolist() == [True]
