"""The frames kept behind the filtered ring."""

import numpy as np

from tomostream.recon.raw_ring import RawRing


def pixels(value: int = 0) -> np.ndarray:
    return np.full((3, 4), value, np.uint16)


def stored(capacity: int, *slots: int) -> RawRing:
    ring = RawRing(capacity)
    for slot in slots:
        ring.store(slot, pixels(slot), angle_deg=slot * 1.0, generation=0)
    return ring


def test_newest_frame_of_a_slot_is_kept() -> None:
    ring = stored(3, 1, 1)
    ring.store(1, pixels(9), angle_deg=5.0, generation=2)
    ring.mark_all()
    [(slot, frame)] = ring.take(10)
    assert (slot, frame.angle_deg, frame.generation) == (1, 5.0, 2)
    assert (frame.pixels == 9).all()


def test_full_ring_forgets_the_oldest() -> None:
    ring = stored(2, 0, 1, 2)
    ring.mark_all()
    assert [slot for slot, _ in ring.take(10)] == [1, 2]
    assert ring.nbytes == 2 * pixels().nbytes


def test_forgotten_frame_does_not_wait() -> None:
    ring = stored(2, 0, 1)
    ring.mark_all()
    ring.store(5, pixels(), angle_deg=0.0, generation=0)
    assert ring.waiting == 1


def test_own_copies_reuse_their_memory() -> None:
    ring = stored(1, 0)
    ring.mark_all()
    [(_, before)] = ring.take(1)
    ring.store(0, pixels(3), angle_deg=0.0, generation=0)
    ring.mark_all()
    [(_, after)] = ring.take(1)
    assert np.shares_memory(before.pixels, after.pixels)
    assert (after.pixels == 3).all()


def test_read_only_frames_are_never_written_to() -> None:
    ring = RawRing(1)
    theirs = pixels(4)
    theirs.flags.writeable = False
    ring.store(0, theirs, angle_deg=0.0, generation=0)
    ring.store(0, pixels(5), angle_deg=0.0, generation=0)
    assert (theirs == 4).all()


def test_ring_without_room_keeps_nothing() -> None:
    ring = stored(0, 1, 2)
    ring.mark_all()
    assert len(ring) == ring.waiting == ring.nbytes == 0


def test_marking_for_new_fields_changes_the_generation() -> None:
    ring = stored(2, 0, 1)
    ring.mark_all(generation=3)
    assert {frame.generation for _, frame in ring.take(2)} == {3}
    assert ring.waiting == 0


def test_clear_forgets_everything() -> None:
    ring = stored(2, 0, 1)
    ring.mark_all()
    ring.clear()
    assert len(ring) == ring.waiting == ring.nbytes == 0


def test_lent_frames_are_the_newest_last_and_stay_as_they_are() -> None:
    ring = stored(3, 2, 0, 1)
    ring.store(2, pixels(7), angle_deg=9.0, generation=0)
    lent = ring.lend()
    ring.store(2, pixels(8), angle_deg=1.0, generation=0)
    assert [frame.angle_deg for frame in lent] == [0.0, 1.0, 9.0]
    assert (lent[-1].pixels == 7).all()
