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
    is_connected = False

    def __init__(self, name):
        self.name = name

    def monitor(self, callback, request):
        type(self).given += (weakref.ref(callback),)
        if self.is_connected:
            callback(pvaccess.NtNdArray())

    def stopMonitor(self):  # noqa: N802  pvapy's name
        pass

    def isConnected(self):  # noqa: N802  pvapy's name
        return self.is_connected


@pytest.fixture
def opened(monkeypatch):
    """Give the references to all callbacks that were given to channels."""
    fake = type("OneTestsChannel", (FakeChannel,), {})
    monkeypatch.setattr(channel.pvaccess, "Channel", fake)

    return Opened(fake)


class Opened:
    """The callbacks that one test's channels were given."""

    def __init__(self, channel):
        self.channel = channel

    def __call__(self):
        return self.channel.given


class Looks(StopSignal):
    """A worker's stop, which says at each look whether the server is there."""

    def __init__(self, fake, states):
        super().__init__()
        self.fake, self.states = fake, iter(states)

    def wait(self, timeout_s):
        del timeout_s
        state = next(self.states, None)
        if state is not None:
            self.fake.is_connected = state
        return state is None


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


@pytest.mark.parametrize(
    ("states", "made"),
    [
        ([False, False, False], 1),
        ([False, True, True, True], 1),
        ([True, False, False, False], 2),
        ([True, False, True, True], 2),
        # The new channel was made while the server was away: a monitor that has not
        # begun has not been ended either.
        ([True, False, True, False], 2),
    ],
)
def test_a_channel_that_is_lost_is_made_anew_at_once(opened, states, made):
    source = ImageSubscriber("any:Image", FakeClock())
    opened.channel.is_connected = states[0]
    source._watch(Looks(opened.channel, states))
    assert len(opened()) == made
