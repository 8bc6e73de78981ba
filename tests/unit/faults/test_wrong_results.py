"""Faults 1 to 15 of the server that this one replaces: none may come back.

Fault 11, 12 and 14 are judged by an independent float64 reconstruction.
"""

import numpy as np
import pytest

from tomostream.core.controls import control
from tomostream.core.frame import FrameKind
from tomostream.core.geometry import Geometry, Planes
from tomostream.core.health import RejectReason
from tomostream.core.parameters import FilterType, Parameters, ReconParameters
from tomostream.core.slices import draw_crosshair, unpack
from tomostream.recon.filters import kernel
from tomostream.testing.arrivals import (
    field_arrival,
    first_id_arrival,
    frame_type_arrival,
    table_arrival,
)
from tomostream.testing.reference_fbp import (
    filtered,
    line_integrals,
    reference_slices,
    relative_error,
)


def sweeps(sweep_deg, count):
    """Tile a sweep and its mirror image, as tomoScan sends them."""
    forth = np.asarray(sweep_deg, np.float32)
    both = np.concatenate([forth, forth[::-1]])
    return np.tile(both, (count + 1) // 2)[: count * len(forth)]


def reference(frames, angles_deg, engine, center):
    geometry, p = engine.geometry, engine.parameters
    n_z, n_x = geometry.frame_shape
    zero, one = np.zeros((n_z, n_x)), np.ones((n_z, n_x))
    rows = [filtered(line_integrals(f, zero, one), p) for f in frames]
    p = ReconParameters(center=center, filter_type=p.filter_type, planes=p.planes)
    return reference_slices(rows, angles_deg, geometry, p)


@pytest.mark.parametrize(("choice", "radius"), [(0, 0), (1, 2), (2, 3), (3, 4)])
def test_fault_01_dezinger_applies_the_radius_and_not_the_choices_index(choice, radius):
    parameters = Parameters().with_value(control("Dezinger"), choice)
    assert parameters.recon().steps.zinger_radius == radius


def test_fault_02_an_exact_half_turn_back_and_forth_has_a_ring_and_output(bench):
    bench.start()
    bench.send(first_id_arrival(1), table_arrival(sweeps(np.linspace(0, 180, 181), 4)))
    bench.send_frames(range(1, 182))
    assert bench.engine.geometry.n_slots == 180
    assert len(bench.engine.slots) == 180
    assert bench.last.packed[0, 0] > 0


def test_fault_03_slots_stay_aligned_over_many_sweeps(bench):
    # 721 angles in each sweep, 720 slots.
    bench.start()
    bench.send(first_id_arrival(1), table_arrival(sweeps(np.linspace(0, 180, 721), 8)))
    bench.send_frames(range(1, 8 * 721 + 1))
    for slot, content in bench.engine.slots.items():
        assert content.angle_deg % 180 == pytest.approx(slot * 0.25, abs=1e-4)


def test_fault_04_a_slot_twice_in_a_batch_counts_once(make_engine, frames):
    twice, once = make_engine(), make_engine()
    f, angles = frames(3), np.array([20.0, 40.0, 40.0])
    twice.add(list(f[:1]), angles[:1], np.array([0]))
    twice.add(list(f), angles, np.array([0, 1, 1]))
    once.add([f[0], f[2]], angles[[0, 2]], np.array([0, 1]))
    np.testing.assert_allclose(twice.packed(), once.packed(), atol=1e-6)


def test_fault_05_a_field_that_comes_amid_frames_is_used_and_old_frames_leave_whole(
    make_engine, frames
):
    # What is taken out of the slices is what was once put in, whatever the fields.
    changed, fresh = make_engine(n_slots=2), make_engine(n_slots=2)
    f, ones = frames(4), np.ones((4, 32), np.float32)
    angles = np.array([10.0, 100.0])
    changed.set_fields(0 * ones, ones)
    changed.add(list(f[:2]), angles, np.array([0, 1]))
    for engine in (changed, fresh):
        engine.set_fields(0 * ones, 2 * ones)
        engine.add(list(f[2:]), angles, np.array([0, 1]))
    np.testing.assert_allclose(changed.packed(), fresh.packed(), atol=1e-6)


def test_fault_05_fields_that_come_while_frames_go_in_are_used_from_there_on(bench):
    bench.start()
    bench.scan()
    bench.send(field_arrival(FrameKind.DARK, 1.0), field_arrival(FrameKind.FLAT, 9.0))
    # Frames go in one by one until their cost is known.
    bench.send_frames([1, 2])
    bench.send(
        bench.image(3), field_arrival(FrameKind.DARK, 2.0),
        bench.image(4), field_arrival(FrameKind.FLAT, 8.0), bench.image(5),
    )  # fmt: skip
    bench.step(3)
    # Each new field is a generation; a frame has that of the fields before it.
    generations = [bench.engine.slots[k].generation for k in (2, 3, 4)]
    assert len(set(generations)) == 3
    assert generations == sorted(generations)


def test_fault_06_fields_that_came_before_the_start_are_used(bench):
    bench.send(field_arrival(FrameKind.DARK, 1.0), field_arrival(FrameKind.FLAT, 9.0))
    bench.start()
    bench.scan()
    bench.send_frames([1, 2])
    assert bench.engine.fields == [(True, True, False)]
    assert all(c.generation == 1 for c in bench.engine.slots.values())


def test_fault_07_a_start_makes_one_ring(bench):
    bench.start()
    bench.scan()
    bench.send_frames(range(1, 6))
    bench.step(50, every_s=0.1)
    assert bench.engine.calls.count("configure") == 1
    assert bench.engine.calls.count("reset") == 0


@pytest.mark.parametrize("number", [4, 1001, 65536 + 4])
def test_fault_08_an_id_without_an_angle_is_reported_and_gets_none(bench, number):
    bench.start()
    bench.scan(first_id=10, count=100)
    bench.send_frames([10, 11, 12])
    # The source is to be believed only when it goes on like that.
    bench.send_frames([number, number + 1, number + 2])
    health = bench.health()
    assert sum(health.rejected.values()) + bench.loop.frames_held == 3
    assert sorted(bench.engine.slots) == [0, 1, 2]


def test_fault_09_a_frame_is_of_the_kind_that_was_set_when_it_was_taken(bench):
    bench.start()
    bench.scan()
    bench.send_frames([1, 2])
    taken_s = bench.clock.now_s() + 1.0
    bench.clock.advance(2.0)
    # Handled while FrameType says Projection again, taken while it said DarkField.
    bench.send(
        frame_type_arrival(FrameKind.DARK, taken_s - 0.5),
        frame_type_arrival(FrameKind.PROJECTION, taken_s + 0.5),
        bench.image(3, timestamp_s=taken_s),
    )
    assert bench.rejected(RejectReason.FRAME_TYPE) == 1
    assert sorted(bench.engine.slots) == [0, 1]


def test_fault_10_samples_between_columns_are_interpolated(make_engine, frames):
    engine, f = make_engine(), frames(1)
    engine.add(list(f), np.array([33.0]), np.array([0]))
    center = engine.parameters.center
    exact = reference(f, [33.0], engine, center)
    # Nearest neighbours are those of an axis up to half a pixel away.
    near = reference(f, [33.0], engine, center + 0.25)
    # The fitted ramp is off by 3e-5, float32 adds 1e-6.
    assert relative_error(engine.slices(), exact) < 1e-4
    assert relative_error(engine.slices(), near) > 1e-2


@pytest.mark.parametrize(("n_z", "n_x"), [(33, 45), (1, 37), (31, 33)])
def test_fault_11_all_pixels_of_any_size_are_computed(make_engine, frames, n_z, n_x):
    engine, f = make_engine(n_z=n_z, n_x=n_x), frames(4, n_z, n_x)
    angles = [0.0, 90.0, 180.0, 270.0]
    engine.add(list(f), np.array(angles), np.arange(4))
    exact = reference(f, angles, engine, engine.parameters.center)
    for axis in "zyx":
        shown, wanted = getattr(engine.slices(), axis), getattr(exact, axis)
        np.testing.assert_allclose(shown, wanted, atol=2e-4 * np.abs(wanted).max())
        # The last rows and columns are as alive as any others.
        assert np.abs(shown[-1]).max() > 0
        assert np.abs(shown[:, -2:]).max() > 0


def test_fault_12_shepp_logan_is_the_sinc_and_rows_do_not_wrap_around(
    make_engine, frames
):
    n = 512
    h = kernel(FilterType.SHEPP_LOGAN, n)
    # Shepp & Logan 1974: h[k] = -2 / (pi^2 (4 k^2 - 1)), per pixel squared.
    k = np.arange(n)
    np.testing.assert_allclose(h, -2 / (np.pi**2 * (4 * k**2 - 1)) / 1.0, rtol=2e-2)
    engine = make_engine(n_z=1, n_x=64, n_slots=1)
    pulse = np.ones((1, 64), np.float32)
    pulse[0, 1] = np.exp(-1.0)
    engine.add([pulse], np.array([0.0]), np.array([0]))
    row = engine.slices().y[0]
    # A filter that wraps around puts as much at the far end as near the pulse.
    assert abs(row[-1]) < abs(row[4]) / 20


def test_fault_13_a_long_scan_keeps_its_angles(make_engine, frames):
    far, near = make_engine(), make_engine()
    f, turns = frames(1), 1_000_000
    far.add(list(f), np.array([0.1 + 360.0 * turns]), np.array([0]))
    near.add(list(f), np.array([0.1]), np.array([0]))
    np.testing.assert_allclose(far.packed(), near.packed(), atol=1e-6)


def test_fault_14_a_ring_that_fills_is_as_bright_as_a_full_one(make_engine):
    engine = make_engine(n_z=2, n_x=64, n_slots=64)
    away = np.arange(64) - 31.5
    path = 2 * np.sqrt(np.maximum(20.0**2 - away**2, 0))
    frame = np.tile(np.exp(-0.02 * path), (2, 1)).astype(np.float32)
    frame.flags.writeable = False
    levels = []
    for first in range(0, 64, 16):
        # Every fourth angle, then those between: each part covers the half-turn.
        angles = (np.arange(16) * 4 + first // 16) * 180 / 64
        engine.add([frame] * 16, angles, np.arange(first, first + 16))
        levels.append(engine.slices().z[28:36, 28:36].mean())
    # 16 projections of 64 columns leave streaks of a per cent.
    np.testing.assert_allclose(levels, 0.02, rtol=0.03)


@pytest.mark.parametrize("place", [0, 1, 14, 15])
def test_fault_15_a_crosshair_is_centred_and_stays_in_its_slice(place):
    geometry = Geometry(n_z=16, n_x=16, n_slots=1, n_out=16)
    packed = np.zeros(geometry.packed_shape, np.float32)
    planes = Planes(x=place, y=place, z=place)
    slices = unpack(packed, geometry)
    draw_crosshair(slices, planes, geometry)
    lines = {i for i in (place - 1, place, place + 1) if 0 <= i < 16}
    for image in (slices.z, slices.y, slices.x):
        assert set(np.flatnonzero(np.isnan(image).all(axis=0))) == lines
        assert set(np.flatnonzero(np.isnan(image).all(axis=1))) == lines
