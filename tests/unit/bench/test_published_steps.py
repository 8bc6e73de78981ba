"""The published algorithm's steps, against float64 arithmetic written out."""

from dataclasses import replace

import numpy as np
import pytest

from tomostream.bench.published import PublishedAlgorithm
from tomostream.bench.published_steps import PublishedWithSteps, paganin_response
from tomostream.bench.result import PHASE
from tomostream.bench.scene import Batch
from tomostream.core.geometry import Geometry, Planes
from tomostream.core.steps import Steps

pytest.importorskip("scipy", reason="the published algorithm needs scipy")

GEOMETRY = Geometry(n_z=18, n_x=22, n_slots=6, n_out=22)
PLANES = Planes(x=12, y=9, z=7)
CENTER = 10.7

# A kernel of two pixels: a wider one leaves hardly anything of so small a frame.
WEAK = replace(PHASE, distance_mm=2.0)

# Float32 against float64 through two FFTs and a sum of a few terms.
TOLERANCE = 5e-5


def median_mended(frame, radius, threshold):
    """Replace what differs from the median of the window, edges continued."""
    padded = np.pad(frame, radius, mode="edge")
    width = 2 * radius + 1
    windows = np.lib.stride_tricks.sliding_window_view(padded, (width, width))
    median = np.median(windows, axis=(2, 3))
    return np.where(np.abs(frame - median) > threshold * median, median, frame)


def paganin(frame, strength):
    n_z, n_x = frame.shape
    top, left = n_z // 2, n_x // 2
    padded = np.pad(frame, ((top, n_z - top), (left, n_x - left)), mode="edge")
    k_z, k_x = (2 * np.pi * np.fft.fftfreq(n) for n in padded.shape)
    response = 1 / (1 + strength * (k_z[:, None] ** 2 + k_x**2))
    image = np.fft.ifft2(np.fft.fft2(padded) * response).real
    return image[top : top + n_z, left : left + n_x]


class Case:
    """Eight frames for six slots, with zingers; dark and flat are not flat."""

    def __init__(self):
        rng = np.random.default_rng(7)
        shape = GEOMETRY.frame_shape
        self.dark = rng.uniform(80, 120, shape).astype(np.float32)
        self.flat = rng.uniform(30000, 40000, shape).astype(np.float32)
        wave = (
            np.sin(np.arange(shape[1]) / 2) * np.cos(np.arange(shape[0]) / 3)[:, None]
        )
        shown = 0.5 + 0.3 * wave + rng.uniform(-0.03, 0.03, (8, *shape))
        self.frames = (self.dark + shown * (self.flat - self.dark)).astype(np.uint16)
        self.frames[rng.random(self.frames.shape) < 0.02] = 65000
        self.theta_deg = np.linspace(0.37, 200.37, 8)

    def transmission(self, *, radius=0, phase=None):
        fields = self.dark.astype(float), (self.flat - self.dark).astype(float)
        frames = (self.frames - fields[0]) / fields[1]
        if radius:
            frames = np.stack([median_mended(f, radius, 0.2) for f in frames])
        if phase:
            frames = np.stack([paganin(f, phase.strength_px2) for f in frames])
        return frames.astype(np.float32)

    def batch(self, frames, first, last):
        index = np.arange(first, last)
        return Batch(
            frames=frames[first:last],
            theta_deg=self.theta_deg[first:last],
            slots=index % GEOMETRY.n_slots,
        )

    def stepped(self, steps):
        program = PublishedWithSteps(
            GEOMETRY, PLANES, center=CENTER, threads=2, isa="auto", steps=steps
        )
        program.set_fields(self.dark, self.flat)
        return program

    def slices(self, program, frames):
        # The second batch replaces two frames.
        program.add(self.batch(frames, 0, 6))
        program.add(self.batch(frames, 6, 8))
        return program.slices()

    def wanted(self, **steps):
        shape = GEOMETRY.frame_shape
        program = PublishedAlgorithm(
            GEOMETRY, PLANES, center=CENTER, threads=2, isa="auto"
        )
        program.set_fields(np.zeros(shape, np.float32), np.ones(shape, np.float32))
        return self.slices(program, self.transmission(**steps))


@pytest.mark.parametrize(
    ("radius", "phase"), [(0, None), (2, None), (3, None), (0, WEAK), (3, WEAK)]
)
def test_steps_are_done_before_the_published_arithmetic(radius, phase):
    case = Case()
    steps = Steps(zinger_radius=radius, phase=phase)
    found = case.slices(case.stepped(steps), case.frames)
    wanted = case.wanted(radius=radius, phase=phase)
    assert np.linalg.norm(found - wanted) < TOLERANCE * np.linalg.norm(wanted)


def test_each_step_is_timed_where_it_is_on():
    case = Case()
    program = case.stepped(Steps(zinger_radius=2))
    case.slices(program, case.frames)
    stages = program.stages_ms([case.batch(case.frames, 0, 6)])
    assert stages["zinger"] > 0
    assert "phase" not in stages
    assert stages["backproject"] > 0


def test_phase_retrieval_keeps_the_mean():
    response = paganin_response((8, 10), PHASE)
    assert response[0, 0] == 1.0
    nyquist = 1 / (1 + PHASE.strength_px2 * np.pi**2)
    assert response[4, 0] == pytest.approx(nyquist, rel=1e-6)
