"""What the engine promises whatever the backend."""

import numpy as np
import pytest

from tomostream.core.errors import (
    MalformedFieldError,
    MalformedFrameError,
    ReconstructionError,
)
from tomostream.core.geometry import Geometry, Planes
from tomostream.core.parameters import FilterType, ReconParameters
from tomostream.recon import Engine

GEOMETRY = Geometry(n_z=20, n_x=32, n_slots=6, n_out=32)
PARAMETERS = ReconParameters(
    center=16.0, filter_type=FilterType.RAMP, planes=Planes.middle(GEOMETRY)
)


def made(**settings) -> Engine:
    engine = Engine(threads=1, **settings)
    engine.configure(GEOMETRY, PARAMETERS)
    return engine


def frame(seed: int = 0, dtype: str = "u2") -> np.ndarray:
    random = np.random.default_rng(seed)
    return (100 + 100 * random.random(GEOMETRY.frame_shape)).astype(dtype)


def add(engine: Engine, *slots: int):
    frames = [frame(slot) for slot in slots]
    return engine.add(frames, np.array(slots) * 30.0, np.array(slots))


def test_unconfigured_engine_refuses() -> None:
    engine = Engine(threads=1)
    assert engine.slots_filled == 0
    for call in (engine.slices, engine.reset, lambda: engine.refilter(1)):
        with pytest.raises(ReconstructionError, match="not configured"):
            call()


@pytest.mark.parametrize(
    ("frames", "angles", "slots", "reason"),
    [
        ([np.zeros((20, 31), "u2")], [0.0], [0], "shape"),
        ([np.zeros((1, 20, 32), "u2")], [0.0], [0], "shape"),
        ([np.zeros((20, 32), "c8")], [0.0], [0], "dtype"),
        ([frame()], [0.0], [6], "slot"),
        ([frame()], [0.0], [-1], "slot"),
        ([frame()], [np.nan], [0], "angle"),
        ([frame()], [0.0, 1.0], [0], "malformed"),
        ([frame(), np.zeros((2, 2))], [0.0, 1.0], [0, 1], "shape"),
    ],
)
def test_malformed_batch_changes_nothing(frames, angles, slots, reason: str) -> None:
    engine = made()
    add(engine, 0, 1)
    before = engine.packed()
    with pytest.raises(MalformedFrameError) as caught:
        engine.add(frames, np.array(angles), np.array(slots))
    assert caught.value.reason == reason
    np.testing.assert_array_equal(engine.packed(), before)
    assert engine.slots_filled == 2


@pytest.mark.parametrize(
    "other",
    [
        lambda f: f.astype(">u2"),
        lambda f: np.asfortranarray(f),
        lambda f: np.repeat(f, 2, axis=1)[:, ::2],
        lambda f: f.astype("f2"),
        lambda f: f.astype("i8"),
        lambda f: f.astype("f8"),
    ],
)
def test_layout_and_type_of_a_frame_do_not_matter(other) -> None:
    plain, changed = made(), made()
    counts = frame() // 2 * 2
    counts[counts > 2047] = 2047  # what float16 holds exactly
    plain.add([counts], np.array([10.0]), np.array([0]))
    changed.add([other(counts)], np.array([10.0]), np.array([0]))
    np.testing.assert_array_equal(changed.packed(), plain.packed())


def test_bool_frames_are_numbers() -> None:
    engine = made()
    assert engine.add([frame() > 150], np.array([0.0]), np.array([0])).accepted.all()


def test_mixed_types_in_one_batch() -> None:
    one, two = made(), made()
    a, b = frame(1), frame(2)
    one.add([a, b], np.array([0.0, 40.0]), np.array([0, 1]))
    two.add([a.astype("f4"), b.astype("i4")], np.array([0.0, 40.0]), np.array([0, 1]))
    np.testing.assert_array_equal(one.packed(), two.packed())


def test_planes_outside_are_clipped() -> None:
    engine = made()
    wild = Planes(x=-5, y=1000, z=20)
    engine.set_parameters(
        ReconParameters(center=16.0, filter_type=FilterType.RAMP, planes=wild)
    )
    assert engine.parameters.planes == Planes(x=0, y=31, z=19)


