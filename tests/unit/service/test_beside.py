"""Work beside the stream, between fakes: no thread runs here."""

import logging
import math
from dataclasses import replace

import numpy as np
import pytest

from tomostream.core.errors import NotEnoughMemoryError
from tomostream.core.geometry import Geometry, Planes
from tomostream.core.parameters import FilterType, Parameters, ReconParameters
from tomostream.core.views import View
from tomostream.recon.engine import Engine
from tomostream.recon.snapshot import RingSnapshot
from tomostream.runtime.worker import StopSignal, Worker
from tomostream.service.beside import Beside, Task
from tomostream.service.handover import Handover, Scene
from tomostream.service.pictures import newest_projection, sinogram
from tomostream.service.preview import EDGE, Preview
from tomostream.service.views import AxisWatch, Views
from tomostream.testing.fakes import FakeClock, RecordingViews

N_Z, N_X, N, CENTER = 24, 96, 90, 46.25
FLAT, DARK = 20000.0, 100.0
BODIES = ((20.0, 6.0, 14.0), (-14.0, -18.0, 11.0))
"""x, y from the axis, radius: cylinders of 0.02/pixel."""


def counts(angle_deg, n_x=N_X, n_z=N_Z, center=CENTER):
    theta, columns = np.deg2rad(angle_deg), np.arange(n_x)
    lines = np.zeros(n_x)
    for x, y, radius in BODIES:
        away = columns - (x * np.cos(theta) - y * np.sin(theta) + center)
        lines += 0.04 * np.sqrt(np.clip(radius**2 - away**2, 0.0, None))
    row = DARK + (FLAT - DARK) * np.exp(-lines)
    return np.tile(row, (n_z, 1)).astype(np.uint16)


def snapshot_of(angles_deg, **sizes):
    n_x, n_z = sizes.get("n_x", N_X), sizes.get("n_z", N_Z)
    center = sizes.get("center", CENTER)
    geometry = Geometry(n_z=n_z, n_x=n_x, n_slots=len(angles_deg), n_out=n_x)
    return RingSnapshot(
        geometry=geometry,
        parameters=ReconParameters(
            center=center, filter_type=FilterType.RAMP, planes=Planes.middle(geometry)
        ),
        dark=np.full((n_z, n_x), DARK, np.float32),
        flat=np.full((n_z, n_x), FLAT, np.float32),
        frames=tuple(counts(angle, n_x, n_z, center) for angle in angles_deg),
        angles_deg=np.asarray(angles_deg, np.float64),
    )


@pytest.fixture
def snapshot():
    return snapshot_of(720.0 + 2.0 * np.arange(N))


@pytest.fixture
def scene(snapshot):
    return Scene(
        snapshot=snapshot, parameters=Parameters(center=CENTER), session=1,
        completeness=1.0, data_s=123.0,
    )  # fmt: skip


class Bench:
    """A worker's steps, each with a scene at hand."""

    def __init__(self, scene, *tasks, parameters=None):
        self.clock = FakeClock()
        self.cpu_s = 0.0
        self.handover = Handover(self.clock)
        self.handover.take = lambda timeout_s: scene
        self.wishes = parameters or Parameters()
        self.beside = Beside(
            self.handover, tasks, parameters=lambda: self.wishes, clock=self.clock,
            cpu_s=lambda: self.cpu_s,
        )  # fmt: skip

    def run(self, seconds):
        """Step until so much time has gone by; give the steps' rests."""
        end_s, rests = self.clock.monotonic_s() + seconds, []
        while self.clock.monotonic_s() < end_s:
            rests.append(self.beside.step())
            self.clock.advance(rests[-1])
        return rests


def task(work, period_s=1.0, name="a", *, is_wanted=True):
    return Task(
        name=name, period_s=lambda _: period_s, is_wanted=lambda: is_wanted, work=work
    )


def test_no_more_than_a_fifth_of_a_core_is_used(scene):
    def work(_):
        bench.clock.advance(0.1)
        bench.cpu_s += 0.1

    bench = Bench(scene, task(work, 0.01, "a"), task(work, 0.01, "b"))
    bench.run(100.0)
    assert bench.cpu_s == pytest.approx(20.0, rel=0.02)


def test_the_worker_nearly_stops_while_frames_are_left_out(scene):
    def work(_):
        bench.clock.advance(0.1)
        bench.cpu_s += 0.1

    bench = Bench(scene, task(work, 0.01))
    bench.handover.decimation.set(2)
    bench.run(100.0)
    assert bench.cpu_s < 3.0


