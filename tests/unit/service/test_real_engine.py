"""The loop with the real engine: what it shows is what a fresh reconstruction gives."""

from dataclasses import replace

import numpy as np
import pytest

from tomostream.core.frame import FrameKind
from tomostream.core.geometry import Geometry, Planes
from tomostream.core.health import RejectReason
from tomostream.core.orientation import Orientation
from tomostream.core.parameters import FilterType, ReconParameters
from tomostream.core.steps import FlatScale
from tomostream.recon.engine import Engine
from tomostream.runtime.clock import SystemClock
from tomostream.runtime.queues import ArrivalQueue
from tomostream.runtime.worker import Worker
from tomostream.service import AngleSource, ServiceSettings, StreamLoop
from tomostream.testing.arrivals import (
    field_arrival,
    first_id_arrival,
    image_arrival,
    table_arrival,
)
from tomostream.testing.fakes import FakeClock, FakeControls, RecordingPublisher

N_Z, N_X, CENTER = 6, 32, 14.25
FLAT = 1000.0


def disc(angle_deg):
    """Give counts behind a disc that lies off the axis: (n_z, n_x)."""
    theta = np.deg2rad(angle_deg)
    axis = 5.0 * np.cos(theta) - 3.0 * np.sin(theta) + CENTER
    away = np.arange(N_X) - axis
    path = 2.0 * np.sqrt(np.clip(36.0 - away**2, 0.0, None))
    row = FLAT * np.exp(-0.02 * path)
    return np.tile(row, (N_Z, 1)).astype(np.uint16)


class Rig:
    def __init__(self, *, raw_slots=None, **settings):
        self.clock = FakeClock()
        self.queue = ArrivalQueue(capacity_frames=10_000, capacity_bytes=1 << 30)
        self.controls = FakeControls()
        self.controls.turn(center=CENTER)
        self.publisher = RecordingPublisher()
        self.engine = Engine(
            backend="cpu", ring_dtype="float", threads=1, raw_slots=raw_slots
        )
        self.loop = StreamLoop(
            self.queue, self.engine, publisher=self.publisher, controls=self.controls,
            clock=self.clock, settings=ServiceSettings(auto_start=True, **settings),
        )  # fmt: skip
        self.frames = {}

    def send(self, *arrivals):
        for arrival in arrivals:
            self.queue.put(arrival)
        while self.loop.step().taken:
            pass
        self.clock.advance(1.0)
        self.loop.step()

    def send_fields(self):
        n_pixels = N_Z * N_X
        self.send(
            field_arrival(FrameKind.DARK, 0.0, n_pixels),
            field_arrival(FrameKind.FLAT, FLAT, n_pixels),
        )

    def send_frames(self, angles_deg, first_id=1):
        self.send(
            *(
                image_arrival(number, disc(angle), now_s=self.clock.now_s())
                for number, angle in enumerate(angles_deg, start=first_id)
            )
        )

    @property
    def status(self):
        return str(self.controls.readings["ReconStatus"])

    @property
    def shown(self):
        return self.publisher.publications[-1].packed


def fresh(angles_deg, *, filter_type=FilterType.PARZEN):
    """Reconstruct these frames with an engine of its own."""
    engine = Engine(backend="cpu", ring_dtype="float", threads=1)
    n_slots = len(angles_deg)
    geometry = Geometry(n_z=N_Z, n_x=N_X, n_slots=n_slots, n_out=N_X)
    parameters = ReconParameters(
        center=CENTER, filter_type=filter_type, planes=Planes.middle(geometry)
    )
    engine.configure(geometry, parameters)
    dark = np.zeros((N_Z, N_X), np.float32)
    engine.set_fields(dark, dark + np.float32(FLAT))
    frames = [disc(angle) for angle in angles_deg]
    engine.add(frames, np.asarray(angles_deg, float), np.arange(n_slots))
    return engine.packed()


def assert_same(shown, expected):
    scale = np.abs(expected).max()
    assert scale > 1e-3
    # Running sums in float32 over a few revolutions: 1e-5 of the largest value.
    np.testing.assert_allclose(shown, expected, atol=1e-5 * scale, rtol=0)


@pytest.fixture
def rig():
    made = Rig()
    made.send_fields()
    return made


@pytest.mark.parametrize("n_sweep", [19, 36, 37])
@pytest.mark.parametrize("sweeps", [1, 2, 5])
def test_sweeps_back_and_forth_equal_a_fresh_reconstruction(rig, n_sweep, sweeps):
    forth = np.linspace(0.0, 180.0, n_sweep)
    table = np.tile(np.concatenate([forth, forth[::-1]]), 4)
    rig.send(first_id_arrival(1), table_arrival(table))
    rig.send_frames(table[: sweeps * n_sweep])
    # 0 and 180 degrees share a slot, and the newest of them counts.
    last_end = 180.0 if sweeps % 2 else 0.0
    inner = list(forth[1:-1])
    assert_same(rig.shown, fresh([last_end, *inner]))


def test_a_continuous_scan_equals_a_fresh_reconstruction_of_its_last_half_turn(rig):
    angles = 5.0 * np.arange(200)
    rig.send(first_id_arrival(1), table_arrival(angles))
    rig.send_frames(angles[:190])
    assert_same(rig.shown, fresh(angles[154:190]))


def test_first_fields_correct_the_frames_that_came_before_them():
    rig = Rig()
    angles = 5.0 * np.arange(36)
    rig.send(first_id_arrival(1), table_arrival(angles))
    rig.send_frames(angles)
    rig.send_fields()
    rig.send()
    assert_same(rig.shown, fresh(angles))


