"""A Channel Access repeater for a machine that has none.

``python -m tomostream.app.repeater`` is one, until it is ended.
"""

import os
import shutil
import socket
from collections.abc import Generator, Mapping
from contextlib import contextmanager

from tomostream.app.processes import Children, end_with_parent
from tomostream.core.errors import ProcessError
from tomostream.runtime import StopSignal, SystemClock

_PORT = 5065
_START_S = 5.0
_LOOK_S = 0.02


@contextmanager
def repeater() -> Generator[None, None, None]:
    """Make sure that there is a repeater; to be entered before Channel Access is used.

    libca looks for one when it is first used. Where none listens it starts the
    `caRepeater` of the search path, and complains on the terminal where that is not
    there either: only then one is started here, which ends with the context.
    """
    with Children() as children:
        if is_repeater_missing(os.environ):
            _start(children)
        yield


def is_repeater_missing(environ: Mapping[str, str]) -> bool:
    """Tell whether neither a repeater nor a program that would be one is there."""
    has_program = shutil.which("caRepeater", path=environ.get("PATH")) is not None
    return not has_program and not _is_there(_port(environ))


def _start(children: Children) -> None:
    child = children.start(
        "Channel Access repeater", [], environment=os.environ, module=__name__
    )
    clock, pause = SystemClock(), StopSignal()
    give_up_s = clock.monotonic_s() + _START_S
    port = _port(os.environ)
    while child.is_running and not _is_there(port):
        if clock.monotonic_s() > give_up_s:
            raise ProcessError(f"{child.name}: does not listen on UDP port {port}")
        pause.wait(_LOOK_S)
    # If it has ended, another one was quicker, or libca will say what is wrong.


def _port(environ: Mapping[str, str]) -> int:
    said = environ.get("EPICS_CA_REPEATER_PORT", "")
    return int(said) if said.isdecimal() and 0 < int(said) < 65536 else _PORT


def _is_there(port: int) -> bool:
    # As libca looks: whoever has the port is the repeater.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return True
    return False


if __name__ == "__main__":
    end_with_parent()
    from tomostream.epics.repeater import repeat_beacons

    repeat_beacons()