def test_every_task_gets_its_turn(scene):
    done = []

    def work(name, cost_s):
        def do(_):
            bench.clock.advance(cost_s)
            bench.cpu_s += cost_s
            done.append(name)

        return do

    bench = Bench(
        scene, task(work("slow", 0.5), 5.0, "slow"),
        task(work("quick", 0.001), 0.2, "quick"),
    )  # fmt: skip
    bench.run(60.0)
    assert 9 <= done.count("slow") <= 13
    assert done.count("quick") > 100


@pytest.mark.parametrize(("period_s", "is_wanted"), [(0.0, True), (1.0, False)])
def test_nothing_is_made_that_nobody_wants(scene, period_s, is_wanted):
    done = []
    bench = Bench(scene, task(done.append, period_s, is_wanted=is_wanted))
    bench.run(10.0)
    assert done == []


def test_a_failure_costs_that_view_only_and_is_counted(scene, caplog):
    done = []

    def fail(_):
        raise ValueError("no such row")

    bench = Bench(scene, task(fail, name="view A"), task(done.append, name="view B"))
    with caplog.at_level(logging.WARNING):
        bench.run(10.0)
    failed = bench.handover.failed.get()
    assert 8 <= failed <= 12
    assert 8 <= len(done) <= 12
    assert "view A not made: ValueError: no such row" in caplog.text


def test_a_scene_is_given_only_when_asked_for_and_not_too_often(scene):
    clock = FakeClock()
    handover, made = Handover(clock), []

    def give():
        handover.give(lambda: made.append(1) or scene)

    give()
    assert made == []
    for _ in range(100):
        handover._asked.set(True)
        give()
        clock.advance(0.01)
    assert len(made) == 5


def test_a_worker_gets_a_scene_from_a_loop_and_ends_when_told(scene):
    handover = Handover(FakeClock())
    got, told = [], StopSignal()

    def work(given):
        got.append(given)
        told.set()

    beside = Beside(
        handover, [task(work)], parameters=Parameters, clock=FakeClock()
    )  # fmt: skip
    worker = Worker("views", beside.run)
    worker.start()
    for _ in range(1000):
        handover.give(lambda: scene)
        if told.wait(0.01):
            break
    worker.stop()
    assert worker.join(5.0)
    assert got == [scene]
    assert worker.error is None


def test_the_loop_hands_over_what_its_ring_holds(streaming):
    handover = streaming.loop.handover
    handover._asked.set(True)
    streaming.step()
    given = handover._scene.get()
    assert len(given.snapshot.frames) == 10
    assert given.session == streaming.last.session
    assert given.parameters.center == 3.5


def test_the_projection_is_the_newest_frame_between_dark_and_flat(snapshot):
    expected = (counts(898.0) - DARK) / (FLAT - DARK)
    shown = newest_projection(snapshot)
    # Both are the same division, in float32 and float64.
    np.testing.assert_allclose(shown, expected, rtol=1e-6)


@pytest.mark.parametrize("dead", [0.0, math.nan, math.inf])
def test_dead_pixels_of_a_projection_read_as_light(snapshot, dead):
    flat = snapshot.flat.copy()
    flat[3, 5] = dead
    assert newest_projection(replace(snapshot, flat=flat))[3, 5] == 1.0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_pixel_without_a_number_reads_as_light_in_every_picture(snapshot, value):
    frame = snapshot.frames[-1].astype(np.float32)
    frame[7, 5] = value
    spoiled = replace(snapshot, frames=(*snapshot.frames[:-1], frame))
    assert newest_projection(spoiled)[7, 5] == 1.0
    lines, _ = sinogram(spoiled, 7)
    assert lines[-1, 5] == 0.0
    assert spoiled.lines(N - 1)[7, 5] == 0.0


def test_the_sinogram_is_ordered_by_angle(snapshot):
    mixed = np.random.default_rng(1).permutation(N)
    shuffled = replace(
        snapshot, frames=tuple(snapshot.frames[k] for k in mixed),
        angles_deg=snapshot.angles_deg[mixed],
    )  # fmt: skip
    lines, angles = sinogram(shuffled, 7)
    assert (np.diff(angles) > 0).all()
    expected = -np.log((counts(angles[30])[7] - DARK) / (FLAT - DARK))
    np.testing.assert_allclose(lines[30], expected, atol=1e-6)
    assert lines.shape == (N, N_X)


