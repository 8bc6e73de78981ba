"""The baseline is what it says: checked against the published arithmetic in NumPy."""

import numpy as np
import pytest

from tomostream.bench.published import PublishedAlgorithm
from tomostream.bench.scene import Batch
from tomostream.core.geometry import Geometry, Planes
from tomostream.core.slices import unpack
from tomostream.recon.cpu.backend import available_isas

pytest.importorskip("scipy", reason="the published algorithm needs scipy.fft")

CENTER = 22.7


def as_published(frames, theta_deg, *, dark, flat, n_slots, planes):
    """Give Z, Y, X in float64: nearest sample in effect, rows not padded."""
    _, n_z, n = frames.shape
    transmission = (frames - dark) / np.maximum(flat - dark, 1e-6)
    lines = -np.log(np.maximum(transmission, 1e-6))
    spectrum = np.fft.rfft(lines, axis=-1) * np.fft.rfftfreq(n)
    filtered = np.fft.irfft(spectrum, n, axis=-1)
    places = np.arange(n) - n // 2

    def samples(rows, s):
        nearest = np.floor(np.abs(s) + 0.5) * np.sign(s)
        inside = (nearest >= 0) & (nearest < n - 1)
        at = np.where(inside, nearest, 0).astype(int)
        value = rows[..., at] + (rows[..., at + 1] - rows[..., at]) * (s - nearest) / n
        return np.where(inside, value, 0.0)

    z, y, x = np.zeros((n, n)), np.zeros((n_z, n)), np.zeros((n_z, n))
    for rows, theta in zip(filtered, np.deg2rad(theta_deg), strict=True):
        cos, sin = np.cos(theta), np.sin(theta)
        z += samples(rows[planes.z], places * cos - places[:, None] * sin + CENTER)
        y += samples(rows, places * cos - (planes.y - n // 2) * sin + CENTER)
        x += samples(rows, (planes.x - n // 2) * cos - places * sin + CENTER)
    scale = np.pi / n_slots
    return z * scale, y * scale, x * scale


class Case:
    """Twelve frames for nine slots: three of them are replaced."""

    geometry = Geometry(n_z=21, n_x=45, n_slots=9, n_out=45)
    planes = Planes(x=30, y=14, z=8)

    def __init__(self, isa="auto"):
        rng = np.random.default_rng(5)
        shape = self.geometry.frame_shape
        self.frames = rng.integers(2000, 30000, (12, *shape)).astype(np.uint16)
        self.dark = rng.uniform(80, 120, shape).astype(np.float32)
        self.flat = rng.uniform(30000, 40000, shape).astype(np.float32)
        # No position falls on half a pixel, where rounding decides.
        self.theta_deg = np.linspace(0.37, 220.37, 12)
        self.program = PublishedAlgorithm(
            self.geometry, self.planes, center=CENTER, threads=2, isa=isa
        )
        self.program.set_fields(self.dark, self.flat)

    def add(self, first, last):
        index = np.arange(first, last)
        self.program.add(
            Batch(
                frames=self.frames[first:last],
                theta_deg=self.theta_deg[first:last],
                slots=index % self.geometry.n_slots,
            )
        )

    def error(self, held, planes):
        wanted = as_published(
            self.frames[held].astype(float),
            self.theta_deg[held],
            dark=self.dark.astype(float),
            flat=self.flat.astype(float),
            n_slots=self.geometry.n_slots,
            planes=planes,
        )
        found = unpack(self.program.slices(), self.geometry)
        pairs = zip((found.z, found.y, found.x), wanted, strict=True)
        return max(np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in pairs)


# Float32 against float64 sums of a few terms; one sample taken from the neighbouring
# pixel would show as 1e-2.
TOLERANCE = 2e-5


@pytest.mark.parametrize("isa", available_isas())
def test_filled_buffer_gives_the_published_slices(isa):
    case = Case(isa)
    case.add(0, 4)
    case.add(4, 9)
    assert case.error(np.arange(9), case.planes) < TOLERANCE


def test_new_frames_take_the_place_of_old_ones():
    case = Case()
    case.add(0, 9)
    case.add(9, 12)
    assert case.error(np.arange(3, 12), case.planes) < TOLERANCE


def test_moved_planes_show_the_whole_buffer():
    case = Case()
    case.add(0, 9)
    case.add(9, 12)
    planes = Planes(x=3, y=40, z=20)
    case.program.move(planes)
    assert case.error(np.arange(3, 12), planes) < TOLERANCE


def test_every_stage_takes_its_time():
    case = Case()
    case.add(0, 9)
    batch = Batch(
        frames=case.frames[9:], theta_deg=case.theta_deg[9:], slots=np.arange(3)
    )
    stages = case.program.stages_ms([batch])
    assert list(stages) == ["copy", "minus_log", "filter", "backproject"]
    assert all(ms > 0 for ms in stages.values())


def test_one_thread_gives_what_two_give():
    one, two = Case(), Case()
    one.program = PublishedAlgorithm(
        one.geometry, one.planes, center=CENTER, threads=1, isa="auto"
    )
    one.program.set_fields(one.dark, one.flat)
    one.add(0, 9)
    two.add(0, 9)
    assert np.array_equal(one.program.slices(), two.program.slices())
