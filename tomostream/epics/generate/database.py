"""Database templates and their substitutions."""

from collections.abc import Iterable, Mapping

from tomostream.core.controls import CONTROLS, LENS_CHANGE, Control
from tomostream.epics.database import database_text
from tomostream.epics.generate.beamlines import Beamline

_PREFIX = "$(P)$(R)"

_HEAD = """\
# Made by `tomostream generate` from tomostream/core/controls; do not edit.
#
# Needs EPICS 7 (lso, int64out, JSON links).{busy}
#
# Macros: {macros}

"""
_BUSY = """ StartRecon is a busy record of synApps; an IOC
# without it loads this with BUSY=bo: put-callbacks wait all the same."""

BASE_MACROS = (
    "P", "R", "TOMO_SCAN", "IMAGE_P", "DARK_PVA", "FLAT_PVA", "RECON_PVA", "THETA_PVA",
)  # fmt: skip
LENS_CHANGE_MACROS = (
    "P", "R", "MCT_OPTICS", "TOMO_0_DEG", "TOMO_90_DEG", "SAMPLE_Y", "ROI_PLUGIN",
)  # fmt: skip


def base_template() -> str:
    """Give the records that every beamline has."""
    return _template(CONTROLS, (*BASE_MACROS, "BUSY (default busy)"), busy=_BUSY)


def lens_change_template() -> str:
    """Give the records that 2-BM has besides."""
    return _template(LENS_CHANGE, LENS_CHANGE_MACROS, busy="")


def _template(controls: Iterable[Control], macros: Iterable[str], *, busy: str) -> str:
    text = database_text(_PREFIX, controls, macros={})
    head = _HEAD.format(macros=", ".join(macros), busy=busy)
    return head + text.replace("$(BUSY)", "$(BUSY=busy)")


def substitutions(beamline: Beamline) -> str:
    """Give what `dbLoadTemplate` loads at one beamline."""
    parts = [_pattern("tomoStream.template", beamline.macros())]
    if beamline.lens_change:
        macros = {"P": beamline.p, "R": beamline.r, **beamline.lens_change.macros()}
        parts.append(_pattern("tomoStream_2BM.template", macros))
    return "# Made by `tomostream generate`; do not edit.\n" + "\n".join(parts)


def _pattern(template: str, macros: Mapping[str, str]) -> str:
    widths = [max(len(name), len(value) + 2) for name, value in macros.items()]
    names = ", ".join(n.ljust(w) for n, w in zip(macros, widths, strict=True))
    values = ", ".join(
        f'"{v}"'.ljust(w) for v, w in zip(macros.values(), widths, strict=True)
    )
    return (
        f'file "../db/{template}"\n{{\npattern\n'
        f"{{{names.rstrip()}}}\n{{{values.rstrip()}}}\n}}\n"
    )