def disc_values(voxels, n_out, binning):
    """Give mean values inside the bodies, and beside them."""
    found = []
    for x, y, radius in (*BODIES, (0.0, 35.0, 8.0)):
        rows, columns = np.mgrid[:n_out, :n_out]
        away = np.hypot(
            (columns - n_out // 2) * binning - x, (rows - n_out // 2) * binning - y
        )
        found.append(voxels[len(voxels) // 2][away < 0.6 * radius].mean())
    return found


@pytest.mark.parametrize(("n_x", "n_z", "binning"), [(96, 24, 1), (250, 40, 2)])
def test_the_preview_shows_the_sample_in_its_values(n_x, n_z, binning):
    angles = 1.5 * np.arange(120)
    center = n_x / 2 + 1.25
    shown = Preview(
        lambda: Engine(backend="cpu", threads=1, raw_slots=0)
    ).volume(snapshot_of(angles, n_x=n_x, n_z=n_z, center=center))  # fmt: skip
    n_out = n_x // binning
    assert shown.binning == binning
    assert shown.voxels.shape == (n_z // binning, n_out, n_out)
    assert max(shown.voxels.shape) <= EDGE
    # Bins of 2 pixels take a mean of exp(-lines): a few percent near the edges.
    assert disc_values(shown.voxels, n_out, binning) == pytest.approx(
        [0.02, 0.02, 0.0], abs=0.001
    )


def test_the_preview_takes_no_more_projections_than_it_needs():
    angles = 0.25 * np.arange(720)
    preview = Preview(lambda: Engine(backend="cpu", threads=1, raw_slots=0))
    shown = preview.volume(snapshot_of(angles, n_z=2))
    assert shown.projections == 128


@pytest.fixture
def views():
    return RecordingViews()


def test_each_view_is_counted_and_says_what_it_shows(scene, views):
    made = Views(
        views, FakeClock(), make_engine=lambda: Engine(backend="cpu", threads=1)
    )
    views.wanted = set(View)
    for work in made.tasks() * 2:
        work.work(scene)
    by_view = {image.view: image for image in views.images}
    assert set(by_view) == set(View) - {View.OBLIQUE}
    assert {image.unique_id for image in by_view.values()} == {2}
    assert all(not image.pixels.flags.writeable for image in views.images)
    assert all(image.attributes["Center"] == CENTER for image in views.images)
    assert by_view[View.VOLUME].pixels.shape == (N_Z, N_X, N_X)
    assert by_view[View.SINOGRAM].attributes["OrthoZ"] == N_Z // 2
    strip = by_view[View.CENTERS].attributes
    assert strip["Center4"] == CENTER
    assert strip["Center5"] == CENTER + 0.5


def test_no_overlay_is_made_before_opposite_views_have_come(scene, views):
    early = snapshot_of(2.0 * np.arange(40))
    made = Views(views, FakeClock(), make_engine=lambda: Engine(backend="cpu"))
    overlay = next(t for t in made.tasks() if "Overlay" in t.name)
    overlay.work(replace(scene, snapshot=early))
    assert views.images == []


def test_a_preview_rate_of_zero_switches_it_off(scene, views):
    made = Views(views, FakeClock(), make_engine=lambda: Engine(backend="cpu"))
    volume = next(t for t in made.tasks() if "Volume" in t.name)
    assert volume.period_s(Parameters(preview_rate_hz=0.0)) == 0.0
    assert volume.period_s(Parameters(preview_rate_hz=0.5)) == 2.0


def test_the_axis_is_found_and_told_the_loop(scene):
    handover = Handover(FakeClock())
    AxisWatch(handover).task().work(scene)
    found = handover.axis.get()
    assert found is not None
    assert found.session == 1
    # Two thin cylinders without noise; the acceptance is 0.25 pixel.
    assert found.estimate.center == pytest.approx(CENTER, abs=0.25)
    assert found.estimate.confidence > 0.6


def test_the_axis_is_not_looked_for_in_a_ring_that_is_hardly_filled(scene):
    handover = Handover(FakeClock())
    AxisWatch(handover).task().work(replace(scene, completeness=0.2))
    assert handover.axis.get() is None


def test_a_view_that_lacks_memory_waits_for_another_parameter(scene):
    tried = []

    def work(_):
        tried.append(bench.clock.monotonic_s())
        raise NotEnoughMemoryError("not enough memory: ring: wanted 3 GiB, 1 available")

    others = []
    bench = Bench(scene, task(work, name="view volume"), task(others.append, name="b"))
    bench.run(20.0)
    assert len(tried) == 1
    assert len(others) > 10
    lacking = bench.handover.lacking.get()
    assert lacking.startswith("view volume is off: not enough memory: ring: wanted 3")
    bench.wishes = Parameters(ortho_x=3)
    bench.run(1.0)
    assert len(tried) == 2
    bench.wishes = Parameters(preview_rate_hz=0.1)
    bench.beside._try_again(bench.wishes)
    assert bench.handover.lacking.get() == ""
