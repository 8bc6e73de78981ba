import pytest

from tomostream.epics.renewal import Renewal
from tomostream.testing.fakes import FakeClock


@pytest.fixture
def clock():
    return FakeClock()


def seconds_to_renewal(renewal, clock):
    waited = 0.0
    while not renewal.is_due(False):
        clock.advance(0.25)
        waited += 0.25
    return waited


def test_a_channel_away_for_five_seconds_is_made_anew(clock):
    assert seconds_to_renewal(Renewal(clock), clock) == 5.0


def test_the_wait_grows_but_stays_below_ten_seconds(clock):
    renewal = Renewal(clock)
    waits = [seconds_to_renewal(renewal, clock) for _ in range(50)]
    assert waits[:3] == [5.0, 7.5, 8.0]
    assert max(waits) == 8.0


def test_a_channel_that_came_back_has_its_patience_again(clock):
    renewal = Renewal(clock)
    for _ in range(3):
        seconds_to_renewal(renewal, clock)
    assert not renewal.is_due(True)
    assert seconds_to_renewal(renewal, clock) == 5.0


def test_a_connected_channel_is_left_alone(clock):
    renewal = Renewal(clock)
    for _ in range(100):
        clock.advance(1.0)
        assert not renewal.is_due(True)
