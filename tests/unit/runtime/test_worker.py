import logging

import pytest

from tomostream.runtime import Latest, StopSignal, SystemClock, Worker


def test_a_worker_ends_when_told_to():
    worker = Worker("patient", lambda stop: stop.wait(30.0))
    worker.start()
    assert worker.is_alive
    worker.stop()
    assert worker.join(10.0)
    assert worker.error is None


def test_a_worker_says_why_it_died(caplog):
    def fail(_: StopSignal) -> None:
        raise LookupError("no such thing")

    worker = Worker("fragile", fail)
    with caplog.at_level(logging.ERROR):
        worker.start()
        assert worker.join(10.0)
    assert isinstance(worker.error, LookupError)
    assert "worker died: fragile" in caplog.text


def test_joining_a_worker_that_never_started_returns():
    worker = Worker("unborn", lambda _: None)
    assert worker.join(0.0)
    assert worker.name == "unborn"


def test_join_tells_that_the_worker_still_runs():
    worker = Worker("busy", lambda stop: stop.wait(30.0))
    worker.start()
    assert not worker.join(0.01)
    worker.stop()
    assert worker.join(10.0)


def test_a_stop_signal_stays_set():
    stop = StopSignal()
    assert not stop.is_set()
    stop.set()
    assert stop.is_set()
    assert stop.wait(0.0)


def test_latest_gives_value_and_version_together():
    latest = Latest("a")
    latest.set("b")
    assert latest.snapshot() == ("b", 1)
    assert (latest.get(), latest.version) == ("b", 1)


def test_latest_wakes_who_waits():
    latest = Latest(0)
    worker = Worker("setter", lambda _: latest.set(1))
    worker.start()
    assert latest.wait_newer(0, 10.0)
    assert worker.join(10.0)


def test_latest_does_not_wait_for_ever():
    assert not Latest(0).wait_newer(0, 0.0)


def test_the_clock_goes_on():
    clock = SystemClock()
    assert clock.monotonic_s() <= clock.monotonic_s()
    assert clock.now_s() == pytest.approx(clock.now_s(), abs=60.0)
