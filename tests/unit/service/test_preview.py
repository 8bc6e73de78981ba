"""The small volume shows what the slices show."""

from dataclasses import replace

import numpy as np
import pytest

from tomostream.core.geometry import Geometry, Planes
from tomostream.core.parameters import FilterType, ReconParameters
from tomostream.core.steps import (
    FlatScale,
    PhaseRetrieval,
    Region,
    RingRemoval,
    Steps,
)
from tomostream.recon.engine import Engine
from tomostream.recon.snapshot import RingSnapshot
from tomostream.service.preview import EDGE, Preview

N_X, N_Z, N, BINNING = 256, 40, 120, 2
CENTER = 128.25
FLAT, DARK = 20000.0, 100.0
BODIES = ((55.0, 16.0, 38.0), (-38.0, -48.0, 30.0))
"""x, y from the axis, radius. Without a sharp edge, which voxels would blur."""


def lines_of(angle_deg):
    theta, columns = np.deg2rad(angle_deg), np.arange(N_X)
    lines = np.zeros(N_X)
    for x, y, radius in BODIES:
        away = columns - (x * np.cos(theta) - y * np.sin(theta) + CENTER)
        lines += 0.02 * np.clip(radius**2 - away**2, 0.0, None) ** 1.5 / radius**2
    return np.tile(lines, (N_Z, 1))


def snapshot_of(frames, *, steps=None, flat=None):
    geometry = Geometry(n_z=N_Z, n_x=N_X, n_slots=N, n_out=N_X)
    return RingSnapshot(
        geometry=geometry,
        parameters=ReconParameters(
            center=CENTER, filter_type=FilterType.HANN, planes=Planes.middle(geometry),
            steps=steps or Steps(),
        ),
        dark=np.full((N_Z, N_X), DARK, np.float32),
        flat=np.full((N_Z, N_X), FLAT, np.float32) if flat is None else flat,
        frames=tuple(frames), angles_deg=np.linspace(0.0, 180.0, N, endpoint=False),
    )  # fmt: skip


def clean_frames():
    return [
        (DARK + (FLAT - DARK) * np.exp(-lines_of(180.0 / N * k))).astype(np.float32)
        for k in range(N)
    ]


def preview(**settings):
    return Preview(lambda: Engine(backend="cpu", threads=1), **settings)


def volume_of(snapshot):
    shown = preview().volume(snapshot)
    assert shown.binning == BINNING
    assert max(shown.voxels.shape) == EDGE
    return shown.voxels


def binned_volume(snapshot):
    """Give the slices' own volume, averaged over voxels."""
    engine = Engine(backend="cpu", threads=1, ring_dtype="float")
    engine.configure(snapshot.geometry, snapshot.parameters)
    engine.set_fields(snapshot.dark, snapshot.flat)
    engine.add(snapshot.frames, snapshot.angles_deg, np.arange(N))
    engine.refilter(N)
    rows = engine.rows(0, N_X).reshape(N_X, N_Z // 2, 2, N_X).mean(2)
    # Either grid has the axis on a pixel: a voxel is centred on one of the slices'.
    columns = (np.roll(rows, 1, 2) + 2 * rows + np.roll(rows, -1, 2))[..., ::2] / 4
    both = (np.roll(columns, 1, 0) + 2 * columns + np.roll(columns, -1, 0))[::2] / 4
    return both.transpose(1, 0, 2)


def distance(volume, wanted):
    return np.sqrt(np.mean((volume - wanted) ** 2)) / np.ptp(wanted)


def stripes(frames):
    gain = np.ones((N_Z, N_X), np.float32)
    # Narrow in both directions, as a ring of the detector is.
    gain[10:14, 100:102] = 0.8
    gain[24:28, 150:152] = 1.3
    return [frame * gain for frame in frames]


def zingers(frames):
    random = np.random.default_rng(3)
    for frame in frames:
        hit = random.choice(frame.size, 8, replace=False)
        frame.flat[hit] = 40 * FLAT
    return frames


PHASE = PhaseRetrieval(energy_kev=30, distance_mm=100, pixel_um=1, alpha=2e-3)


HARDENING = Steps(hardening=(0.3, 0.05))


@pytest.mark.parametrize(
    ("steps", "without", "spoiled"),
    [
        (Steps(phase=PHASE), Steps(), lambda frames: frames),
        (Steps(ring_removal=RingRemoval.HIGH_PASS), Steps(), stripes),
        (Steps(zinger_radius=2), Steps(), zingers),
        (HARDENING, Steps(), lambda frames: frames),
        (
            replace(HARDENING, flat_scale=FlatScale.EXPOSURE, exposure_ratio=0.5),
            HARDENING, lambda frames: [0.5 * frame for frame in frames],
        ),
        (
            replace(
                HARDENING, flat_scale=FlatScale.REGION,
                region=Region(x=3, y=2, width=11, height=33),
            ),
            HARDENING, lambda frames: [0.7 * frame for frame in frames],
        ),
    ],
    ids=["phase", "rings", "zingers", "hardening", "exposure", "region"],
)  # fmt: skip
def test_a_step_of_the_slices_is_one_of_the_volume(steps, without, spoiled):
    snapshot = snapshot_of(spoiled(clean_frames()), steps=steps)
    volume, wanted = volume_of(snapshot), binned_volume(snapshot)
    other = volume_of(
        replace(snapshot, parameters=replace(snapshot.parameters, steps=without))
    )
    # Averages of transmissions, and steps at another size: not quite the same.
    assert distance(volume, wanted) < 0.004
    assert distance(other, wanted) > 3 * distance(volume, wanted)


def test_dead_pixels_and_those_without_a_number_leave_the_volume_as_it_is():
    frames, random = clean_frames(), np.random.default_rng(4)
    flat = np.full((N_Z, N_X), FLAT, np.float32)
    wanted = volume_of(snapshot_of(frames))
    # 0.5 % of the pixels, but 2 % of the voxels.
    for frame in frames:
        frame.flat[random.choice(frame.size, 51, replace=False)] = np.nan
    dead = random.choice(flat.size, 51, replace=False)
    flat.flat[dead] = 0.0
    for frame in frames:
        frame.flat[dead] = 3 * FLAT
    volume = volume_of(snapshot_of(frames, flat=flat))
    # The neighbours of a pixel differ from it by a few percent.
    assert distance(volume, wanted) < 0.005


def test_a_frame_that_cannot_be_used_leaves_nothing_of_an_older_one():
    frames = clean_frames()
    maker = preview()
    maker.volume(snapshot_of(frames))
    unusable = np.full_like(frames[0], np.nan)
    half = [unusable if k % 2 else frame for k, frame in enumerate(frames)]
    shown = maker.volume(snapshot_of(half))
    np.testing.assert_array_equal(shown.voxels, volume_of(snapshot_of(half)))


def test_another_size_may_be_asked_for():
    shown = preview(edge=64).volume(snapshot_of(clean_frames()))
    assert (shown.binning, shown.projections) == (N_X // 64, 64)
    assert shown.voxels.shape == (N_Z * 64 // N_X, 64, 64)
