import numpy as np
import pytest

from tomostream.core.frame import FrameKind
from tomostream.testing.arrivals import field_arrival

DARK, FLAT = FrameKind.DARK, FrameKind.FLAT


def corrected(bench):
    bench.health()
    return bench.controls.readings["Corrected"]


def test_streaming_needs_no_fields_and_says_so(streaming):
    assert corrected(streaming) == "uncorrected"
    assert "uncorrected" in streaming.status
    assert len(streaming.engine.slots) == 10


@pytest.mark.parametrize(
    ("kinds", "word"),
    [((DARK,), "dark only"), ((FLAT,), "flat only"), ((DARK, FLAT), "corrected")],
)
def test_it_says_which_fields_are_in_use(streaming, kinds, word):
    streaming.send(*(field_arrival(kind) for kind in kinds))
    assert corrected(streaming) == word


def test_the_first_dark_and_flat_refilter_the_ring(streaming):
    streaming.send(field_arrival(DARK), field_arrival(FLAT))
    assert streaming.engine.fields[-2:] == [(True, False, True), (True, True, True)]
    assert streaming.engine.slots_waiting == 0


def test_later_fields_apply_to_new_frames_only(streaming):
    streaming.send(field_arrival(DARK), field_arrival(DARK, 2.0))
    assert [refilter for *_, refilter in streaming.engine.fields[-2:]] == [True, False]


def test_later_fields_apply_to_the_ring_where_that_is_set(make_bench):
    bench = make_bench(refilter_on_new_fields=True)
    bench.start()
    bench.scan()
    bench.send(1, field_arrival(DARK), field_arrival(DARK, 2.0))
    assert [refilter for *_, refilter in bench.engine.fields[-2:]] == [True, True]


def test_a_field_applies_from_its_arrival_on(streaming):
    before = len(streaming.engine.fields)
    for arrival in (streaming.image(11), field_arrival(DARK), streaming.image(12)):
        streaming.queue.put(arrival)
    streaming.settle()
    generations = [streaming.engine.slots[k].generation - before for k in (10, 11)]
    assert generations == [0, 1]


def test_a_field_that_comes_again_changes_nothing(streaming):
    streaming.send(field_arrival(FLAT))
    calls = len(streaming.engine.fields)
    streaming.send(field_arrival(FLAT), field_arrival(FLAT))
    assert len(streaming.engine.fields) == calls


def test_fields_that_came_before_the_start_are_used(bench):
    bench.send(field_arrival(DARK), field_arrival(FLAT))
    bench.start()
    bench.scan()
    bench.send(1)
    assert bench.engine.fields[-1] == (True, True, False)
    assert corrected(bench) == "corrected"


def test_a_field_of_another_size_is_kept_aside_and_told(streaming):
    streaming.send(field_arrival(FLAT, n_pixels=4))
    assert corrected(streaming) == "uncorrected"
    assert "flat of 4 pixels kept aside: frames have 16" in streaming.status


def test_a_field_kept_aside_is_used_when_frames_of_its_size_come(streaming):
    streaming.send(field_arrival(FLAT, n_pixels=4))
    smaller = np.zeros((1, 4), np.uint16)
    streaming.send(streaming.image(11, smaller), streaming.image(12, smaller))
    assert corrected(streaming) == "flat only"


def test_after_a_change_of_size_old_fields_are_not_used(streaming):
    streaming.send(field_arrival(FLAT))
    smaller = np.zeros((1, 4), np.uint16)
    streaming.send(streaming.image(11, smaller), streaming.image(12, smaller))
    assert streaming.engine.fields[-1] == (False, False, False)
    assert corrected(streaming) == "uncorrected"


def test_an_empty_field_is_ignored(streaming):
    calls = len(streaming.engine.fields)
    streaming.send(field_arrival(FLAT, n_pixels=0))
    assert len(streaming.engine.fields) == calls


def test_fields_of_many_sizes_do_not_pile_up(streaming):
    streaming.send(field_arrival(FLAT))
    for n_pixels in range(20, 60):
        streaming.send(field_arrival(FLAT, n_pixels=n_pixels))
    kept = streaming.loop._fields._kept[FLAT]
    assert len(kept) <= 4
    assert 16 in kept


def test_dead_pixels_are_told(streaming):
    streaming.send(field_arrival(FLAT, 0.0))
    assert "16 dead pixels interpolated" in streaming.status


def test_fields_that_were_superseded_in_the_queue_are_told(streaming):
    for value in range(20):
        streaming.queue.put(field_arrival(DARK, value))
    assert "4 fields or tables came too fast" in streaming.status
