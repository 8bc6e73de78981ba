"""Channels that two threads make and give up at the same moment."""

from threading import Event, Thread

import pytest

from tomostream.epics import ca_channels
from tomostream.epics.ca_channels import clear_channels, make_channels

A_MOMENT_S = 0.2
"""Enough for a thread that nobody holds up to make a channel."""


class FakeLibrary:
    """Keep channels as pyepics does: an address is free before it is forgotten."""

    def __init__(self):
        self.known, self._free = {}, [1]
        self.is_clearing, self.is_made = Event(), Event()

    def create_channel(self, name):
        address = self._free.pop() if self._free else max(self.known) + 1
        self.known[address] = name
        self.is_made.set()
        return address

    def clear_channel(self, address):
        self._free.append(address)
        self.is_made.clear()
        self.is_clearing.set()
        self.is_made.wait(A_MOMENT_S)
        del self.known[address]


@pytest.fixture
def library(monkeypatch):
    made = FakeLibrary()
    monkeypatch.setattr(ca_channels, "ca", made)
    return made


def test_a_channel_is_known_though_another_thread_clears_one_meanwhile(library):
    old = make_channels(["p:Old"])
    clearing = Thread(target=clear_channels, args=[old.values()])
    clearing.start()
    library.is_clearing.wait(5)
    new = make_channels(["p:New"])
    clearing.join(5)
    assert library.known == {new["p:New"]: "p:New"}
