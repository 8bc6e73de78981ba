import numpy as np
import pytest

from tomostream.core.geometry import Geometry, Planes
from tomostream.sim.phantom import (
    Ellipsoid,
    attenuation_at,
    head_phantom,
    project,
    projections,
    truth_slices,
)

TILTED = Ellipsoid(
    x=4.2, y=-7.1, z=1.5, a=9.0, b=4.0, c=6.0, turn_deg=33.0, attenuation=0.02
)


def summed_along_rays(ellipsoids, theta_deg, *, n_z, n_x, center, step=0.01):
    """Integrate numerically along y' with s = x cos(theta) - y sin(theta) + center."""
    theta = np.radians(theta_deg)
    s = np.arange(n_x) - center
    t = np.arange(-1.2 * n_x, 1.2 * n_x, step)
    x = s[:, None] * np.cos(theta) + t * np.sin(theta)
    y = -s[:, None] * np.sin(theta) + t * np.cos(theta)
    z = np.arange(n_z) - float(n_z // 2)
    rows = [attenuation_at(ellipsoids, x, y, np.array(h)).sum(1) * step for h in z]
    return np.array(rows)


@pytest.mark.parametrize("theta_deg", [0.0, 27.0, 90.0, 151.3, 233.0])
def test_projection_equals_numerical_integration(theta_deg):
    ellipsoids = (TILTED, Ellipsoid(x=-8, y=3, z=0, a=5, b=5, c=5, attenuation=0.01))
    exact = project(
        ellipsoids, theta_deg, center=19.3, out=np.zeros((16, 40), np.float64)
    )

    numerical = summed_along_rays(ellipsoids, theta_deg, n_z=16, n_x=40, center=19.3)

    # Each of two ellipsoids adds at most a step of the sum at both ends.
    assert np.abs(exact - numerical).max() < 2 * 2 * 0.01 * 0.02


def test_opposite_view_is_the_mirror_image_about_the_center():
    ellipsoids = head_phantom(64, 32).still
    ahead, behind = projections(
        ellipsoids, [20.0, 200.0], n_z=32, n_x=64, center=31.5, dtype=np.float64
    )
    assert np.allclose(ahead, behind[:, ::-1], atol=1e-12)


def test_angle_of_many_turns_equals_the_first_turn():
    shape = {"n_z": 8, "n_x": 32, "center": 15.2, "dtype": np.float64}
    first = projections((TILTED,), [12.5], **shape)
    later = projections((TILTED,), [12.5 + 360.0 * 1000], **shape)
    assert np.allclose(first, later, atol=1e-9)


def test_float32_agrees_with_float64():
    ellipsoids = head_phantom(128, 64).still
    shape = {"n_z": 64, "n_x": 128, "center": 63.5}
    single = projections(ellipsoids, [77.0], **shape)
    double = projections(ellipsoids, [77.0], dtype=np.float64, **shape)
    assert single.dtype == np.float32
    assert np.abs(single - double).max() < 2e-3


def test_head_stays_inside_the_detector():
    stack = projections(
        head_phantom(64, 64).still, np.arange(0, 180, 15.0), n_z=64, n_x=64, center=31.5
    )
    assert stack.max() > 0.5
    assert not stack[:, :, [0, -1]].any()


@pytest.mark.parametrize("n_z", [1, 2, 7, 200])
def test_middle_row_shows_the_head_on_detectors_of_any_height(n_z):
    stack = projections(
        head_phantom(64, n_z).still, [0.0], n_z=n_z, n_x=64, center=31.5
    )
    assert stack[0, n_z // 2].max() > 0.5


def test_attenuation_is_never_negative_at_any_time():
    phantom = head_phantom(96, 96, period_s=10.0)
    geometry = Geometry(n_z=96, n_x=96, n_slots=1, n_out=96)
    for time_s in np.arange(0, 10, 0.5):
        for z in range(20, 80, 6):
            planes = Planes(x=48, y=20, z=z)
            slices = truth_slices(phantom.at(time_s), geometry, planes)
            least = min(slices.z.min(), slices.y.min(), slices.x.min())
            assert least > -1e-9, f"at {time_s} s, row {z}"


def test_sample_changes_with_time_and_repeats_after_the_period():
    phantom = head_phantom(96, 96, period_s=10.0)
    geometry = Geometry(n_z=96, n_x=96, n_slots=1, n_out=96)
    planes = Planes.middle(geometry)
    first, later, again = (
        truth_slices(phantom.at(t), geometry, planes).z for t in (0.0, 2.5, 10.0)
    )
    assert (first != later).sum() > 50
    assert np.array_equal(first, again)


def test_without_a_period_nothing_changes():
    phantom = head_phantom(96, 96)
    assert phantom.at(0.0) == phantom.at(123.0)


def test_slices_show_the_ellipsoid_where_it_stands():
    ball = Ellipsoid(x=5, y=-3, z=2, a=2, b=2, c=2, attenuation=0.5)
    geometry = Geometry(n_z=16, n_x=32, n_slots=1, n_out=32)
    slices = truth_slices((ball,), geometry, Planes(x=21, y=13, z=10))

    assert slices.z[13, 21] == np.float32(0.5)
    assert slices.y[10, 21] == np.float32(0.5)
    assert slices.x[10, 13] == np.float32(0.5)
    assert (slices.z > 0).sum() == 13  # pixel centres within two pixels


def test_oversampling_gives_edges_their_share():
    disc = Ellipsoid(x=0, y=0, z=0, a=5.3, b=5.3, c=3, attenuation=1.0)
    geometry = Geometry(n_z=4, n_x=32, n_slots=1, n_out=32)
    slices = truth_slices((disc,), geometry, Planes.middle(geometry), oversample=8)
    assert slices.z.sum() == pytest.approx(np.pi * 5.3**2, rel=5e-3)
