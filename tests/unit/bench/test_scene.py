"""The frames that everything is timed on."""

import numpy as np
import pytest

from tomostream.bench import scene as scenes
from tomostream.bench.scene import Feed, draw_scene
from tomostream.core.geometry import Geometry


@pytest.fixture(scope="module")
def scene():
    return draw_scene(64, 20)


def test_frames_cannot_be_written_as_from_pvaccess(scene):
    assert not scene.frames[3].flags.writeable


def test_frames_are_counts_of_a_detector_that_is_not_saturated(scene):
    assert scene.frames.dtype == np.uint16
    assert scene.frames.min() > 50
    assert scene.frames.max() < 65535


def test_frames_show_an_absorbing_body_with_noise(scene):
    transmission = (scene.frames - scene.dark) / (scene.flat - scene.dark)
    assert transmission[:, 32, 32].mean() < 0.6
    background = transmission[:, 2:6, 2:6]
    assert 0.001 < background.std() < 0.1


def test_same_frames_at_each_call(scene):
    assert np.array_equal(scene.frames, draw_scene(64, 20).frames)


def test_pool_is_cut_where_all_frames_would_not_fit(monkeypatch):
    monkeypatch.setattr(scenes, "_POOL_BYTES", 64 * 64 * 2 * 40)
    assert len(draw_scene(64, 500).frames) == 40


def test_a_revolution_fills_every_slot_once(scene):
    feed = Feed(scene, Geometry(n_z=64, n_x=64, n_slots=21, n_out=64), 8)
    slots = np.concatenate([batch.slots for batch in feed.revolution()])
    assert sorted(slots) == list(range(21))


def test_the_next_batch_goes_on_where_the_last_one_ended(scene):
    feed = Feed(scene, Geometry(n_z=64, n_x=64, n_slots=21, n_out=64), 4)
    first, second = feed.take(), feed.take()
    assert second.theta_deg[0] - first.theta_deg[-1] == pytest.approx(180 / 21)
    assert second.slots[0] == first.slots[-1] + 1
    assert len(second.frames) == 4


def test_zingers_are_few_and_the_rest_stays_as_it_is():
    plain, hit = draw_scene(64, 40), draw_scene(64, 40, has_zingers=True)
    is_hit = hit.frames != plain.frames
    assert np.all(hit.frames[is_hit] == 65535)
    # 16 are expected of 164,000 pixels.
    assert 3 < np.count_nonzero(is_hit) < 40
