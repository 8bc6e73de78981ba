"""Channel Access links whose IOC goes at any moment."""

import pytest
from epics import ca

from tomostream.epics import links
from tomostream.epics.links import RecordLinks
from tomostream.testing.fakes import FakeClock


class Library:
    """What the links use of the library: records that go as they are written to."""

    def __init__(self):
        self.is_connected, self.puts, self.fault = True, [], None

    def put(self, channel, value, **_):
        self.puts.append((channel, value))
        if self.fault is not None:
            raise self.fault


@pytest.fixture
def library(monkeypatch):
    made = Library()
    monkeypatch.setattr(links.ca, "use_initial_context", lambda: None)
    monkeypatch.setattr(links.ca, "create_channel", lambda name: name)
    monkeypatch.setattr(links.ca, "isConnected", lambda _channel: made.is_connected)
    monkeypatch.setattr(links.ca, "poll", lambda: None)
    monkeypatch.setattr(links.ca, "put", made.put)
    return made


@pytest.fixture
def going(library):
    """Give links to a record that was there when last looked."""
    made = RecordLinks({}, FakeClock(), written=["p:ReconStatus"])
    made.open()
    made.look()
    return made


def test_a_record_that_is_there_is_written(going, library):
    assert going.put("p:ReconStatus", "streaming") is True
    assert library.puts == [("p:ReconStatus", "streaming")]


@pytest.mark.parametrize(
    "fault",
    [
        # dbr.Map[field_type] of a channel without one.
        KeyError(-1),
        ca.ChannelAccessException("put() timed out"),
        ca.CASeverityException("put", "Virtual circuit disconnect"),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_a_record_that_goes_while_it_is_written_to_is_only_not_written(
    going, library, fault
):
    library.fault = fault
    assert going.put("p:ReconStatus", "streaming") is False


def test_a_record_that_has_gone_since_the_last_look_is_not_waited_for(going, library):
    library.is_connected = False
    assert going.put("p:ReconStatus", "streaming") is False
    assert library.puts == []
