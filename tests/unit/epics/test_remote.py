"""Records of others; no network is needed for what is not connected."""

from tomostream.epics.remote import RemoteRecords
from tomostream.testing.fakes import FakeClock


def test_an_optional_record_that_is_missing_is_no_lost_connection():
    records = RemoteRecords("motors", FakeClock())
    records.open("m:1.VAL").take(2.0, 0.0)
    records.open("p:LensChangeDryRun", is_optional=True)
    assert records.is_connected
    records.open("m:2.VAL")
    assert not records.is_connected
