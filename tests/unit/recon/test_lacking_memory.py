"""What lacks memory stays off and is told; all else goes on."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from tomostream.core.errors import NotEnoughMemoryError
from tomostream.core.geometry import Geometry, ObliquePlane, Planes
from tomostream.core.parameters import FilterType, ReconParameters
from tomostream.core.steps import PhaseRetrieval, RingRemoval, Steps
from tomostream.recon import Engine
from tomostream.recon.raw_ring import RawRing
from tomostream.testing.tight_backend import TightBackend

GEOMETRY = Geometry(n_z=20, n_x=32, n_slots=6, n_out=32)
PARAMETERS = ReconParameters(
    center=16.0, filter_type=FilterType.RAMP, planes=Planes.middle(GEOMETRY)
)
PHASE = PhaseRetrieval(energy_kev=30.0, distance_mm=100.0, pixel_um=1.0, alpha=1e-3)
STEPS = {
    "phase": Steps(phase=PHASE),
    "zingers": Steps(zinger_radius=2),
    "rings": Steps(ring_removal=RingRemoval.HIGH_PASS),
}
NAMES = {
    "phase": "phase retrieval", "zingers": "zinger removal", "rings": "ring removal"
}  # fmt: skip
SAID = "is off: not enough memory: {}: wanted 3 GiB, 1 GiB available"
OBLIQUE = ObliquePlane(x=16.0, y=16.0, z=10.0, normal=(1.0, 1.0, 1.0))


def made(parameters: ReconParameters = PARAMETERS) -> tuple[TightBackend, Engine]:
    backend = TightBackend()
    engine = Engine(backend=backend)
    engine.configure(GEOMETRY, parameters)
    return backend, engine


def add(engine: Engine, *slots: int) -> None:
    random = np.random.default_rng(0)
    frames = [random.uniform(0.4, 1.0, GEOMETRY.frame_shape) for _ in range(6)]
    engine.add([frames[s] for s in slots], np.array(slots) * 30.0, np.array(slots))


def shown(parameters: ReconParameters) -> np.ndarray:
    """Give what an engine with room for everything shows."""
    _, engine = made(parameters)
    add(engine, *range(6))
    while engine.refilter(9):
        pass
    return engine.packed()


@pytest.mark.parametrize("step", STEPS)
def test_a_step_without_memory_stays_off_and_is_told(step: str) -> None:
    backend, engine = made()
    backend.lacks = {step}
    add(engine, 0, 1, 2)
    engine.set_parameters(replace(PARAMETERS, steps=STEPS[step]))
    add(engine, 3, 4, 5)
    while engine.refilter(9):
        pass
    assert engine.problem == f"{NAMES[step]} {SAID.format(step)}"
    assert engine.parameters.steps == Steps()
    assert engine.snapshot().parameters.steps == Steps()
    np.testing.assert_allclose(engine.packed(), shown(PARAMETERS), atol=1e-6)


def test_a_new_ring_without_memory_for_a_step_begins_without_it() -> None:
    backend = TightBackend()
    engine = Engine(backend=backend)
    backend.lacks = {"phase"}
    engine.configure(GEOMETRY, replace(PARAMETERS, steps=STEPS["phase"]))
    add(engine, *range(6))
    assert "phase retrieval is off" in engine.problem
    np.testing.assert_allclose(engine.packed(), shown(PARAMETERS), atol=1e-6)


@pytest.mark.parametrize("step", STEPS)
def test_it_is_not_tried_again_with_each_frame(step: str) -> None:
    backend, engine = made()
    backend.lacks = {step}
    engine.set_parameters(replace(PARAMETERS, steps=STEPS[step]))
    asked = len(backend.refusals)
    for _ in range(5):
        add(engine, 0, 1)
        engine.refilter(9)
    moved = replace(PARAMETERS, planes=replace(PARAMETERS.planes, x=3))
    engine.set_parameters(replace(moved, steps=STEPS[step]))
    assert len(backend.refusals) == asked


@pytest.mark.parametrize(
    "turned", [{"filter_type": FilterType.HANN}, {"transmission_floor": 1e-3}]
)
def test_it_is_tried_again_when_a_parameter_changes(turned) -> None:
    backend, engine = made()
    backend.lacks = {"phase"}
    wanted = replace(PARAMETERS, steps=STEPS["phase"])
    engine.set_parameters(wanted)
    backend.lacks.clear()
    floor = turned.pop("transmission_floor", 1e-6)
    wanted = replace(wanted, **turned)
    wanted = replace(wanted, steps=replace(wanted.steps, transmission_floor=floor))
    engine.set_parameters(wanted)
    add(engine, *range(6))
    assert not engine.problem
    assert engine.parameters.steps.phase == PHASE
    np.testing.assert_allclose(engine.packed(), shown(wanted), atol=1e-6)


def test_an_emptied_ring_tries_again() -> None:
    backend, engine = made()
    backend.lacks = {"zingers"}
    engine.set_parameters(replace(PARAMETERS, steps=STEPS["zingers"]))
    backend.lacks.clear()
    engine.reset()
    assert not engine.problem
    assert engine.parameters.steps.zinger_radius == 2


def test_what_was_on_before_stays_on() -> None:
    backend, engine = made(replace(PARAMETERS, steps=STEPS["zingers"]))
    backend.lacks = {"phase"}
    engine.set_parameters(
        replace(PARAMETERS, steps=replace(STEPS["zingers"], phase=PHASE))
    )
    assert engine.parameters.steps == STEPS["zingers"]
    add(engine, *range(6))
    np.testing.assert_allclose(
        engine.packed(), shown(replace(PARAMETERS, steps=STEPS["zingers"])), atol=1e-6
    )


def test_of_several_new_steps_only_the_hungry_one_stays_off() -> None:
    backend, engine = made()
    backend.lacks = {"zingers"}
    engine.set_parameters(
        replace(PARAMETERS, steps=replace(STEPS["zingers"], phase=PHASE))
    )
    assert engine.parameters.steps == STEPS["phase"]
    assert engine.problem == f"zinger removal {SAID.format('zingers')}"


def test_memory_that_lacks_at_the_first_frame_switches_the_step_off() -> None:
    backend, engine = made(replace(PARAMETERS, steps=STEPS["zingers"]))
    add(engine, 0, 1, 2)
    backend.lacks = {"frames"}
    engine.set_fields(None, np.ones(GEOMETRY.frame_shape, np.float32))
    add(engine, 3, 4, 5)
    while engine.refilter(9):
        pass
    assert backend.refusals == ["frames"]
    assert engine.problem == f"zinger removal {SAID.format('frames')}"
    np.testing.assert_allclose(engine.packed(), shown(PARAMETERS), atol=1e-6)


def test_too_little_memory_for_frames_as_they_are_is_an_error() -> None:
    backend, engine = made()
    backend.lacks, backend._has_images = {"frames"}, True
    with pytest.raises(NotEnoughMemoryError):
        add(engine, 0)


def test_a_correction_without_memory_leaves_the_rings() -> None:
    backend, engine = made(replace(PARAMETERS, steps=STEPS["rings"]))
    backend.lacks = {"correction"}
    add(engine, *range(6))
    assert engine.problem == f"ring removal {SAID.format('correction')}"
    np.testing.assert_allclose(engine.packed(), shown(PARAMETERS), atol=1e-6)
    backend.lacks.clear()
    add(engine, *range(6))
    assert not engine.problem


HANN = replace(PARAMETERS, filter_type=FilterType.HANN)


def test_a_filter_without_memory_leaves_the_one_before_in_use() -> None:
    backend, engine = made()
    backend.lacks = {"filter"}
    add(engine, 0, 1, 2)
    engine.set_parameters(HANN)
    assert engine.slots_waiting == 0
    add(engine, 3, 4, 5)
    lack = engine.filter_lack
    assert lack is not None
    assert lack.in_use is FilterType.RAMP
    assert lack.why == (
        "Hann is not used: not enough memory: filter: wanted 3 GiB, 1 GiB available"
    )
    assert engine.parameters == engine.snapshot().parameters == PARAMETERS
    np.testing.assert_allclose(engine.packed(), shown(PARAMETERS), atol=1e-6)
    # Not with each frame, nor for the filter that is in use anyway.
    engine.set_parameters(replace(HANN, planes=replace(HANN.planes, x=3)))
    engine.set_parameters(PARAMETERS)
    assert engine.filter_lack is None
    assert engine.slots_waiting == 0
    assert backend.refusals == ["filter"]


@pytest.mark.parametrize("change", ["steps", "reset", "filter"])
def test_a_filter_is_tried_again(change: str) -> None:
    backend, engine = made()
    add(engine, *range(6))
    backend.lacks = {"filter"}
    engine.set_parameters(HANN)
    backend.lacks.clear()
    wanted = HANN
    match change:
        case "steps":
            wanted = replace(HANN, steps=Steps(transmission_floor=1e-3))
            engine.set_parameters(wanted)
        case "reset":
            engine.reset()
            add(engine, *range(6))
        case "filter":
            wanted = replace(PARAMETERS, filter_type=FilterType.COSINE)
            engine.set_parameters(wanted)
    while engine.refilter(9):
        pass
    assert engine.filter_lack is None
    assert engine.parameters == wanted
    np.testing.assert_allclose(engine.packed(), shown(wanted), atol=1e-6)


def test_a_first_filter_without_memory_is_an_error() -> None:
    backend = TightBackend()
    backend.lacks = {"filter"}
    with pytest.raises(NotEnoughMemoryError):
        Engine(backend=backend).configure(GEOMETRY, PARAMETERS)


@pytest.mark.parametrize("lacks", ["oblique", "tilt"])
def test_a_plane_without_memory_is_not_shown_and_the_other_is(lacks: str) -> None:
    backend, engine = made()
    backend.lacks = {lacks}
    add(engine, *range(6))
    tilted = replace(PARAMETERS.planes, rot_z=10.0, x=9)
    engine.set_parameters(replace(PARAMETERS, planes=tilted, oblique=OBLIQUE))
    name = {"oblique": "the oblique plane", "tilt": "the tilt by RotZ"}[lacks]
    assert engine.problem == f"{name} {SAID.format(lacks)}"
    assert (engine.parameters.oblique is None) == (lacks == "oblique")
    assert (engine.parameters.planes.rot_z == 0) == (lacks == "tilt")
    assert engine.oblique().any() == (lacks == "tilt")
    rot_z = 0.0 if lacks == "tilt" else 10.0
    planes = replace(tilted, rot_z=rot_z)
    np.testing.assert_allclose(
        engine.packed(), shown(replace(PARAMETERS, planes=planes)), atol=1e-6
    )
    backend.lacks.clear()
    engine.set_parameters(replace(PARAMETERS, planes=tilted, oblique=OBLIQUE))
    assert not engine.problem
    assert engine.oblique().any()


def raw_ring(free: list[int | None]) -> RawRing:
    return RawRing(5, lambda: free[0])


def store(ring: RawRing, *slots: int, n_bytes: int = 17 << 20) -> None:
    frame = np.empty(n_bytes, np.uint8)
    frame.flags.writeable = False
    for slot in slots:
        ring.store(slot, frame, angle_deg=0.0, generation=0)


def test_the_raw_ring_grows_no_further_when_memory_runs_short() -> None:
    free: list[int | None] = [1 << 30]
    ring = raw_ring(free)
    store(ring, 0, 1)
    free[0] = 100 << 20
    store(ring, 2, 3)
    assert len(ring) == 2
    assert "keeps 2 of 5 frames" in ring.problem
    assert "wanted 0.0498 GiB more, 0.0977 GiB available" in ring.problem
    ring.mark_all()
    # It forgot the oldest, as a shorter one does.
    assert sorted(slot for slot, _ in ring.take(9)) == [2, 3]
    assert ring.outdated == 2


def test_the_raw_ring_grows_on_after_a_change_if_it_can() -> None:
    free: list[int | None] = [0]
    ring = raw_ring(free)
    store(ring, 0)
    assert len(ring) == 0
    free[0] = None
    store(ring, 1)
    assert len(ring) == 0
    ring.mark_all()
    store(ring, 0, 1, 2)
    assert len(ring) == 3
    assert not ring.problem


def test_a_copy_that_fails_costs_only_the_copy() -> None:
    class Huge(np.ndarray):
        def copy(self, order="C"):
            raise MemoryError("no")

    ring = raw_ring([None])
    ring.store(0, np.zeros(3).view(Huge), angle_deg=0.0, generation=0)
    assert len(ring) == 0
    assert "the system refused" in ring.problem


def test_a_process_whose_memory_is_used_up_goes_on_without_the_step() -> None:
    # The kernels' own refusal, by a limit on the address space.
    script = """
