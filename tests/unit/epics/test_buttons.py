import pytest

from tomostream.core.ports import Command
from tomostream.epics.buttons import Buttons
from tomostream.testing.fakes import FakeClock


class Panel:
    """Buttons, and the records behind them."""

    def __init__(self):
        self.clock = FakeClock()
        self.buttons = Buttons(self.clock)
        self._handlers = {
            name: self.buttons.handler(name)
            for name in ("StartRecon", "AbortRecon", "BufferReset")
        }

    def show(self, name, *values):
        for value in values:
            self._handlers[name](float(value), 0.0)


@pytest.fixture
def panel():
    panel = Panel()
    for name in ("StartRecon", "AbortRecon", "BufferReset"):
        panel.show(name, 0)
    return panel


def test_a_press_and_release_aborts_once(panel):
    panel.show("AbortRecon", 1, 0)
    assert panel.buttons.commands() == [Command.ABORT]
    assert panel.buttons.commands() == []


def test_two_presses_abort_twice(panel):
    panel.show("AbortRecon", 1, 0, 1, 0)
    assert panel.buttons.commands() == [Command.ABORT, Command.ABORT]


def test_a_value_seen_twice_is_one_press(panel):
    panel.show("BufferReset", 1, 1)
    assert panel.buttons.commands() == [Command.RESET]


def test_commands_come_in_the_order_of_the_presses(panel):
    panel.show("StartRecon", 1)
    panel.show("BufferReset", 1)
    panel.show("AbortRecon", 1)
    assert panel.buttons.commands() == [Command.START, Command.RESET, Command.ABORT]


def test_a_start_that_stands_at_the_beginning_counts():
    panel = Panel()
    panel.show("StartRecon", 1)
    assert panel.buttons.commands() == [Command.START]


def test_an_abort_that_stands_at_the_beginning_does_not():
    panel = Panel()
    panel.show("AbortRecon", 1)
    assert panel.buttons.commands() == []


def test_a_start_while_it_runs_means_nothing(panel):
    panel.buttons.started(is_running=True)
    panel.show("StartRecon", 1)
    assert panel.buttons.commands() == []


def test_a_start_that_failed_at_once_is_taken_back(panel):
    panel.show("StartRecon", 1)
    panel.buttons.commands()
    assert panel.buttons.started(is_running=False) == 0


def test_a_start_that_was_not_heard_yet_is_let_stand(panel):
    panel.show("StartRecon", 1)
    assert panel.buttons.started(is_running=False) is None


def test_the_end_of_streaming_sets_start_to_done_once(panel):
    panel.show("StartRecon", 1)
    panel.buttons.commands()
    assert panel.buttons.started(is_running=True) is None
    assert panel.buttons.started(is_running=False) == 0
    assert panel.buttons.started(is_running=False) is None


def test_a_put_without_effect_is_repeated_after_a_second(panel):
    panel.show("StartRecon", 1)
    panel.buttons.commands()
    panel.buttons.started(is_running=False)
    panel.clock.advance(1.1)
    assert panel.buttons.started(is_running=False) == 0


def test_an_ioc_that_was_restarted_is_told_that_it_runs(panel):
    panel.show("StartRecon", 1)
    panel.buttons.commands()
    panel.buttons.started(is_running=True)
    panel.show("StartRecon", 0)
    assert panel.buttons.started(is_running=True) == 1
    panel.show("StartRecon", 1)
    assert panel.buttons.commands() == []


def test_a_record_never_seen_is_not_written_to():
    assert Panel().buttons.started(is_running=True) is None
