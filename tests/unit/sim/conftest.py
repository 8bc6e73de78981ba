import pytest


class FakeClock:
    """Time that goes on only when told."""

    def __init__(self):
        self.time_s = 1000.0

    def now_s(self):
        return 1.7e9 + self.time_s

    def monotonic_s(self):
        return self.time_s


@pytest.fixture
def clock():
    return FakeClock()
