"""The strip of candidates and the overlay of opposite views."""

from dataclasses import replace

import numpy as np
import pytest

from tomostream.core.errors import ReconstructionError
from tomostream.core.geometry import Planes
from tomostream.core.parameters import FilterType, ReconParameters
from tomostream.recon.center import center_strip, overlay
from tomostream.recon.center.digits import drawn
from tomostream.recon.engine import Engine
from tomostream.recon.snapshot import RingSnapshot
from tomostream.sim.phantom import Ellipsoid, head_phantom, truth_slices
from tomostream.testing.rings import ring_of

CENTER = 60.3
HALF_TURN = np.arange(120) * 1.5
HEAD = head_phantom(128, 32, fill=0.8).still


def head_ring(**settings) -> RingSnapshot:
    return ring_of(HEAD, HALF_TURN, shape=(32, 128), center=CENTER, **settings)


def engine_slice(ring: RingSnapshot, center: float) -> np.ndarray:
    engine = Engine(backend="cpu", threads=1, ring_dtype="float")
    engine.configure(ring.geometry, replace(ring.parameters, center=center))
    engine.set_fields(ring.dark, ring.flat)
    engine.add(ring.frames, ring.angles_deg, np.arange(len(ring.frames)))
    return engine.slices().z


def test_each_slice_is_that_of_the_engine_with_its_center() -> None:
    ring = head_ring()
    strip = center_strip(ring, CENTER, 1.0, count=3)
    assert strip.width == 128
    assert strip.pixels.shape[1] == 3 * 128
    assert strip.centers == pytest.approx((59.3, 60.3, 61.3))
    for k, center in enumerate(strip.centers):
        tile = strip.pixels[:128, k * 128 : (k + 1) * 128]
        # One rounding of the lines to float32 apart.
        np.testing.assert_allclose(tile, engine_slice(ring, center), atol=1e-5)


def test_piece_of_a_wide_slice_lies_around_the_crosshair() -> None:
    ring = head_ring()
    planes = Planes(x=80, y=40, z=16)
    # Parzen passes nothing near Nyquist, where a shift by parts of a pixel shows.
    parameters = ReconParameters(
        center=CENTER, filter_type=FilterType.PARZEN, planes=planes
    )
    ring = replace(ring, parameters=parameters)
    strip = center_strip(ring, CENTER, 0.5, count=1, width=48)
    wanted = engine_slice(ring, CENTER)[40 - 24 : 40 + 24, 80 - 24 : 80 + 24]
    tile = strip.pixels[:48]
    error = np.linalg.norm(tile - wanted) / np.linalg.norm(wanted)
    # The engine interpolates lines linearly, which blurs; the shift does not.
    assert error < 0.03


def test_piece_stays_inside_the_slice() -> None:
    ring = head_ring()
    corner = replace(ring.parameters, planes=Planes(x=0, y=127, z=16))
    strip = center_strip(
        replace(ring, parameters=corner), CENTER, 0.5, count=1, width=48
    )
    wanted = engine_slice(ring, CENTER)[80:128, :48]
    tile = strip.pixels[:48]
    assert np.corrcoef(tile.ravel(), wanted.ravel())[0, 1] > 0.9


def test_half_acquisition_shows_the_whole_sample() -> None:
    wide = head_phantom(200, 32, fill=0.9).still
    turn = np.arange(0.0, 360.0, 2.0)
    ring = ring_of(wide, turn, shape=(32, 128), center=20.2, noise=0.0)
    parameters = replace(ring.parameters, filter_type=FilterType.SHEPP_LOGAN)
    ring = replace(ring, parameters=parameters)
    strip = center_strip(ring, 20.2, 1.0, count=3, width=300)
    width = ring.geometry.n_out
    assert strip.width == width > 200
    truth = truth_slices(wide, ring.geometry, ring.parameters.planes, oversample=3).z
    errors = [
        np.linalg.norm(strip.pixels[:width, k * width : (k + 1) * width] - truth)
        for k in range(3)
    ]
    # Edges are blurred by the filter; with a wrong centre they are doubled.
    assert errors[1] < 0.25 * np.linalg.norm(truth)
    assert errors[1] < 0.5 * min(errors[0], errors[2])
    middle = strip.pixels[:width, width : 2 * width]
    body = truth > 0
    assert np.median(middle[body] / truth[body]) == pytest.approx(1.0, abs=0.01)


