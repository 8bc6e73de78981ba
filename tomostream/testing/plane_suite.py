# ruff: noqa: D102  a test is described by its name
"""Tilted planes, for every backend: class TestMine(PlaneSuite): settings = {...}."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tomostream.core.geometry import (
    Geometry,
    ObliquePlane,
    PlaneGrid,
    Planes,
    Vector,
    tilted_horizontal,
)
from tomostream.core.parameters import FilterType, ReconParameters
from tomostream.core.slices import F32
from tomostream.sim.phantom import Ellipsoid, attenuation_at, projections
from tomostream.testing.backend_suite import FLOAT_TOLERANCE, HALF_TOLERANCE
from tomostream.testing.reference_fbp import F64, points, reference_plane
from tomostream.testing.scene import Scene, SceneSuite

SAME = 1e-4
"""Of a plane reconstructed in two ways: sample positions differ by up to 2e-5 columns,
and neighbours in a random frame by as much as their size."""
RENEWED = 2e-6
"""The same sums in another order, in float32; a backend may do better."""

SIZES = [
    pytest.param(70, 71, 71, "u2", FilterType.RAMP, id="odd"),
    pytest.param(64, 66, 80, "u1", FilterType.PARZEN, id="wide output"),
    pytest.param(33, 81, 70, "f4", FilterType.HANN, id="one row over a tile"),
    pytest.param(1, 64, 64, "i4", FilterType.SHEPP_LOGAN, id="one row"),
    pytest.param(150, 37, 37, "f8", FilterType.BUTTERWORTH, id="higher than wide"),
    pytest.param(2, 4, 4, "u8", FilterType.RAMP, id="smallest"),
    pytest.param(70, 5, 9, "i1", FilterType.COSINE, id="narrow"),
]
TILTS = [0.01, -3.0, 30.0, -45.0, 60.0, 90.0, -90.0, 120.0, 180.0, -179.5]
NORMALS: list[Vector] = [
    (1.0, 1.0, 1.0), (-0.2, 0.1, 3.0), (0.0, 0.0, -1.0), (0.0, 5.0, 0.0),
    (1.0, 0.0, 0.0), (-3.0, 4.0, 0.0), (1e-3, -1.0, 1e-3), (0.3, 0.0, 0.3),
]  # fmt: skip


def cut(scene: Scene, normal: Vector, *, z: float | None = None) -> None:
    """Show the oblique plane through a point near the middle."""
    n, n_z = scene.geometry.n_out, scene.geometry.n_z
    height = n_z / 2 - 0.3 if z is None else z
    scene.set(
        oblique=ObliquePlane(x=n / 2 + 1.25, y=n / 2 - 0.5, z=height, normal=normal)
    )


def tilted_error(scene: Scene) -> float:
    """Give the relative error of the Z slice."""
    grid = tilted_horizontal(scene.parameters.planes, scene.geometry)
    return _error(scene, scene.engine.slices().z, grid)


def oblique_error(scene: Scene) -> float:
    """Give the relative error of the oblique plane."""
    assert scene.parameters.oblique is not None
    grid = scene.parameters.oblique.grid(scene.geometry)
    return _error(scene, scene.engine.oblique(), grid)


def _error(scene: Scene, shown: F32, grid: PlaneGrid) -> float:
    rows, angles = scene.projections(), [held[1] for held in scene.held.values()]
    wanted = reference_plane(rows, angles, grid, scene.geometry, scene.parameters)
    # Sums of random numbers: a plane that the detector misses is not all error.
    usual = np.std(rows) * np.pi * (wanted.size / len(rows)) ** 0.5
    norm = max(np.linalg.norm(wanted), 0.1 * usual)
    return float(np.linalg.norm(shown - wanted) / norm)


class PlaneSuite(SceneSuite):
    """What every backend must do with tilted planes."""

    def planes(self, *, n_z: int = 70, n_x: int = 60, **others: Any) -> Scene:
        """Give a configured engine with an empty ring, higher than wide."""
        scene = self.scene(n_z=n_z, n_x=n_x, **{"n_slots": 19, **others})
        scene.set(z=n_z // 3)
        return scene

    @pytest.mark.parametrize("ring_dtype", ["float", "half"])
    @pytest.mark.parametrize(("n_z", "n_x", "n_out", "dtype", "filter_type"), SIZES)
    def test_tilted_planes_follow_the_ring(
        self,
        n_z: int,
        n_x: int,
        n_out: int,
        dtype: str,
        filter_type: FilterType,
        ring_dtype: str,
    ) -> None:
        scene = self.planes(
            n_z=n_z,
            n_x=n_x,
            n_out=n_out,
            dtype=dtype,
            filter_type=filter_type,
            ring_dtype=ring_dtype,
        )
        errors: list[float] = []

        def look() -> None:
            errors.append(tilted_error(scene))
            errors.append(oblique_error(scene))

        scene.set(rot_z=20.0)
        cut(scene, (1.0, 2.0, 2.0))
        for slots in ([3, 4, 9, 1, 0], [4, 4, 18, 3, 4, 2], range(19), [5]):
            scene.add(slots)
            look()
        scene.set(center=n_x / 2 - 0.6)
        look()
        scene.set(rot_z=-70.0, z=n_z - 1)
        cut(scene, (1.0, -2.0, 0.1), z=0.0)
        look()
        scene.add([(5 * k) % 19 for k in range(19)])
        look()
        assert max(errors) < (
            FLOAT_TOLERANCE if ring_dtype == "float" else HALF_TOLERANCE
        )

    @pytest.mark.parametrize("rot_z", TILTS)
    @pytest.mark.parametrize("z", [0, 31, 69])
    def test_tilt_of_any_size_is_right(self, rot_z: float, z: int) -> None:
        scene = self.planes()
        scene.add(range(7))
        scene.set(rot_z=rot_z, z=z)
        assert tilted_error(scene) < FLOAT_TOLERANCE

    @pytest.mark.parametrize("normal", NORMALS)
    @pytest.mark.parametrize("z", [-20.5, 0.0, 31.5, 69.6])
    def test_oblique_plane_of_any_direction_is_right(
        self, normal: Vector, z: float
    ) -> None:
        scene = self.planes()
        scene.add(range(7))
        cut(scene, normal, z=z)
        assert oblique_error(scene) < FLOAT_TOLERANCE

    def test_no_tilt_is_the_ordinary_slice(self) -> None:
        scene = self.planes()
        scene.add(range(10))
        before = scene.engine.slices().z
        scene.set(rot_z=25.0)
        assert _relative(scene.engine.slices().z, before) > 0.1
        scene.add([])
        scene.set(rot_z=0.0)
        np.testing.assert_array_equal(scene.engine.slices().z, before)

    def test_tilt_of_almost_nothing_shows_almost_the_ordinary_slice(self) -> None:
        scene = self.planes()
        scene.add(range(10))
        before = scene.engine.slices().z
        scene.set(rot_z=1e-7)
        assert _relative(scene.engine.slices().z, before) < SAME

    @pytest.mark.parametrize(
        ("normal", "name"),
        [((0, 0, 1), "z"), ((0, -1, 0), "y"), ((1, 0, 0), "x")],
    )
    def test_oblique_plane_along_a_slice_equals_it(
        self, normal: Vector, name: str
    ) -> None:
        scene = self.planes(n_z=60)
        scene.add(range(10))
        planes = scene.parameters.planes
        x, y, z = 30.0, 30.0, 30.0
        place = {"x": {"x": planes.x}, "y": {"y": planes.y}, "z": {"z": planes.z}}[name]
        scene.set(
            oblique=ObliquePlane(**{"x": x, "y": y, "z": z, **place}, normal=normal)
        )
        slices = scene.engine.slices()
        wanted = {"x": slices.x, "y": slices.y, "z": slices.z}[name]
        assert _relative(scene.engine.oblique(), wanted) < SAME

    def test_normal_along_y_sees_the_y_slice_from_behind(self) -> None:
        scene = self.planes(n_z=61, n_x=61)
        scene.add(range(10))
        y = scene.parameters.planes.y
        scene.set(oblique=ObliquePlane(x=30, y=y, z=30, normal=(0, 1, 0)))
        wanted = scene.engine.slices().y[:, ::-1]
        assert _relative(scene.engine.oblique(), wanted) < SAME

    def test_plane_above_the_detector_is_empty(self) -> None:
        scene = self.planes()
        scene.add(range(5))
        cut(scene, (0.0, 0.0, 1.0), z=-1.0)
        assert not scene.engine.oblique().any()
        cut(scene, (0.0, 0.0, 1.0), z=70.0)
        assert not scene.engine.oblique().any()
        cut(scene, (0.01, 0.0, 1.0), z=1e9)
        assert not scene.engine.oblique().any()

    @pytest.mark.parametrize(("z", "part"), [(-0.25, 0.75), (69.9, 0.1)])
    def test_edge_rows_fade_over_one_pixel(self, z: float, part: float) -> None:
        scene = self.planes()
        scene.add(range(5))
        scene.set(z=0 if z < 0 else 69)
        # The same place as the slice: the point in the middle is a pixel of it.
        half = scene.geometry.n_out // 2
        scene.set(oblique=ObliquePlane(x=half, y=half, z=z, normal=(0, 0, 1)))
        wanted = part * scene.engine.slices().z
        assert _relative(scene.engine.oblique(), wanted) < SAME

    def test_no_plane_is_zeros(self) -> None:
        scene = self.planes()
        scene.add(range(5))
        assert not scene.engine.oblique().any()
        cut(scene, (1.0, 1.0, 1.0))
        assert scene.engine.oblique().any()
        scene.set(oblique=None)
        assert not scene.engine.oblique().any()

    def test_reset_empties_tilted_planes(self) -> None:
        scene = self.planes()
        scene.set(rot_z=33.0)
        cut(scene, (1.0, 1.0, 1.0))
        scene.add(range(10))
        scene.engine.reset()
        scene.held.clear()
        assert not scene.engine.slices().z.any()
        assert not scene.engine.oblique().any()
        scene.add([3, 4])
        assert tilted_error(scene) < FLOAT_TOLERANCE
        assert oblique_error(scene) < FLOAT_TOLERANCE

    def test_new_session_shows_the_planes_wanted(self) -> None:
        scene = self.planes()
        scene.set(rot_z=33.0)
        cut(scene, (1.0, 1.0, 1.0))
        scene.add(range(10))
        for n_z, n_out in ((40, 60), (40, 75), (70, 75)):
            scene.geometry = replace(scene.geometry, n_z=n_z, n_out=n_out)
            scene.held.clear()
            scene.engine.configure(scene.geometry, scene.parameters)
            scene.new_fields()
            assert not scene.engine.oblique().any()
            scene.add(range(6))
            assert tilted_error(scene) < FLOAT_TOLERANCE
            assert oblique_error(scene) < FLOAT_TOLERANCE

    def test_refiltered_ring_is_seen_in_tilted_planes(self) -> None:
        scene = self.planes()
        scene.set(rot_z=-15.0)
        cut(scene, (1.0, 1.0, 1.0))
        scene.add(range(19))
        scene.set(filter_type=FilterType.HANN)
        while scene.engine.refilter(7):
            pass
        assert tilted_error(scene) < FLOAT_TOLERANCE
        assert oblique_error(scene) < FLOAT_TOLERANCE

    def test_fifty_revolutions_drift_little(self) -> None:
        scene = self.planes(n_x=40, n_slots=16)
        scene.set(rot_z=30.0)
        cut(scene, (1.0, 1.0, 1.0))
        for _ in range(50):
            scene.add(range(16))
        assert self._renewed(scene) < RENEWED

    def test_glitch_leaves_no_trace_in_tilted_planes(self) -> None:
        scene = self.planes(n_x=40, n_slots=16)
        scene.set(rot_z=30.0)
        cut(scene, (1.0, 1.0, 1.0))
        scene.add(range(16))
        glitch = np.zeros(scene.geometry.frame_shape, np.uint16)
        scene.engine.add([glitch], np.array([0.0]), np.array([5]))
        for _ in range(16):
            scene.add(range(16))
        assert self._renewed(scene) < RENEWED

    @staticmethod
    def _renewed(scene: Scene) -> float:
        shown = scene.engine.slices().z, scene.engine.oblique()
        wished = scene.parameters
        scene.set(oblique=None, rot_z=0.0)
        scene.set(oblique=wished.oblique, rot_z=wished.planes.rot_z)
        anew = scene.engine.slices().z, scene.engine.oblique()
        return max(_relative(a, b) for a, b in zip(shown, anew, strict=True))

    def test_packed_image_holds_the_tilted_slice(self) -> None:
        scene = self.planes(n_z=20)
        scene.set(rot_z=12.0)
        scene.add(range(5))
        packed = scene.engine.packed()
        np.testing.assert_array_equal(packed[:60, :60], scene.engine.slices().z)

    def test_axis_off_the_detector_is_right_in_tilted_planes(self) -> None:
        scene = self.planes(n_out=90)
        scene.set(rot_z=12.0)
        cut(scene, (1.0, 1.0, 1.0))
        scene.set(center=-8.5)
        scene.add(range(9))
        assert tilted_error(scene) < FLOAT_TOLERANCE
        assert oblique_error(scene) < FLOAT_TOLERANCE
        scene.set(center=1e30)
        assert not scene.engine.slices().z.any()
        assert not scene.engine.oblique().any()

    @pytest.mark.parametrize("center", [6.7, 53.2])
    def test_half_acquisition_shows_tilted_planes(self, center: float) -> None:
        scene = self.offset_scene(center, n_x=60)
        scene.set(rot_z=12.0)
        cut(scene, (1.0, 1.0, 1.0))
        scene.add(range(23))
        scene.add([4, 7])
        assert tilted_error(scene) < FLOAT_TOLERANCE
        assert oblique_error(scene) < FLOAT_TOLERANCE
        scene.set(center=center + 0.4)
        scene.refilter()
        assert tilted_error(scene) < FLOAT_TOLERANCE
        assert oblique_error(scene) < FLOAT_TOLERANCE

    @pytest.mark.parametrize("tilt", [None, 35.0, -90.0])
    def test_cut_through_an_ellipsoid_is_its_ellipse(self, tilt: float | None) -> None:
        n, count = 96, 150
        geometry = Geometry(n_z=n, n_x=n, n_slots=count, n_out=n)
        body = [Ellipsoid(x=6, y=-4, z=3, a=30, b=18, c=24, turn_deg=25)]
        plane = ObliquePlane(x=n / 2, y=n / 2, z=n / 2, normal=(1.0, -2.0, 1.5))
        planes = Planes(x=40, y=40, z=40, rot_z=tilt or 0.0)
        angles = np.arange(count) * 180.0 / count
        lines = projections(body, angles, n_z=n, n_x=n, center=n / 2)
        engine = self.engine()
        engine.configure(
            geometry,
            ReconParameters(
                center=n / 2,
                filter_type=FilterType.RAMP,
                planes=planes,
                oblique=None if tilt else plane,
            ),
        )
        engine.add(_read_only(np.exp(-0.02 * lines)), angles, np.arange(count))
        grid = tilted_horizontal(planes, geometry) if tilt else plane.grid(geometry)
        shown = (engine.slices().z if tilt else engine.oblique()) / 0.02
        places = _from_middle(grid, geometry)
        inside = attenuation_at(body, *places) > 0
        core = attenuation_at([replace(body[0], a=27, b=15, c=21)], *places) > 0
        assert core.sum() > 600
        # The edge is a pixel wide, so a few pixels on it fall to the wrong side.
        assert np.count_nonzero((shown > 0.5) != inside) < 0.02 * inside.sum()
        np.testing.assert_allclose(shown[core], 1.0, atol=0.1)
        np.testing.assert_allclose(shown[core].mean(), 1.0, atol=0.003)


def _from_middle(grid: PlaneGrid, geometry: Geometry) -> tuple[F64, F64, F64]:
    x, y, z = points(grid)
    return x, y, z - geometry.n_z // 2


def _read_only(stack: NDArray[Any]) -> Sequence[NDArray[Any]]:
    stack.flags.writeable = False
    return list(stack)


def _relative(shown: F32, wanted: F32) -> float:
    return float(np.linalg.norm(shown - wanted) / np.linalg.norm(wanted))
