# ruff: noqa: D102  a test is described by its name
"""One suite for every backend: class TestMine(BackendSuite): settings = {...}."""

import numpy as np
import pytest

from tomostream.core.errors import ReconstructionError
from tomostream.core.parameters import FilterType
from tomostream.testing.agreement_suite import AgreementSuite
from tomostream.testing.reference_fbp import (
    filtered,
    line_integrals,
    reference_slices,
    relative_error,
)
from tomostream.testing.scene import Scene
from tomostream.testing.steps_suite import StepsSuite

__all__ = ["FLOAT_TOLERANCE", "HALF_TOLERANCE", "BackendSuite", "Scene"]

FLOAT_TOLERANCE = 3e-4
"""The fitted Parzen filter is off by up to 2e-4 of its largest response at these sizes;
float32 adds 1e-6."""
HALF_TOLERANCE = 1e-3
"""A half has 11 bits, 2e-4 rms; few projections of few pixels average little of it."""

SIZES = [
    pytest.param(45, 101, 101, "u2", FilterType.RAMP, id="odd"),
    pytest.param(64, 96, 130, "u1", FilterType.PARZEN, id="wide output"),
    pytest.param(33, 131, 131, "f4", FilterType.HANN, id="one row over a tile"),
    pytest.param(1, 64, 64, "i4", FilterType.SHEPP_LOGAN, id="one row"),
    pytest.param(50, 37, 37, "f8", FilterType.BUTTERWORTH, id="higher than wide"),
    pytest.param(40, 50, 61, "i2", FilterType.COSINE, id="fft, wide output"),
    pytest.param(2, 4, 4, "u8", FilterType.RAMP, id="smallest"),
    pytest.param(70, 5, 9, "i1", FilterType.COSINE, id="narrow, fft"),
    pytest.param(3, 300, 290, "u4", FilterType.RAMP, id="output narrower"),
    pytest.param(5, 20, 20, "i8", FilterType.PARZEN, id="i8"),
]


