import numpy as np

from tomostream.core.ring import RingLedger


def make_ledger():
    return RingLedger(10, scan_range=180, renewal=10)


def enter(ledger, ids):
    ids = np.asarray(ids)
    ledger.enter(ids % 10, ids)


def test_an_empty_ring_covers_nothing():
    ledger = make_ledger()
    assert (ledger.filled, ledger.stale, ledger.coverage_deg) == (0, 0, 0.0)


def test_half_the_slots_cover_half_the_range():
    ledger = make_ledger()
    enter(ledger, range(5))
    assert ledger.coverage_deg == 90.0
    assert ledger.completeness == 0.5


def test_a_lost_id_leaves_one_stale_slot_until_it_is_renewed():
    ledger = make_ledger()
    enter(ledger, range(10))
    enter(ledger, [i for i in range(10, 20) if i != 13])
    assert ledger.stale == 1
    assert ledger.completeness == 0.9
    enter(ledger, range(20, 24))
    assert ledger.stale == 0


def test_clearing_forgets_everything():
    ledger = make_ledger()
    enter(ledger, range(10))
    ledger.clear()
    assert ledger.filled == 0


def test_the_ring_tells_its_oldest_and_newest_id():
    ledger = RingLedger(4, scan_range=180, renewal=4)
    assert (ledger.oldest_id, ledger.newest_id) == (-1, -1)
    ledger.enter(np.array([0, 1, 0]), np.array([5, 6, 9]))
    assert (ledger.oldest_id, ledger.newest_id) == (6, 9)
