# ruff: noqa: D102  a test is described by its name
"""Zingers and phase, for every backend: class TestMine(FrameStepsSuite)."""

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tomostream.core.health import RejectReason
from tomostream.core.parameters import FilterType
from tomostream.core.slices import Slices
from tomostream.core.steps import FlatScale, PhaseRetrieval, Region
from tomostream.testing.scene import Scene, SceneSuite

FLOAT_RANGE = 5e-5
"""Of a slice's range: the fitted filter and float32, as without the steps."""
PHASE_RANGE = 3e-4
"""The phase filter's kernel, cut at the highest frequency, rings as 1 / x^2 through all
of the padding: transmissions of random frames differ by up to 4e-5 if its length does,
and the ramp filter makes more of that."""
HALF_RANGE = 1e-3
"""A half has 11 bits; few projections of random frames average little of it."""


def phase_of(strength_px2: float) -> PhaseRetrieval:
    """Give a phase retrieval of this strength."""
    one = PhaseRetrieval(energy_kev=30, distance_mm=100, pixel_um=1, alpha=1)
    return PhaseRetrieval(
        energy_kev=30, distance_mm=100, pixel_um=1,
        alpha=one.strength_px2 / strength_px2,
    )  # fmt: skip


class FrameStepsSuite(SceneSuite):
    """What is done to whole frames. Subclasses say how to make an engine."""

    @pytest.mark.parametrize("radius", [2, 3, 4])
    @pytest.mark.parametrize("dtype", ["u1", "u2", "f8"])
    def test_zingers_become_the_median(self, radius: int, dtype: str) -> None:
        scene = self.scene(dtype=dtype)
        scene.set(zinger_radius=radius, zinger_threshold=0.137)
        scene.add(range(9))
        assert scene.range_error() < FLOAT_RANGE

    @pytest.mark.parametrize("strength", [0.5, 20.0])
    @pytest.mark.parametrize("filter_type", [FilterType.RAMP, FilterType.COSINE])
    def test_phase_is_retrieved(self, strength: float, filter_type: FilterType) -> None:
        scene = self.scene(n_z=67, n_x=101, filter_type=filter_type)
        scene.set(phase=phase_of(strength))
        scene.add(range(9))
        assert scene.range_error() < PHASE_RANGE

    @pytest.mark.parametrize(("n_z", "n_x"), [(1, 64), (2, 4), (70, 9), (33, 131)])
    @pytest.mark.parametrize("ring_dtype", ["float", "half"])
    def test_any_size(self, n_z: int, n_x: int, ring_dtype: str) -> None:
        scene = self.scene(n_z=n_z, n_x=n_x, ring_dtype=ring_dtype)
        scene.set(zinger_radius=4, zinger_threshold=0.1, phase=phase_of(1.0))
        scene.add(range(23))
        scene.add([4, 9, 9])
        limit = PHASE_RANGE if ring_dtype == "float" else HALF_RANGE
        assert scene.range_error() < limit

    def test_all_steps_work_together(self) -> None:
        scene = self.offset_scene(6.6, dtype="f4")
        scene.set(
            zinger_radius=3, zinger_threshold=0.3, phase=phase_of(4.0),
            hardening=(0.2, 0.01), flat_scale=FlatScale.REGION,
            region=Region(x=50, y=2, width=20, height=30), transmission_floor=0.3,
        )  # fmt: skip
        scene.add(range(23))
        assert scene.range_error() < PHASE_RANGE

    def test_batches_larger_than_the_scratch(self) -> None:
        scene = self.scene(n_slots=150, n_z=5, n_x=30)
        scene.set(zinger_radius=2, phase=phase_of(2.0))
        scene.add(range(150))
        scene.add([k % 150 for k in range(100, 230)])
        assert scene.range_error() < PHASE_RANGE

    def test_changed_steps_reach_the_ring_while_frames_come(self) -> None:
        scene = self.scene()
        scene.add(range(23))
        for k, change in enumerate((
            {"zinger_radius": 2}, {"phase": phase_of(9.0)}, {"zinger_threshold": 0.05},
            {"phase": phase_of(3.0)}, {"zinger_radius": 0}, {"phase": None},
        )):  # fmt: skip
            scene.set(**change)
            assert scene.engine.slots_waiting == 23
            scene.engine.refilter(7)
            scene.add([k, k + 11])
            scene.refilter()
            assert scene.range_error() < PHASE_RANGE

    def test_new_fields_apply_to_later_frames(self) -> None:
        scene = self.scene()
        scene.set(zinger_radius=3, phase=phase_of(4.0))
        scene.add(range(12))
        scene.new_fields()
        scene.add(range(10, 20))
        assert scene.range_error() < PHASE_RANGE

    def test_spikes_of_one_frame_leave_the_slices_clean(self) -> None:
        clean = [_smooth_frame(k) for k in range(23)]
        spiked = [frame.copy() for frame in clean]
        hit = np.random.default_rng(8).choice(spiked[5].size, 60, replace=False)
        spiked[5].flat[hit] *= 3
        spiked[5][20, 30] *= 3
        truth = _slices_of(self.scene(), clean, zinger_radius=0)
        bad = _slices_of(self.scene(), spiked, zinger_radius=0)
        good = _slices_of(self.scene(), spiked, zinger_radius=3)
        # A median is off by 1 %, what the frame changes in a pixel, not by 200 %.
        for name in ("z", "y", "x"):
            wanted = getattr(truth, name)
            left = abs(getattr(good, name) - wanted).max()
            assert left < 0.03 * abs(getattr(bad, name) - wanted).max()

    def test_one_bad_frame_costs_that_frame(self) -> None:
        scene = self.scene(n_z=20, n_x=100, dtype="f4")
        scene.set(zinger_radius=2, phase=phase_of(9.0))
        scene.add(range(4))
        bad = scene.frame().copy()
        bad[0, :21] = np.nan
        report = scene.engine.add([bad], np.array([5.0]), np.array([1]))
        assert report.reasons == (RejectReason.PIXELS,)
        assert scene.range_error() < PHASE_RANGE

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_bad_pixel_does_not_spread(self, value: float) -> None:
        scene = self.scene(dtype="f4")
        scene.set(phase=phase_of(9.0))
        scene.add([0])
        frame, angle, dark, flat = scene.held[0]
        bad = frame.copy()
        p = (frame - dark) / (flat - dark)
        p[3, 5] = 0.5 * (p[3, 4] + p[3, 6])
        bad[3, 5] = value
        report = scene.engine.add([bad], np.array([angle]), np.array([0]))
        assert report.pixels_repaired == 1
        scene.held[0] = p * (flat - dark) + dark, angle, dark, flat
        assert scene.range_error() < PHASE_RANGE

    @pytest.mark.parametrize("count", [3e38, -3e38])
    def test_absurd_counts_have_no_transform(self, count: float) -> None:
        scene = self.scene(dtype="f8")
        scene.set(phase=phase_of(9.0))
        scene.add(range(4))
        frame = scene.frame().copy()
        frame[20, 10] = count
        report = scene.engine.add([frame], np.array([0.0]), np.array([0]))
        assert report.reasons == (RejectReason.STEP,)
        assert scene.range_error() < PHASE_RANGE

    @pytest.mark.parametrize("step", [{"zinger_radius": 3}, {"phase": phase_of(9.0)}])
    def test_absurd_counts_stay_finite(self, step: dict[str, Any]) -> None:
        scene = self.scene(dtype="f8")
        scene.set(**step)
        frame = scene.frame().copy()
        # What a float32 cannot hold is no number, as a NaN.
        frame[20, 10:14] = 1e300, -1e300, 9e19, -9e19
        report = scene.engine.add([frame], np.array([0.0]), np.array([0]))
        assert report.pixels_repaired == 2
        slices = scene.engine.slices()
        for image in (slices.z, slices.y, slices.x):
            assert np.isfinite(image).all()

    def test_memory_is_reported_and_given_back(self) -> None:
        scene = self.scene()
        plain = scene.engine.memory.total
        scene.set(zinger_radius=2, phase=phase_of(9.0))
        assert scene.engine.memory.total > plain
        scene.set(zinger_radius=0, phase=None)
        assert scene.engine.memory.total - plain < 1e5


def _smooth_frame(k: int) -> NDArray[Any]:
    z, x = np.mgrid[:40, :70]
    p = 0.6 + 0.3 * np.sin(0.05 * x + 0.02 * z + k)
    return (5 + 20000 * p).astype(np.uint16)


def _slices_of(scene: Scene, frames: list[NDArray[Any]], **steps: Any) -> Slices:
    shape = scene.geometry.frame_shape
    scene.engine.set_fields(
        np.full(shape, 5, np.float32), np.full(shape, 20005, np.float32)
    )
    scene.set(**steps)
    angles = np.arange(len(frames)) * 180.0 / len(frames)
    scene.engine.add(frames, angles, np.arange(len(frames)))
    return scene.engine.slices()