import resource, numpy as np
from dataclasses import replace
from tomostream.core.geometry import Geometry, Planes
from tomostream.core.parameters import ReconParameters
from tomostream.core.steps import Steps
from tomostream.recon import Engine
g = Geometry(n_z=256, n_x=256, n_slots=4, n_out=256)
p = ReconParameters(center=128.0, planes=Planes.middle(g))
e = Engine(threads=1)
e.configure(g, p)
frames, angles, slots = [np.ones((256, 256), "u2")], np.zeros(1), np.zeros(1, int)
e.add(frames, angles, slots)
pages = int(open("/proc/self/statm").read().split()[0])
soft = pages * resource.getpagesize() + (8 << 20)
resource.setrlimit(resource.RLIMIT_AS, (soft, resource.RLIM_INFINITY))
e.set_parameters(replace(p, steps=Steps(zinger_radius=2)))
e.add(frames, angles, slots)
print(e.problem)
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
e.reset()
print(e.problem or "on")
"""
    run = subprocess.run(
        [sys.executable, "-P", "-c", script],
        check=True, timeout=60, capture_output=True, text=True,
    )  # fmt: skip
    assert run.stdout.splitlines() == [
        "zinger removal is off: not enough memory: transmission images: "
        "wanted 0.0156 GiB, the system refused",
        "on",
    ]
