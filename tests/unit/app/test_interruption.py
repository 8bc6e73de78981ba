import os
import signal

import pytest

from tomostream.app.interruption import SIGNALS, Interruption


def test_nobody_asked_yet():
    with Interruption() as interruption:
        assert not interruption.wait(0.01)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_the_wait(number):
    with Interruption() as interruption:
        os.kill(os.getpid(), number)
        assert interruption.wait(5)


def test_many_requests_are_one():
    with Interruption() as interruption:
        for _ in range(100_000):
            interruption.request()
        assert interruption.is_set


def test_handlers_are_put_back():
    before = signal.getsignal(signal.SIGTERM)
    with Interruption():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
