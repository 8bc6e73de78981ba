"""Angles when tomoScan, its tables or the camera have been away: none is ever wrong."""

import numpy as np
import pytest

from tomostream.core.arrivals import SourceRole, TableArrival
from tomostream.core.errors import NoAngleError
from tomostream.core.schedule import AngleSchedule, TableAwaitedError
from tomostream.service.angles import AngleBook
from tomostream.service.settings import ServiceSettings

OLD_DEG, NEW_DEG = 0.0, 1000.0


def table(start_deg):
    values = (start_deg + 2.0 * np.arange(400)).astype(np.float32)
    return TableArrival(values=values, arrived_s=0.0)


@pytest.fixture
def book():
    """A scan from id 100 on, that goes on."""
    book = AngleBook(ServiceSettings())
    book.take_first_id(100, now_s=0.0)
    book.take_table(table(OLD_DEG), now_s=0.0)
    return book


def angle(book, frame_id):
    book.notice_frame()
    return book.place(frame_id, None).angle_deg


def test_a_scan_goes_on_while_nobody_tells_of_it(book):
    book.lose(SourceRole.SCAN)
    book.lose(SourceRole.TABLE)
    assert not book.settle(now_s=3600.0)
    assert angle(book, 110) == pytest.approx(OLD_DEG + 20)


def test_a_table_that_comes_before_its_first_id_waits_for_it(book):
    book.lose(SourceRole.SCAN)
    book.lose(SourceRole.TABLE)
    book.find(SourceRole.TABLE, now_s=10.0)
    assert not book.take_table(table(NEW_DEG), now_s=10.0)
    # However long that takes: records are found again later than channels.
    assert not book.settle(now_s=60.0)
    # Whether these frames are of the old scan still cannot be known.
    with pytest.raises(TableAwaitedError, match="first id of the new angle table"):
        angle(book, 150)
    book.find(SourceRole.SCAN, now_s=61.0)
    # Not what the records say at their start, but what follows.
    assert not book.take_first_id(0, now_s=61.0)
    assert not book.take_first_id(160, now_s=61.1)
    assert not book.settle(now_s=61.5)
    assert book.settle(now_s=61.7)
    assert angle(book, 150) == pytest.approx(OLD_DEG + 100)
    assert angle(book, 165) == pytest.approx(NEW_DEG + 10)


def test_a_first_id_that_comes_before_its_table_waits_for_the_channel(book):
    book.lose(SourceRole.SCAN)
    book.lose(SourceRole.TABLE)
    book.find(SourceRole.SCAN, now_s=10.0)
    book.take_first_id(160, now_s=10.0)
    # The old table would be wrong for the new scan.
    assert not book.settle(now_s=30.0)
    with pytest.raises(TableAwaitedError):
        angle(book, 165)
    book.find(SourceRole.TABLE, now_s=31.0)
    assert not book.take_table(table(NEW_DEG), now_s=31.0)
    assert book.settle(now_s=33.1)
    assert angle(book, 165) == pytest.approx(NEW_DEG + 10)


def test_a_first_id_that_no_table_follows_moves_the_old_one(book):
    book.lose(SourceRole.SCAN)
    book.find(SourceRole.SCAN, now_s=10.0)
    book.take_first_id(160, now_s=10.0)
    assert book.settle(now_s=30.0)
    assert angle(book, 165) == pytest.approx(OLD_DEG + 10)


def test_records_that_came_again_without_their_memory_are_not_believed(book):
    book.lose(SourceRole.SCAN)
    book.find(SourceRole.SCAN, now_s=10.0)
    assert not book.take_first_id(0, now_s=10.0)
    book.settle(now_s=30.0)
    assert angle(book, 110) == pytest.approx(OLD_DEG + 20)


@pytest.mark.parametrize("is_seen", [True, False])
def test_a_camera_that_counts_anew_waits_for_tomoscan_that_was_away_too(book, is_seen):
    """Its ids may even look like the old ones going on."""
    book.lose(SourceRole.IMAGE)
    book.lose(SourceRole.SCAN)
    book.lose(SourceRole.TABLE)
    if is_seen:
        book.restart(100)
    for frame_id in (5, 110):
        with pytest.raises(TableAwaitedError, match="first id is awaited"):
            angle(book, frame_id)
    # Even where the first id is the old one by chance.
    book.find(SourceRole.SCAN, now_s=10.0)
    book.take_first_id(100, now_s=10.0)
    with pytest.raises(TableAwaitedError):
        angle(book, 110)
    book.find(SourceRole.TABLE, now_s=11.0)
    book.take_table(table(NEW_DEG), now_s=11.0)
    assert book.settle(now_s=11.6)
    assert angle(book, 110) == pytest.approx(NEW_DEG + 20)
    with pytest.raises(NoAngleError, match="before the first id 100"):
        angle(book, 99)


