import numpy as np
import pytest

from tomostream.sim.detector import Detector
from tomostream.sim.movie import Movie
from tomostream.sim.phantom import head_phantom, projections
from tomostream.sim.rotation import Rotation, RotationKind

SHAPE = (32, 48)
FRAME_BYTES = 32 * 48 * 4


def movie(
    *,
    period_s: float | None = None,
    limit_bytes=1 << 30,
    n_angles=10,
    kind="continuous",
    is_rendered=True,
):
    camera = Detector(SHAPE, np.dtype("f4"), photons=0.0, seed=1)
    phantom = head_phantom(48, 32, period_s=period_s)
    turning = Rotation(kind=RotationKind(kind), n_angles=n_angles)
    shown = Movie(phantom, camera, turning, center=23.2, limit_bytes=limit_bytes)
    while is_rendered and shown.render_next():
        pass
    return shown, camera, phantom, turning


def view_at(phantom, angle_deg):
    return projections(phantom.still, [angle_deg], n_z=32, n_x=48, center=23.2)[0]


def line_integrals(frame, camera):
    return -np.log((frame - camera.dark) / camera.beam)


@pytest.mark.parametrize("kind", ["continuous", "backforth", "interlaced", "golden"])
def test_frames_are_the_projections_at_the_tables_angles(kind):
    shown, camera, phantom, turning = movie(period_s=5.0, kind=kind)
    table = turning.table(60)
    for index in (0, 3, 11, 12, 25, 59):
        time_s = 0.3 * index
        exact = projections(
            phantom.at(time_s), [table[index]], n_z=32, n_x=48, center=23.2
        )[0]
        frame = shown.show(index, time_s)
        # The table is float32, and sharp edges answer to its last digit.
        assert np.abs(line_integrals(frame, camera) - exact).max() < 5e-3


def test_same_view_changes_with_time():
    shown, *_ = movie(period_s=8.0)
    before = shown.show(3, 0.0).copy()
    assert (shown.show(3, 2.0) != before).sum() > 10
    assert np.allclose(shown.show(3, 8.0), before)


def test_movie_stays_within_its_memory():
    shown, *_ = movie(limit_bytes=7 * FRAME_BYTES + 5)
    assert shown.n_kept == 7


def test_movie_holds_no_more_views_than_there_are():
    shown, *_ = movie(n_angles=10)
    assert shown.n_kept == 20


def test_movie_of_a_single_view_still_plays():
    shown, *_ = movie(limit_bytes=1)
    assert shown.n_kept == 1
    assert np.array_equal(shown.show(0, 0.0).copy(), shown.show(13, 0.0))


def test_coarse_movie_shows_the_nearest_view_it_has():
    shown, camera, phantom, turning = movie(n_angles=60, limit_bytes=40 * FRAME_BYTES)
    for index in range(0, 120, 7):
        frame = line_integrals(shown.show(index, 0.0), camera)
        near = [
            view_at(phantom, turning.view_deg(index + k)) for k in (-2, -1, 0, 1, 2)
        ]
        assert min(np.abs(frame - image).max() for image in near) < 5e-3


def test_rendering_ends_when_all_views_are_there():
    shown, *_ = movie(n_angles=5, is_rendered=False)
    steps = sum(1 for _ in iter(shown.render_next, False))
    assert (steps, shown.n_rendered) == (10, 10)
    assert not shown.render_next()


def test_first_frame_does_not_wait_for_all_views():
    shown, *_ = movie(is_rendered=False)
    shown.show(4, 0.0)
    assert shown.n_rendered == 1


@pytest.mark.parametrize("kind", ["continuous", "backforth"])
def test_unfinished_movie_shows_the_nearest_view(kind):
    shown, camera, phantom, turning = movie(n_angles=16, kind=kind, is_rendered=False)
    for _ in range(9):
        shown.render_next()
    # Of 32 or 17 views every fourth or second one is there.
    farthest = 2 if kind == "continuous" else 1
    for index in range(turning.n_views):
        frame = line_integrals(shown.show(index, 0.0), camera)
        near = [
            view_at(phantom, turning.view_deg(index + k))
            for k in range(-farthest, farthest + 1)
        ]
        assert min(np.abs(frame - image).max() for image in near) < 5e-3
