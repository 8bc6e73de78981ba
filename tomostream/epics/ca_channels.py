"""Channel Access channels, made and given up in one thread at a time."""

from collections.abc import Iterable
from typing import Any

from epics import ca

from tomostream.runtime import Lock

_TURN = Lock()
"""Held by who makes channels or gives them up.

pyepics knows a channel by its address in the library. To clear one it first gives the
address back, then forgets what is known under it. A channel that another thread makes
in between has that address, and is forgotten: all that is done with it afterwards fails
with "Unexpected channel ID".
"""


def make_channels(names: Iterable[str]) -> dict[str, Any]:
    """Give a channel of each name; the library begins to search for them."""
    with _TURN:
        return {name: ca.create_channel(name) for name in names}


def clear_channels(channels: Iterable[Any]) -> None:
    """Give channels up; no callback of theirs is called after it has returned."""
    with _TURN:
        for channel in channels:
            ca.clear_channel(channel)
