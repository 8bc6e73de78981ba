"""All records that every beamline has."""

from tomostream.core.controls.commands import COMMANDS
from tomostream.core.controls.declaration import Control
from tomostream.core.controls.readings import DETAILS, HEALTH, STATUS
from tomostream.core.controls.reconstruction import RECONSTRUCTION
from tomostream.core.controls.wiring import WIRING

CONTROLS: tuple[Control, ...] = (
    *WIRING, *RECONSTRUCTION, *COMMANDS, *STATUS, *DETAILS, *HEALTH,
)  # fmt: skip


def control(name: str) -> Control:
    """Give the control of that name.

    Raises
    ------
    KeyError
        There is none.
    """
    return _BY_NAME[name]


_BY_NAME = {c.name: c for c in CONTROLS}
