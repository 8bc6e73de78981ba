import gc
import weakref

import pvaccess
import pytest

from tomostream.epics import channel
from tomostream.epics.subscriber import ImageSubscriber
from tomostream.runtime import StopSignal
from tomostream.testing.fakes import FakeClock


class FakeChannel:
    """A channel that tells what it was given, and keeps no reference to it."""

    given = ()

    def __init__(self, name):
        self.name = name

    def monitor(self, callback, request):
        type(self).given += (weakref.ref(callback),)

    def stopMonitor(self):  # noqa: N802  pvapy's name
        pass

    def isConnected(self):  # noqa: N802  pvapy's name
        return False


@pytest.fixture
def opened(monkeypatch):
    """Give the references to all callbacks that were given to channels."""
    fake = type("OneTestsChannel", (FakeChannel,), {})
    monkeypatch.setattr(channel.pvaccess, "Channel", fake)
    return lambda: fake.given


def run_and_forget():
    """Watch a channel until a stop that has been asked for; give up the source."""
    source = ImageSubscriber("any:Image", FakeClock())
    stop = StopSignal()
    stop.set()
    source._watch(stop)
    source.stop()


def test_a_callback_outlives_its_source(opened):
    run_and_forget()
    gc.collect()
    (callback,) = opened()
    assert callback() is not None


def test_an_event_that_comes_after_the_stop_is_put_nowhere(opened):
    run_and_forget()
    (callback,) = opened()
    callback()(pvaccess.NtNdArray())


def test_a_channel_made_anew_takes_no_further_memory(opened):
    source = ImageSubscriber("any:Image", FakeClock())
    kept = len(channel._CALLBACKS)
    for _ in range(100):
        source._opened()
    assert len(channel._CALLBACKS) == kept
    assert len({id(callback()) for callback in opened()}) == 1