class BackendSuite(StepsSuite, AgreementSuite):
    """What every backend must do. Subclasses say how to make an engine."""

    @pytest.mark.parametrize("ring_dtype", ["float", "half"])
    @pytest.mark.parametrize(("n_z", "n_x", "n_out", "dtype", "filter_type"), SIZES)
    def test_slices_follow_the_ring(
        self,
        n_z: int,
        n_x: int,
        n_out: int,
        dtype: str,
        filter_type: FilterType,
        ring_dtype: str,
    ) -> None:
        scene = self.scene(
            n_z=n_z,
            n_x=n_x,
            n_out=n_out,
            dtype=dtype,
            filter_type=filter_type,
            ring_dtype=ring_dtype,
        )
        errors = []
        for slots in ([3, 4, 9, 1, 0], [4, 4, 20, 3, 4, 2], range(23), [5], range(23)):
            scene.add(slots)
            errors.append(scene.error())
        scene.set(x=1, y=n_out - 2, z=n_z - 1)
        errors.append(scene.error())
        scene.set(center=n_x / 2 - 0.6)
        errors.append(scene.error())
        scene.add([(5 * k) % 23 for k in range(23)])
        errors.append(scene.error())
        assert max(errors) < (
            FLOAT_TOLERANCE if ring_dtype == "float" else HALF_TOLERANCE
        )

    def test_empty_ring_gives_zeros(self) -> None:
        slices = self.scene().engine.slices()
        assert not slices.z.any()
        assert not slices.y.any()
        assert not slices.x.any()

    def test_reset_empties_the_ring_and_keeps_the_fields(self) -> None:
        scene = self.scene()
        scene.add(range(10))
        scene.engine.reset()
        scene.held.clear()
        assert not scene.engine.slices().z.any()
        scene.add([3, 4])
        assert scene.error() < FLOAT_TOLERANCE

    def test_batches_may_be_of_any_size(self) -> None:
        scene = self.scene(n_slots=200, n_z=5, n_x=30)
        scene.add(range(1))
        scene.add(range(1, 180))
        scene.add([])
        scene.add([k % 200 for k in range(170, 470)])
        assert scene.error() < FLOAT_TOLERANCE

    @pytest.mark.parametrize("rot_z", [0.0, 4.0])
    def test_slices_are_written_with_the_frames(self, rot_z: float) -> None:
        scene, twin = self.scene(n_z=50), self.scene(n_z=50)
        image = np.full(scene.geometry.packed_shape, 7, np.float32)
        angles = np.linspace(0.0, 170.0, 23)
        for each in (scene, twin):
            each.set(rot_z=rot_z)
        for slots in (range(23), [], [3, 3, 9]):
            frames = [scene.frame() for _ in slots]
            places = np.array(list(slots), int)
            scene.engine.add(frames, angles[places], places, packed=image)
            twin.engine.add(frames, angles[places], places)
            assert np.array_equal(image, twin.engine.packed())

    def test_slices_of_another_shape_change_nothing(self) -> None:
        scene = self.scene()
        with pytest.raises(ReconstructionError, match="packed: expected out"):
            scene.engine.add(
                [scene.frame()],
                np.zeros(1),
                np.zeros(1, int),
                packed=np.zeros((3, 4), np.float32),
            )
        assert scene.engine.slots_filled == 0

    def test_faint_and_strong_projections_share_a_half_ring(self) -> None:
        scene = self.scene(dtype="f4", ring_dtype="half")
        errors = []
        for contrast, slots in (
            (1e-5, range(23)),
            (0.02, range(23)),
            (2.0, [3, 4, 11]),
            (0.02, [4]),
            (2.0, range(23)),
            (0.02, range(23)),
        ):
            scene.contrast = contrast
            scene.add(slots)
            errors.append(scene.error())
        assert max(errors) < HALF_TOLERANCE

    def test_half_ring_differs_little_from_a_float_ring(self) -> None:
        half, single = (
            self.scene(n_x=128, n_slots=180, ring_dtype=d) for d in ("half", "float")
        )
        for scene in (half, single):
            scene.add(range(180))
        error = relative_error(half.engine.slices(), single.engine.slices())
        assert error < 3e-4

    @pytest.mark.parametrize("filter_type", list(FilterType))
    def test_refiltered_ring_equals_a_fresh_one(self, filter_type: FilterType) -> None:
        scene = self.scene(filter_type=FilterType.RAMP)
        if filter_type is FilterType.RAMP:
            scene.set(filter_type=FilterType.HANN)
        scene.add(range(23))
        scene.set(filter_type=filter_type)
        assert scene.engine.slots_waiting == 23
        while scene.engine.refilter(10):
            pass
        assert scene.engine.slots_waiting == 0
        assert scene.error() < FLOAT_TOLERANCE

    def test_new_fields_apply_to_later_frames_only(self) -> None:
        scene = self.scene()
        scene.add(range(12))
        scene.new_fields()
        scene.add(range(10, 20))
        assert scene.error() < FLOAT_TOLERANCE
        scene.set(filter_type=FilterType.SHEPP_LOGAN)
        scene.engine.refilter(100)
        assert scene.error() < FLOAT_TOLERANCE

    def test_new_fields_apply_to_the_ring_when_asked(self) -> None:
        scene = self.scene()
        scene.add(range(12))
        scene.new_fields(refilter=True)
        for slot, (frame, angle, _, _) in scene.held.items():
            scene.held[slot] = frame, angle, scene.dark, scene.flat
        assert scene.engine.refilter(100) == 0
        assert scene.error() < FLOAT_TOLERANCE

    def test_fields_older_than_those_kept_give_way_to_the_oldest_kept(self) -> None:
        scene = self.scene()
        scene.add(range(4))
        fields = []
        for _ in range(6):
            scene.new_fields()
            fields.append((scene.dark, scene.flat))
        scene.set(filter_type=FilterType.SHEPP_LOGAN)
        scene.engine.refilter(100)
        for slot, (frame, angle, _, _) in scene.held.items():
            scene.held[slot] = frame, angle, *fields[-4]
        assert scene.error() < FLOAT_TOLERANCE

    @pytest.mark.parametrize("dtype", ["u2", "f4", "f8"])
    def test_dead_pixels_are_interpolated_and_counted(self, dtype: str) -> None:
        scene = self.scene(n_z=40, n_x=300, dtype=dtype)
        dark, flat = scene.dark.copy(), scene.flat.copy()
        for z, x in ((3, slice(7, 10)), (35, slice(0, 2)), (36, slice(297, 300))):
            flat[z, x] = dark[z, x]
        dark[39, 100] = np.nan
        report = scene.engine.set_fields(dark, flat)
        assert report.dead_pixels == 9
        frame = scene.frame()
        added = scene.engine.add([frame], np.array([30.0]), np.array([0]))
        assert added.accepted.all()
        assert added.pixels_repaired == 9
        lines = line_integrals(
            frame, scene.dark.astype(float), scene.flat.astype(float)
        )
        lines[3, 7:10] = np.interp([7, 8, 9], [6, 10], lines[3, [6, 10]])
        lines[35, :2] = lines[35, 2]
        lines[36, 297:] = lines[36, 296]
        lines[39, 100] = lines[39, [99, 101]].mean()
        reference = reference_slices(
            [filtered(lines, scene.parameters)],
            [30.0],
            scene.geometry,
            scene.parameters,
        )
        assert relative_error(scene.engine.slices(), reference) < FLOAT_TOLERANCE

    @pytest.mark.parametrize("dtype", ["f4", "f8"])
    def test_pixels_that_are_not_finite_are_interpolated(self, dtype: str) -> None:
        scene = self.scene(n_z=40, n_x=101, dtype=dtype)
        clean = scene.frame()
        bad = clean.copy()
        bad[3, 5], bad[3, 6], bad[33, 0], bad[39, 100] = np.nan, np.inf, -np.inf, np.nan
        mended = line_integrals(
            clean, scene.dark.astype(float), scene.flat.astype(float)
        )
        mended[3, 5:7] = np.interp([5, 6], [4, 7], mended[3, [4, 7]])
        mended[33, 0], mended[39, 100] = mended[33, 1], mended[39, 99]
        report = scene.engine.add([bad], np.array([10.0]), np.array([2]))
        assert report.pixels_repaired == 4
        reference = reference_slices(
            [filtered(mended, scene.parameters)],
            [10.0],
            scene.geometry,
            scene.parameters,
        )
        assert relative_error(scene.engine.slices(), reference) < FLOAT_TOLERANCE

    def test_a_whole_dead_row_reads_zero(self) -> None:
        scene = self.scene(n_z=120, n_x=50)
        flat = scene.flat.copy()
        flat[60] = scene.dark[60]
        scene.engine.set_fields(scene.dark, flat)
        scene.add(range(5))
        slices = scene.engine.slices()
        assert not slices.y[60].any()
        assert not slices.z.any()
        assert slices.y[61].any()

    def test_frame_with_too_many_bad_pixels_changes_nothing(self) -> None:
        scene = self.scene(n_z=20, n_x=100, dtype="f4")
        scene.add(range(4))
        before = scene.engine.slices()
        good, bad = scene.frame(), scene.frame().copy()
        bad[0, :21] = np.nan
        report = scene.engine.add([bad], np.array([5.0]), np.array([1]))
        assert not report.accepted.any()
        assert report.pixels_repaired == 0
        np.testing.assert_array_equal(scene.engine.slices().z, before.z)
        report = scene.engine.add([good, bad], np.array([5.0, 6.0]), np.array([1, 1]))
        assert report.accepted.tolist() == [True, False]
        scene.held[1] = good, 5.0, scene.dark, scene.flat
        assert scene.error() < FLOAT_TOLERANCE

    @pytest.mark.parametrize("value", [0.0, -1e30, 3e38, 1e300, -1e300, 1e-45])
    @pytest.mark.parametrize("ring_dtype", ["float", "half"])
    def test_extreme_counts_stay_finite(self, value: float, ring_dtype: str) -> None:
        scene = self.scene(n_z=40, n_x=400, dtype="f8", ring_dtype=ring_dtype)
        frame = scene.frame().copy()
        frame[20, 100:110] = value
        scene.engine.add([frame], np.array([0.0]), np.array([0]))
        slices = scene.engine.slices()
        for image in (slices.z, slices.y, slices.x):
            assert np.isfinite(image).all()

    def test_glitch_leaves_no_trace_once_all_is_renewed(self) -> None:
        scene = self.scene(n_slots=11, n_z=300)
        scene.add(range(11))
        glitch = np.zeros(scene.geometry.frame_shape, np.uint16)
        scene.engine.add([glitch], np.array([0.0]), np.array([5]))
        for _ in range(16):
            scene.add(range(11))
        shown = scene.engine.slices()
        scene.set(center=0.0)
        scene.set(center=scene.geometry.n_x / 2 + 1.3)
        assert relative_error(shown, scene.engine.slices()) < 2e-6

    def test_many_revolutions_drift_little(self) -> None:
        scene = self.scene(n_z=8, n_x=40, n_slots=16)
        for _ in range(100):
            scene.add(range(16))
        shown = scene.engine.slices()
        scene.set(x=0, y=0, z=0)
        scene.set(x=40 // 3, y=40 // 2 + 1, z=4)
        # Float32 sums of at most sixteen revolutions; never renewed 1e-5.
        assert relative_error(shown, scene.engine.slices()) < 2e-6

    def test_axis_may_lie_off_the_detector(self) -> None:
        scene = self.scene(n_out=120)
        scene.set(center=-8.5)
        scene.add(range(9))
        assert scene.error() < FLOAT_TOLERANCE
        scene.set(center=1e30)
        assert not scene.engine.slices().z.any()

    def test_angles_keep_their_precision_after_many_turns(self) -> None:
        scene = self.scene()
        frame = scene.frame()
        scene.engine.add([frame], np.array([33.25 + 360.0 * 1e6]), np.array([0]))
        scene.held[0] = frame, 33.25, scene.dark, scene.flat
        assert scene.error() < FLOAT_TOLERANCE

    def test_packed_image_holds_the_slices(self) -> None:
        scene = self.scene(n_z=90, n_x=40)
        scene.add(range(5))
        slices, packed = scene.engine.slices(), scene.engine.packed()
        assert packed.shape == (90, 120)
        np.testing.assert_array_equal(packed[:40, :40], slices.z)
        np.testing.assert_array_equal(packed[:, 40:80], slices.y)
        np.testing.assert_array_equal(packed[:, 80:], slices.x)
        assert not packed[40:, :40].any()
