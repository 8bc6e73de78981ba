import pytest

from tomostream.app.awaiting import Awaiting
from tomostream.app.config import Config
from tomostream.core.errors import ProcessError
from tomostream.core.ports import Command
from tomostream.runtime import StopSignal, SystemClock
from tomostream.testing.fakes import FakeControls

SILENT = "2bm:TomoScanStream:ImagePVAPName"


class Records(FakeControls):
    """An operator's records that note whether they are served."""

    name, is_connected, error = "records", True, None
    is_served = False

    def start(self, sink=None):
        self.is_served = True

    def stop(self):
        self.is_served = False

    @property
    def text(self):
        return str(self.readings.get("ReconStatus", ""))

    @property
    def state(self):
        return self.readings.get("SessionState")


@pytest.fixture
def records():
    return Records()


@pytest.fixture
def awaiting(records):
    with Awaiting(Config(prefix="t:"), records, SystemClock()) as waiting:
        yield waiting


def until(condition):
    for _ in range(500):
        if condition():
            return
        StopSignal().wait(0.01)
    pytest.fail("not within 5 s")


def test_nothing_is_told_where_nothing_is_awaited(awaiting, records):
    assert awaiting.handed_over() == Config(prefix="t:")
    assert not records.is_served
    assert records.readings == {}


def test_it_says_which_record_is_silent_and_no_more_when_it_answers(awaiting, records):
    awaiting.tell([SILENT])
    until(lambda: SILENT in records.text)
    assert records.text.startswith("idle: not started; ")
    assert SILENT in records.readings["ErrorText"]
    assert records.readings["ImageConnection"] == "Disconnected"
    assert records.readings["FrameRateHz"] == 0
    awaiting.tell([])
    until(lambda: SILENT not in records.text)


def test_one_abort_ends_what_waits_and_start_is_heard_again(awaiting, records):
    awaiting.tell([SILENT])
    records.press(Command.START)
    until(lambda: records.state == "waiting")
    records.press(Command.ABORT)
    until(lambda: records.state == "idle")
    assert records.text.startswith("idle: stopped by the operator; ")
    records.press(Command.START)
    until(lambda: records.state == "waiting")


@pytest.mark.parametrize("is_aborted", [False, True])
def test_what_waits_goes_on_in_the_service_and_what_was_aborted_does_not(
    awaiting, records, is_aborted
):
    awaiting.tell([SILENT])
    records.press(Command.START)
    until(lambda: records.state == "waiting")
    if is_aborted:
        records.press(Command.ABORT)
        until(lambda: records.state in {"stopping", "idle"})
    assert awaiting.handed_over().start_at_once is not is_aborted
    assert not records.is_served
    # StartRecon follows it: a client that waits for the end waits on.
    assert records.state == ("idle" if is_aborted else "waiting")


def test_an_end_while_it_waits_ends_the_session(records):
    with Awaiting(Config(prefix="t:"), records, SystemClock()) as awaiting:
        awaiting.tell([SILENT])
        records.press(Command.START)
        until(lambda: records.state == "waiting")
    assert records.text.startswith("idle: the service has ended")
    assert not records.is_served


def test_records_that_died_are_told(awaiting, records):
    records.error = RuntimeError("gone")
    with pytest.raises(ProcessError, match="records has died: gone"):
        awaiting.tell([SILENT])
