"""The reference page of all records, made from `core.controls`.

``python -m tomostream.epics.records_page docs/reference/records.md`` writes it; a test
finds out when that was forgotten.
"""

import sys
from pathlib import Path

from tomostream.core.controls import (
    COMMANDS,
    DETAILS,
    HEALTH,
    LENS_CHANGE,
    LONGEST_NAME,
    LONGEST_PREFIX,
    RECONSTRUCTION,
    STATUS,
    WIRING,
    Control,
    Extent,
    RecordKind,
)
from tomostream.core.record_name import LONGEST_RECORD_NAME
from tomostream.epics.database import record_type

_HEAD = f"""\
# Records

Made from `tomostream/core/controls` by `tomostream.epics.records_page`; do not edit.

All names stand below `$(P)$(R)`, for instance `sim:TomoStream:Center`. `tomostream ioc`
serves them. Values of records marked *saved* are kept across a restart of the IOC where
it was given a settings file.

*Unit* is the record's EGU; 1 stands for a count, a ratio or a coefficient, which have
none. *Written by* says who changes a value and when: the operator at any time, the
service when what the record tells of has changed, twice a second at most, and all of it
anew when the IOC has been restarted. A state is written at once. Limits are the
record's DRVL and DRVH (what it takes) and LOPR and HOPR (what sliders show), alarms its
HIGH (MINOR) and HIHI (MAJOR), or the severity of the choice. Limits that follow the
frames are written by the service when their size has changed; what is shown here holds
until the first frame.

Long text is an `lso` record: up to 39 characters it reads and writes like a
`stringout`, more are in `.VAL$` (`caget -S sim:TomoStream:DarkPVAName.VAL$`).
`StartReconHoldA` and `B` let `caput -c` on `StartRecon` wait until streaming has ended;
they are not to be written to.

**A value that the service cannot use** (FilterType 17, Center NaN) leaves the one that
was before it in use, which the settings file keeps too. Within half a second
`ReconStatus` and `ErrorText` say which record it is, what was wanted, what came and
what stays in use: `Center: expected a finite number, got nan; 255.5 pixel stays in
use`.
`ParametersRefused` counts such records, those of the lens change too, MINOR from the
first on, until each holds a good value. A Center outside the frames is used, and so is
a region for flats, which scales nothing there; both texts say so, and
`ParametersOutside` is MINOR: `Center 4000 lies outside the frames (columns 0 to 511)`.

A record's name has {LONGEST_RECORD_NAME} characters at most in EPICS, and a prefix
{LONGEST_PREFIX}, which leaves room for `{LONGEST_NAME}`, the longest below it.
"""

_SECTIONS = (
    ("Wiring", "What is connected to what; read when the service starts.", WIRING),
    ("Reconstruction", "The operator's parameters; heeded at once.", RECONSTRUCTION),
    ("Commands", "Buttons.", COMMANDS),
    ("Status", "State and results of the service.", STATUS),
    (
        "Details",
        "What an operator looks at when something is odd. No counter has an alarm, "
        "since it never goes back: alarms stand on what is so now, or was within the "
        "last 10 s.",
        DETAILS,
    ),
    (
        "Health",
        "The same numbers stand in JSON reports, as "
        "`frames_received` for `FramesReceived`.",
        HEALTH,
    ),
    ("Lens change", "Only at 2-BM, from tomoStream_2BM.template.", LENS_CHANGE),
)

_KINDS = {
    "number": "number", "integer": "integer", "choice": "choice",
    "text": "text, 39 characters", "long_text": "long text, 255 characters",
    "status": "text, 255 characters", "busy": "busy", "command": "button",
    "tweak": "process it", "watchdog": "countdown", "running": "yes or no",
}  # fmt: skip

_NUMERIC = {"number", "integer", "watchdog"}

_EXTENTS: dict[Extent, str] = {
    "slice": "the slice's last pixel", "row": "the frames' last row",
    "column": "the frames' last column", "rows": "the frames' number of rows",
    "columns": "the frames' number of columns",
}  # fmt: skip
"""Where the limit ends as soon as there are frames."""

_WRITERS = {
    "operator": "operator, at any time",
    "service": "service, when it changes",
}
_WRITERS_OF_KINDS: dict[RecordKind, str] = {
    "long_text": "operator, at any time; heeded when the service starts",
    "command": "operator: Yes; the record itself: No, 1 s later",
    "tweak": "operator, who processes it",
}


def records_page() -> str:
    """Give the page as Markdown."""
    parts = [_HEAD]
    for title, text, controls in _SECTIONS:
        parts.append(f"\n## {title}\n\n{text}\n\n{_table(controls)}")
    return "".join(parts)


def _table(controls: tuple[Control, ...]) -> str:
    lines = [
        "| Record | Kind | Unit | Limits, choices | First value | Saved | Written by "
        "| Meaning |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines.extend(
        f"| `{c.name}` | {_kind(c)} | {_unit(c)} | {_values(c)} | {_first(c)} | "
        f"{'yes' if c.is_saved else ''} | {_written(c)} | {c.help}{_alarm(c)} |"
        for c in controls
    )
    return "\n".join(lines) + "\n"


def _kind(control: Control) -> str:
    text = f"{_KINDS[control.kind]} (`{record_type(control)}`)"
    places = control.precision
    ending = "decimal" if places == 1 else "decimals"
    return f"{text}, {places} {ending}" if places else text


def _unit(control: Control) -> str:
    return (control.unit or "1") if control.kind in _NUMERIC else ""


def _values(control: Control) -> str:
    if control.choices:
        return ", ".join(control.choices)
    if control.low is None or control.high is None:
        return ""
    ends = f"{control.low:.10g} to {control.high:.10g}"
    return f"{ends}; to {_EXTENTS[control.extent]}" if control.extent else ends


def _first(control: Control) -> str:
    if control.writer == "service" or control.kind in {"busy", "command", "tweak"}:
        return ""
    if control.choices and isinstance(control.default, int):
        return control.choices[control.default]
    return f"`{control.default}`"


def _written(control: Control) -> str:
    return (
        control.written
        or _WRITERS_OF_KINDS.get(control.kind)
        or _WRITERS[control.writer]
    )


def _alarm(control: Control) -> str:
    alarms = [
        f"{severity} at {choice}"
        for choice, severity in zip(control.choices, control.severities, strict=False)
        if severity != "NO_ALARM"
    ]
    if control.alarm_high is not None:
        alarms.append(f"MINOR from {_with_unit(control, control.alarm_high)} on")
    if control.alarm_major is not None:
        alarms.append(f"MAJOR from {_with_unit(control, control.alarm_major)} on")
    return f" Alarm {', '.join(alarms)}." if alarms else ""


def _with_unit(control: Control, value: float) -> str:
    return f"{value:g} {control.unit}".strip()


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(records_page(), encoding="utf-8")
