"""The Channel Access repeater, as libca has it within itself."""

import ctypes

from epics import ca


def repeat_beacons() -> None:
    """Hand the beacons of servers on to the clients of this machine; never returns.

    EPICS base's `caRepeater` does the same, but comes with no Python package for Linux.
    """
    # What caRepeater calls, by the name that is not mangled.
    ctypes.CDLL(str(ca.find_libca())).caRepeaterThread(None)
