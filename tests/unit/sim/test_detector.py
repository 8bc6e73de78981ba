import numpy as np
import pytest

from tomostream.core.frame import PIXEL_TYPES
from tomostream.sim.detector import Detector, binned

SHAPE = (24, 40)


def detector(dtype="u2", photons=0.0, seed=3, shape=SHAPE):
    return Detector(shape, np.dtype(dtype), photons=photons, seed=seed)


def exposed(camera, line_integrals):
    frame = np.empty(camera.shape, camera.dtype)
    camera.expose(np.array(line_integrals, np.float32), frame)
    return frame


@pytest.mark.parametrize("dtype", PIXEL_TYPES, ids=str)
def test_flat_field_correction_gives_the_line_integrals_back(dtype):
    camera = detector(dtype)
    wanted = np.linspace(0, 1.5, 24 * 40).reshape(SHAPE)
    frame = exposed(camera, wanted).astype(np.float64)

    transmission = (frame - camera.dark) / (camera.flat - camera.dark)
    # Half a count, seen through the weakest beam at the lowest transmission.
    rounding = 0.5 / (camera.beam.min() * np.exp(-1.5)) if dtype.kind != "f" else 1e-3
    assert np.abs(-np.log(transmission) - wanted).max() < 1.5 * rounding


@pytest.mark.parametrize("dtype", PIXEL_TYPES, ids=str)
def test_counts_stay_within_the_type(dtype):
    camera = detector(dtype, photons=5.0)
    frame = exposed(camera, np.zeros(SHAPE))
    assert frame.min() >= 0
    assert frame.max() <= min(
        65535, np.iinfo(dtype).max if dtype.kind in "iu" else 65535
    )


def test_dark_and_flat_have_a_pattern():
    camera = detector()
    assert camera.dark.std() > 0.05 * camera.dark.mean()
    assert camera.beam.min() < 0.8 * camera.beam.max()
    assert camera.dark.min() > 0


def test_noise_is_that_of_the_photons():
    camera = detector(photons=1000.0, shape=(200, 200))
    frames = np.array([exposed(camera, np.zeros((200, 200))) for _ in range(40)], float)
    brightest = camera.beam > 0.97 * camera.beam.max()
    relative = (frames.std(axis=0) / frames.mean(axis=0))[brightest].mean()
    assert relative == pytest.approx(1000**-0.5, rel=0.1)


def test_two_frames_differ_by_noise_alone():
    camera = detector(photons=1000.0)
    assert (exposed(camera, np.zeros(SHAPE)) != exposed(camera, np.zeros(SHAPE))).any()
    still = detector(photons=0.0)
    assert (exposed(still, np.zeros(SHAPE)) == exposed(still, np.zeros(SHAPE))).all()


def test_same_seed_gives_the_same_camera():
    assert (detector(seed=5).flat == detector(seed=5).flat).all()
    assert (detector(seed=5).flat != detector(seed=6).flat).any()


def test_averaged_field_has_less_noise_than_a_frame():
    camera = detector(photons=100.0, shape=(100, 100))
    one = camera.mean_field(camera.flat, 1) - camera.flat
    many = camera.mean_field(camera.flat, 100) - camera.flat
    assert many.std() == pytest.approx(one.std() / 10, rel=0.1)


def test_something_more_in_the_beam_attenuates_what_is_there():
    camera = detector("f4")
    thing = np.full((5, 7), 0.3, np.float32)
    wanted = np.full(SHAPE, 0.5)
    wanted[3:8, 10:17] += 0.3

    frame = exposed(camera, np.full(SHAPE, 0.5))
    camera.attenuate(frame, (slice(3, 8), slice(10, 17)), thing)

    assert np.allclose(frame, exposed(camera, wanted), rtol=1e-5)


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_binned_pixels_are_means_and_what_is_left_over_is_cut(dtype):
    image = np.arange(15).reshape(3, 5).astype(dtype)
    small = binned(image, 2)
    assert small.dtype == dtype
    np.testing.assert_array_equal(small, np.array([[3, 5]]).astype(dtype))
    assert binned(image, 1) is image