@pytest.mark.parametrize("center", [np.nan, np.inf])
def test_center_that_is_no_number_is_refused(center: float) -> None:
    engine = made()
    with pytest.raises(ReconstructionError, match="center"):
        engine.set_parameters(ReconParameters(center=center, planes=PARAMETERS.planes))
    assert engine.parameters.center == 16.0


def test_fields_of_another_shape_are_refused() -> None:
    engine = made()
    with pytest.raises(MalformedFieldError, match=r"dark: expected \(20, 32\)"):
        engine.set_fields(np.zeros((32, 20), "f4"), None)


def test_fields_outlive_a_session_with_frames_of_the_same_shape() -> None:
    engine, fresh = made(), made()
    fields = (
        np.full(GEOMETRY.frame_shape, 3, "f4"),
        np.full(GEOMETRY.frame_shape, 250, "f4"),
    )
    engine.set_fields(*fields)
    longer = Geometry(n_z=20, n_x=32, n_slots=9, n_out=40)
    for e in (engine, fresh):
        e.configure(longer, PARAMETERS)
    fresh.set_fields(*fields)
    add(engine, 0, 8)
    add(fresh, 0, 8)
    np.testing.assert_array_equal(engine.packed(), fresh.packed())


def test_frames_of_another_shape_drop_the_fields() -> None:
    engine, fresh = made(), Engine(threads=1)
    engine.set_fields(np.full((20, 32), 3, "f4"), np.full((20, 32), 250, "f4"))
    other = Geometry(n_z=8, n_x=16, n_slots=2, n_out=16)
    counts = np.full((8, 16), 0.5, "f4")
    for e in (engine, fresh):
        e.configure(other, PARAMETERS)
        e.add([counts], np.array([0.0]), np.array([0]))
    np.testing.assert_array_equal(engine.packed(), fresh.packed())


def test_without_fields_counts_are_transmissions() -> None:
    engine = made(ring_dtype="float")
    engine.add([np.full((20, 32), np.e, "f4")], np.array([0.0]), np.array([0]))
    # A constant row, continued for ever, has no contrast: every filter gives zero.
    assert np.abs(engine.packed()).max() < 1e-6


def test_generations_count_up() -> None:
    engine = made()
    assert engine.set_fields(None, None).generation == 1
    assert engine.set_fields(None, np.zeros((20, 32), "f4")).dead_pixels == 640


def test_frames_added_meanwhile_do_not_wait() -> None:
    engine = made()
    add(engine, 0, 1, 2, 3)
    engine.set_parameters(ReconParameters(center=16.0, planes=PARAMETERS.planes))
    assert engine.slots_waiting == 4
    add(engine, 1, 2)
    assert engine.slots_waiting == 2
    assert engine.refilter(1) == 1
    assert engine.refilter(5) == 0


def test_short_raw_ring_keeps_the_newest() -> None:
    engine = made(raw_slots=2)
    add(engine, 0, 1, 2, 3)
    assert engine.slots_outdated == 0
    engine.set_parameters(ReconParameters(center=16.0, planes=PARAMETERS.planes))
    assert engine.slots_waiting == 2
    assert engine.slots_outdated == 2
    add(engine, 0, 2)
    assert engine.slots_outdated == 1


def test_no_raw_ring_converges_over_a_revolution() -> None:
    engine, fresh = made(raw_slots=0), made()
    parzen = ReconParameters(center=16.0, planes=PARAMETERS.planes)
    add(engine, *range(6))
    engine.set_parameters(parzen)
    fresh.set_parameters(parzen)
    assert engine.slots_waiting == 0
    assert engine.slots_outdated == 6
    for e in (engine, fresh):
        add(e, *range(6))
    assert engine.slots_outdated == 0
    np.testing.assert_allclose(engine.packed(), fresh.packed(), atol=1e-6)


def test_writable_frames_are_copied_and_read_only_ones_kept() -> None:
    engine = made()
    mine, theirs = frame(1), frame(2)
    theirs.flags.writeable = False
    engine.add([mine, theirs], np.array([0.0, 30.0]), np.array([0, 1]))
    before = engine.packed()
    mine[:] = 7
    engine.set_fields(None, None, refilter=True)
    engine.refilter(2)
    np.testing.assert_allclose(engine.packed(), before, atol=1e-7)
    assert engine.memory.raw == mine.nbytes + theirs.nbytes