def as_the_camera_sees(image, orientation):
    """Turn an upright image back to how it lies on the camera."""
    if orientation.flip_x:
        image = image[:, ::-1]
    if orientation.flip_z:
        image = image[::-1]
    return image.T if orientation.axis == "rows" else image


def shown_by_a_camera(orientation):
    """Give the slices of a beam that differs from pixel to pixel."""
    rig = Rig(orientation=orientation)
    z, x = np.mgrid[:N_Z, :N_X]
    dark = (10.0 + 3.0 * z + x).astype(np.float32)
    beam = ((0.5 + 0.05 * z) * (1.0 + 0.01 * x)).astype(np.float32)
    flat = dark + FLAT * beam
    for arrival, field in (
        (field_arrival(FrameKind.DARK), dark), (field_arrival(FrameKind.FLAT), flat),
    ):  # fmt: skip
        values = as_the_camera_sees(field, orientation).reshape(-1)
        rig.send(replace(arrival, values=values))
    angles = 5.0 * np.arange(36)
    rig.send(first_id_arrival(0), table_arrival(angles))
    for number, angle in enumerate(angles):
        upright = dark + beam * disc(angle)
        raw = as_the_camera_sees(upright, orientation)
        rig.send(image_arrival(number, orientation.apply(raw), now_s=rig.clock.now_s()))
    return rig.shown


@pytest.mark.parametrize("axis", ["columns", "rows"])
@pytest.mark.parametrize("flip_x", [False, True])
@pytest.mark.parametrize("flip_z", [False, True])
def test_fields_of_a_turned_camera_correct_as_those_of_an_upright_one(
    axis, flip_x, flip_z
):
    turned = Orientation(axis=axis, flip_x=flip_x, flip_z=flip_z)
    np.testing.assert_array_equal(
        shown_by_a_camera(turned), shown_by_a_camera(Orientation())
    )


def test_another_filter_equals_a_fresh_reconstruction_with_it(rig):
    angles = 5.0 * np.arange(36)
    rig.send(first_id_arrival(1), table_arrival(angles))
    rig.send_frames(angles)
    rig.controls.turn(filter_type=FilterType.HANN)
    rig.send()
    assert_same(rig.shown, fresh(angles, filter_type=FilterType.HANN))


def test_a_raw_ring_that_is_too_short_is_told_until_a_revolution_has_passed():
    rig = Rig(raw_slots=10)
    rig.send_fields()
    angles = 5.0 * np.arange(100)
    rig.send(first_id_arrival(1), table_arrival(angles))
    rig.send_frames(angles[:36])
    assert "stay as they were" not in rig.status
    rig.controls.turn(filter_type=FilterType.HANN)
    rig.send()
    assert "26 slots stay as they were until new frames come" in rig.status
    rig.send_frames(angles[36:46], first_id=37)
    assert "16 slots stay as they were" in rig.status
    rig.send_frames(angles[46:62], first_id=47)
    assert "stay as they were" not in rig.status
    assert_same(rig.shown, fresh(angles[26:62], filter_type=FilterType.HANN))


def test_a_lost_frame_leaves_its_slot_to_the_old_one(rig):
    angles = 5.0 * np.arange(200)
    rig.send(first_id_arrival(1), table_arrival(angles))
    rig.send_frames(angles[:36])
    rig.send_frames(angles[36:50], first_id=37)
    rig.send_frames(angles[51:72], first_id=52)
    kept = [*angles[36:50], angles[50 - 36], *angles[51:72]]
    assert_same(rig.shown, fresh(kept))


def test_the_loop_runs_in_a_thread_and_publishes():
    queue = ArrivalQueue(capacity_frames=1000, capacity_bytes=1 << 30)
    publisher, controls, clock = RecordingPublisher(), FakeControls(), SystemClock()
    settings = ServiceSettings(
        angle_source=AngleSource.FIXED_STEP, angle_step_deg=5.0, auto_start=True
    )
    loop = StreamLoop(
        queue, Engine(backend="cpu", threads=1), publisher=publisher,
        controls=controls, clock=clock, settings=settings,
    )  # fmt: skip
    worker = Worker("recon", loop.run)
    worker.start()
    for number in range(200):
        queue.put(image_arrival(number, disc(5.0 * number), now_s=clock.now_s()))
    until_s = clock.monotonic_s() + 20.0
    while loop.health.get().frames_received < 200 and clock.monotonic_s() < until_s:
        loop.health.wait_newer(loop.health.version, 1.0)
    worker.stop()
    assert worker.join(10.0)
    assert worker.error is None
    assert loop.health.get().frames_received == 200
    assert publisher.publications[-1].slots_filled > 0
    assert controls.readings["SessionState"] == "idle"


def test_a_closed_shutter_costs_its_frames_and_not_the_stream(rig):
    rig.controls.turn(
        flat_scale=FlatScale.REGION, region_width=2, region_height=N_Z
    )  # fmt: skip
    angles = 5.0 * np.arange(36)
    rig.send(first_id_arrival(1), table_arrival(angles))
    rig.send_frames(angles[:10])
    dark = np.zeros((N_Z, N_X), np.uint16)
    rig.send(*(image_arrival(n, dark, now_s=rig.clock.now_s()) for n in (11, 12)))
    rig.send_frames(angles[12:], first_id=13)
    health = rig.loop.health.get()
    assert health is not None
    assert health.rejected[RejectReason.REGION] == 2
    assert rig.loop.frames_entered == 34