def test_a_camera_that_comes_after_tomoscan_has_its_angles(book):
    for role in (SourceRole.IMAGE, SourceRole.SCAN, SourceRole.TABLE):
        book.lose(role)
    book.find(SourceRole.TABLE, now_s=10.0)
    book.find(SourceRole.SCAN, now_s=10.0)
    book.take_table(table(NEW_DEG), now_s=10.0)
    book.take_first_id(1, now_s=10.0)
    assert book.settle(now_s=12.1)
    book.restart(1)
    assert angle(book, 6) == pytest.approx(NEW_DEG + 10)


def test_a_first_id_counts_before_its_connection_is_noticed(book):
    for role in (SourceRole.IMAGE, SourceRole.SCAN, SourceRole.TABLE):
        book.lose(role)
    book.take_first_id(40, now_s=10.0)
    with pytest.raises(TableAwaitedError):
        angle(book, 45)
    book.find(SourceRole.SCAN, now_s=10.1)
    book.take_table(table(NEW_DEG), now_s=10.1)
    book.find(SourceRole.TABLE, now_s=10.2)
    assert book.settle(now_s=12.3)
    assert angle(book, 45) == pytest.approx(NEW_DEG + 10)


def test_a_camera_alone_that_was_away_keeps_its_scan(book):
    book.lose(SourceRole.IMAGE)
    assert angle(book, 150) == pytest.approx(OLD_DEG + 100)


@pytest.mark.parametrize("is_noticed_at", [105, 95, 5])
def test_a_camera_alone_that_counts_anew_begins_at_the_scans_first_angle(
    book, is_noticed_at
):
    """However many of its first frames were lost before that was noticed."""
    angle(book, 150)
    book.lose(SourceRole.IMAGE)
    book.restart(100)
    assert angle(book, is_noticed_at) == pytest.approx(OLD_DEG + 2 * is_noticed_at)


def test_a_camera_that_counts_anew_forgets_the_scans_of_its_old_count(book):
    book.take_first_id(150, now_s=1.0)
    book.take_table(table(NEW_DEG), now_s=1.0)
    angle(book, 160)
    book.restart(150)
    assert angle(book, 120) == pytest.approx(NEW_DEG + 240)


@pytest.mark.parametrize("is_table_late", [True, False])
def test_a_scan_that_is_told_of_before_the_camera_counts_anew_is_of_the_new_count(
    book, is_table_late
):
    """Its first twenty frames may be dark and flat ones."""
    angle(book, 150)
    book.take_first_id(20, now_s=1.0)
    if is_table_late:
        book.restart(20)
        with pytest.raises(TableAwaitedError):
            angle(book, 25)
    book.take_table(table(NEW_DEG), now_s=1.0)
    if not is_table_late:
        book.restart(20)
    with pytest.raises(NoAngleError, match="before the first id 20"):
        angle(book, 15)
    assert angle(book, 25) == pytest.approx(NEW_DEG + 10)


def test_large_tables_of_old_scans_are_given_up(book, monkeypatch):
    """One of 131 million angles takes 524 MB."""
    monkeypatch.setattr(AngleSchedule, "_KEPT_BYTES", 2 * 400 * 4)
    for number in range(1, 4):
        book.take_first_id(100 * (number + 1), now_s=number)
        book.take_table(table(number * NEW_DEG), now_s=number)
    assert angle(book, 305) == pytest.approx(2 * NEW_DEG + 10)
    assert angle(book, 405) == pytest.approx(3 * NEW_DEG + 10)
    with pytest.raises(NoAngleError, match="before the first id 300"):
        angle(book, 105)


def test_a_scan_that_begins_at_1_does_so_however_often_the_camera_counts_anew(
    streaming,
):
    for _ in range(3):
        streaming.clock.advance(1.0)
        streaming.send_frames(range(1, 9))
        angles = {c.value: c.angle_deg for c in streaming.engine.slots.values()}
        assert angles == {number: number - 1.0 for number in range(5, 9)}
