"""Request files: what autosave saves, and which records the service uses."""

from collections.abc import Iterable

from tomostream.core.controls import CONTROLS, LENS_CHANGE, Control
from tomostream.epics.generate.beamlines import Beamline

_HEAD = """\
# Made by `tomostream generate` from tomostream/core/controls; do not edit.
#
# Autosave saves what the plain lines name. What a line with #controlPV names is used
# by the service and not saved. A name that ends in PVPrefix is a prefix of other
# records, one in PVName names another record to open.

"""


def settings() -> str:
    """Give the request file of the records that every beamline has."""
    return _HEAD + _lines(CONTROLS)


def lens_change_settings() -> str:
    """Give the request file of the records that 2-BM has besides."""
    return _HEAD + _lines(LENS_CHANGE)


def auto_settings(beamline: Beamline) -> str:
    """Give what `create_monitor_set` is told at one beamline."""
    names = ["tomoStream_settings.req"]
    if beamline.lens_change:
        names.append("tomoStream_2BM_settings.req")
    lines = [f'file "../db/{name}", P=$(P), R=$(R)' for name in names]
    return "# Made by `tomostream generate`; do not edit.\n" + "\n".join([*lines, ""])


def _lines(controls: Iterable[Control]) -> str:
    # Saved by autosave means a field's value: long text is in VAL$.
    return "".join(
        f"$(P)$(R){c.name}{'.VAL$' if c.kind == 'long_text' else ''}\n"
        if c.is_saved
        else f"#controlPV $(P)$(R){c.name}\n"
        for c in controls
    )
