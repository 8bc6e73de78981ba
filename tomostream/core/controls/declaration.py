"""What is declared of a record, in the operator's terms."""

from dataclasses import dataclass
from typing import Literal

RecordKind = Literal[
    "number", "integer", "choice", "text", "long_text", "status",
    "busy", "command", "tweak", "watchdog", "running",
]  # fmt: skip

Severity = Literal["NO_ALARM", "MINOR", "MAJOR"]

Extent = Literal["slice", "row", "column", "rows", "columns"]
"""What frames have: the last row or column of a slice; the last row or column of a
frame; how many rows or columns it has."""

SWITCH = ("No", "Yes")
"""Choices of what is off or on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One record below ``$(P)$(R)``."""

    name: str
    """Record suffix, CamelCase."""
    kind: RecordKind
    help: str
    """One sentence for the docs and the record's description."""
    writer: Literal["operator", "service"] = "operator"
    """Who changes the value."""
    field: str | None = None
    """Attribute of Parameters that the record stands for."""
    unit: str = ""
    low: float | None = None
    high: float | None = None
    extent: Extent | None = None
    """What the upper limit follows as soon as there are frames."""
    precision: int = 0
    choices: tuple[str, ...] = ()
    meanings: tuple[object, ...] = ()
    """What each choice means where that is not the choice's own text."""
    severities: tuple[Severity, ...] = ()
    """Alarm severity of each choice, where any has one."""
    default: float | int | str = 0
    is_saved: bool = False
    """Kept across a restart of the IOC."""
    alarm_high: float | None = None
    """From this value on the record's severity is MINOR."""
    alarm_major: float | None = None
    """From this value on the record's severity is MAJOR."""
    written: str = ""
    """Who writes it and when, where that is not what its group says."""