def test_value_stands_under_each_slice_and_a_bar_under_the_middle() -> None:
    strip = center_strip(head_ring(), CENTER, 0.5, count=3)
    label = strip.pixels[128:]
    assert len(label) > 7
    light = label > 0.5 * (label.max() + label.min())
    assert light[0, 128:256].all()
    assert not light[0, :128].any()
    ink = drawn("59.80", scale=2)
    under_first = light[2:, :128]
    left = (128 - ink.shape[1]) // 2
    assert (under_first[:, left : left + ink.shape[1]] == ink).all()


def test_digits_differ() -> None:
    glyphs = [drawn(character).tobytes() for character in "0123456789.- "]
    assert len(set(glyphs)) == len(glyphs)


def test_strip_of_an_empty_ring_is_refused() -> None:
    with pytest.raises(ReconstructionError, match="empty"):
        center_strip(replace(head_ring(), frames=()), CENTER, 0.5)


def test_strip_about_no_center_is_refused() -> None:
    with pytest.raises(ReconstructionError, match="finite"):
        center_strip(head_ring(), float("nan"), 0.5)


def difference(ring: RingSnapshot, center: float) -> np.ndarray:
    shown = overlay(ring, center)
    assert shown is not None
    return shown.pixels[:, : ring.geometry.n_x]


def test_overlay_is_flat_about_the_axis_and_not_beside_it() -> None:
    ring = head_ring(noise=0.0)
    right, wrong = difference(ring, CENTER), difference(ring, CENTER + 1.0)
    # What is left comes from the step of 1.5 degrees that the ring's ends lack.
    assert np.abs(right).sum() < 0.4 * np.abs(wrong).sum()


def test_overlay_shows_a_roll_by_signs_that_change_between_top_and_bottom() -> None:
    post = Ellipsoid(x=0, y=0, z=0, a=12, b=12, c=1e4, attenuation=0.05)
    turn = np.arange(0.0, 360.0, 30.0)
    ring = ring_of(
        [post], turn, shape=(96, 128), center=CENTER, roll_deg=1.5, noise=0.0
    )  # fmt: skip
    shown = difference(ring, CENTER)
    lean = shown[:, 40:60].sum(axis=1) - shown[:, 61:81].sum(axis=1)
    top, bottom = lean[10:30], lean[66:86]
    assert np.abs(lean).max() > 1.0
    assert (np.sign(top) == -np.sign(bottom)).all()


def test_chequerboard_shows_both_views_and_only_the_newest_where_one_sees() -> None:
    ring = head_ring(noise=0.0)
    shown = overlay(ring, 40.0)
    assert shown is not None
    blend = shown.pixels[:, 128:]
    newest = ring.lines(len(ring.frames) - 1)
    # Columns beyond 2 * 40 have no mirror image on the detector.
    np.testing.assert_array_equal(blend[:, 81:], newest[:, 81:])
    np.testing.assert_array_equal(shown.pixels[:, 81:128], 0.0)
    own = (blend[:, :80] == newest[:, :80]).mean()
    assert 0.4 < own < 0.9
    assert shown.excess_deg == pytest.approx(1.5)
    assert shown.angle_deg == 178.5


def test_overlay_needs_an_opposite_view() -> None:
    ring = head_ring()
    half = replace(ring, frames=ring.frames[:60], angles_deg=ring.angles_deg[:60])
    assert overlay(half, CENTER) is None
    assert overlay(replace(ring, frames=()), CENTER) is None
