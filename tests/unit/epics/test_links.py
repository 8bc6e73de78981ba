"""Channel Access links whose IOC goes at any moment."""

import pytest

from tomostream.epics import links
from tomostream.epics.links import RecordLinks
from tomostream.testing.fakes import FakeClock


@pytest.fixture
def going(monkeypatch):
    """Give links to a record that goes while it is written to."""

    def put(_channel, _value):
        # dbr.Map[field_type] of a channel without one.
        raise KeyError(-1)

    monkeypatch.setattr(links.ca, "use_initial_context", lambda: None)
    monkeypatch.setattr(links.ca, "create_channel", lambda name: name)
    monkeypatch.setattr(links.ca, "isConnected", lambda _channel: True)
    monkeypatch.setattr(links.ca, "poll", lambda: None)
    monkeypatch.setattr(links.ca, "put", put)
    made = RecordLinks({}, FakeClock(), written=["p:ReconStatus"])
    made.open()
    made.look()
    return made


def test_a_record_that_goes_while_it_is_written_to_is_only_not_written(going):
    assert going.put("p:ReconStatus", "streaming") is False