def test_rejected_frames_do_not_enter_the_raw_ring() -> None:
    engine = made()
    bad = np.full(GEOMETRY.frame_shape, np.nan, "f4")
    engine.add([bad], np.array([0.0]), np.array([0]))
    assert engine.memory.raw == 0
    assert engine.slots_filled == 0


def test_packed_fills_the_array_given() -> None:
    engine = made()
    add(engine, 0)
    out = np.full(GEOMETRY.packed_shape, np.nan, "f4")
    assert engine.packed(out) is out
    assert np.isfinite(out).all()
    with pytest.raises(ReconstructionError, match="expected out"):
        engine.packed(np.zeros((2, 2), "f4"))


def test_slices_are_the_callers_own() -> None:
    engine = made()
    add(engine, 0)
    first = engine.slices()
    first.z[:] = 5
    second = engine.slices()
    assert not np.array_equal(first.z, second.z)
    add(engine, 1)
    third = engine.slices()
    assert not np.shares_memory(second.z, third.z)


def test_memory_plan_adds_up() -> None:
    half, single = made().memory, made(ring_dtype="float").memory
    assert single.ring > half.ring
    parts = half.ring + half.raw + half.accumulators + half.fields + half.scratch
    assert half.total == parts


def test_ring_that_does_not_fit_is_refused_with_its_size() -> None:
    engine = made()
    huge = Geometry(n_z=60000, n_x=60000, n_slots=100000, n_out=60000)
    with pytest.raises(ReconstructionError, match=r"ring: wanted .* GiB"):
        engine.configure(huge, PARAMETERS)
    with pytest.raises(ReconstructionError, match="not configured"):
        engine.slices()
    engine.configure(GEOMETRY, PARAMETERS)
    add(engine, 0)
    assert engine.slots_filled == 1


def test_stage_times_name_the_stages() -> None:
    engine = made()
    times = engine.stage_times([frame()], np.array([0.0]), np.array([0]))
    assert set(times) == {"load", "filter", "backproject", "z", "check", "prepass"}
    assert all(ms >= 0 for ms in times.values())
    assert engine.slots_filled == 1


def test_caller_keeps_its_subnormals() -> None:
    add(made(), 0)
    assert np.float32(1e-40) * np.float32(1.0) != 0


def test_snapshot_shows_the_frames_and_fields_of_that_moment() -> None:
    engine = made()
    dark, flat = np.full((20, 32), 3.0, "f4"), np.full((20, 32), 300.0, "f4")
    engine.set_fields(dark, flat)
    add(engine, 2, 0, 1)
    add(engine, 0)
    snapshot = engine.snapshot()
    dark[:] = flat[:] = 7
    engine.set_fields(dark, flat)
    add(engine, 0, 1, 2)
    assert snapshot.angles_deg.tolist() == [60.0, 30.0, 0.0]
    np.testing.assert_array_equal(snapshot.frames[-1], frame(0))
    assert snapshot.dark[0, 0] == 3.0
    assert snapshot.flat[0, 0] == 300.0
    assert snapshot.parameters == engine.parameters
    assert snapshot.geometry == GEOMETRY


@pytest.mark.parametrize(("first", "count"), [(-1, 1), (0, 33), (32, 1), (5, -2)])
def test_rows_outside_the_volume_are_refused(first: int, count: int) -> None:
    with pytest.raises(ReconstructionError, match="rows: expected some of 0 to 31"):
        made().rows(first, count)


def test_no_rows_are_no_rows() -> None:
    assert made().rows(3, 0).shape == (0, 20, 32)


def test_change_to_half_acquisition_and_back_leaves_no_weights() -> None:
    engine, fresh = made(), made()
    half = Geometry(
        n_z=20, n_x=32, n_slots=6, n_out=51, scan_range=360, pad_x=19
    )  # fmt: skip
    engine.configure(half, PARAMETERS)
    add(engine, 0, 1, 2)
    engine.configure(GEOMETRY, PARAMETERS)
    for e in (engine, fresh):
        add(e, 0, 1, 2)
    np.testing.assert_array_equal(engine.packed(), fresh.packed())
