"""The operator's records as an EPICS database, made from `core.controls`."""

from collections.abc import Iterable, Mapping

from tomostream.core.controls import Control

Saved = Mapping[str, float | int | str]
"""Values by record name; choices as text."""

LONG_TEXT_SIZE = 256
"""Bytes of a name with its closing zero; the longest PV or channel name in use."""
STATUS_SIZE = 256

_STATES = (
    "ZR", "ON", "TW", "TH", "FR", "FV", "SX", "SV",
    "EI", "NI", "TE", "EL", "TV", "TT", "FT", "FF",
)  # fmt: skip
_DESCRIPTION_LENGTH = 40
_ABORT_HOLDS_S = 1.0

Fields = dict[str, float | int | str]


def database_text(
    prefix: str,
    controls: Iterable[Control],
    *,
    macros: Mapping[str, str],
    saved: Saved | None = None,
) -> str:
    """Give all records but the busy one, whose put-callback needs a program.

    Parameters
    ----------
    prefix
        P and R together.
    controls
        What to make records of.
    macros
        What stands for ``$(NAME)`` in defaults.
    saved
        First values instead of the defaults.
    """
    saved = saved or {}
    return "\n".join(
        _record(prefix, control, _first_value(control, macros, saved))
        for control in controls
        if control.kind != "busy"
    )


def _first_value(
    control: Control, macros: Mapping[str, str], saved: Saved
) -> float | int | str:
    value = saved.get(control.name, control.default)
    if isinstance(value, str):
        for name, text in macros.items():
            value = value.replace(f"$({name})", text)
    return value


def _record(prefix: str, control: Control, value: float | int | str) -> str:
    kind, fields = _kind_and_fields(prefix, control, value)
    fields = {"DESC": control.help[:_DESCRIPTION_LENGTH], **fields}
    lines = [f'record({kind}, "{prefix}{control.name}") {{']
    for name, entry in fields.items():
        # A JSON link is the one value that is not quoted.
        text = entry if name == "DOL" else _quoted(entry)
        lines.append(f"    field({name}, {text})")
    return "\n".join([*lines, "}", ""])


def _kind_and_fields(
    prefix: str, control: Control, value: float | int | str
) -> tuple[str, Fields]:
    match control.kind:
        case "number":
            return "ao", _numeric(control, value) | {"PREC": control.precision}
        case "integer" if control.writer == "service":
            # Counters outgrow 32 bits; Channel Access clients get doubles.
            return "int64out", _numeric(control, value)
        case "integer":
            return "longout", _numeric(control, value)
        case "choice":
            return "mbbo", _choice(control, value)
        case "text":
            return "stringout", {"VAL": str(value), "PINI": "YES"}
        case "long_text":
            return "lso", _long_text(str(value))
        case "status":
            return "waveform", {"FTVL": "UCHAR", "NELM": STATUS_SIZE, "PINI": "YES"}
        case "command":
            # Back to No by itself, for clients that only ever write Yes.
            return "bo", _switch(control) | {"HIGH": _ABORT_HOLDS_S}
        case _:
            return _MACHINERY[control.kind](prefix, control)


def _numeric(control: Control, value: float | int | str) -> Fields:
    fields: Fields = {"VAL": value, "PINI": "YES", "EGU": control.unit}
    if control.low is not None and control.high is not None:
        fields |= {"DRVL": control.low, "DRVH": control.high}
        fields |= {"LOPR": control.low, "HOPR": control.high}
    if control.alarm_high is not None:
        fields |= {"HIGH": control.alarm_high, "HSV": "MINOR"}
    return fields


def _choice(control: Control, value: float | int | str) -> Fields:
    chosen = control.choices.index(value) if isinstance(value, str) else value
    fields: Fields = {"VAL": chosen, "PINI": "YES"}
    for index, text in enumerate(control.choices):
        state = _STATES[index]
        meaning = control.meanings[index] if control.meanings else index
        # Numbers that a choice means are its raw value, as for Dezinger.
        is_number = isinstance(meaning, int) and not isinstance(meaning, bool)
        fields[f"{state}VL"] = meaning if is_number else index
        fields[f"{state}ST"] = text
        if control.severities:
            fields[f"{state}SV"] = control.severities[index]
    return fields


def _switch(control: Control) -> Fields:
    no, yes = control.choices
    return {"ZNAM": no, "ONAM": yes, "VAL": 0, "PINI": "YES"}


def _long_text(value: str) -> Fields:
    return {
        "SIZV": LONG_TEXT_SIZE,
        "DOL": f"{{const:{_quoted(value[: LONG_TEXT_SIZE - 1])}}}",
        "PINI": "YES",
    }


def _tweak(prefix: str, control: Control) -> tuple[str, Fields]:
    sign = "+" if control.name.endswith("Up") else "-"
    return "calcout", {
        "INPA": f"{prefix}Center NPP",
        "INPB": f"{prefix}CenterTweak NPP",
        "CALC": f"A{sign}B",
        "OUT": f"{prefix}Center PP",
        "PREC": 3,
    }


def _watchdog(prefix: str, control: Control) -> tuple[str, Fields]:
    return "calcout", {
        "SCAN": "1 second",
        "INPA": f"{prefix}{control.name}.VAL NPP",
        "CALC": "A>0?A-1:0",
        "OUT": f"{prefix}ServerRunning PP",
        "DOPT": "Use OCAL",
        "OCAL": "A>0",
        "PINI": "YES",
    }


def _running(prefix: str, control: Control) -> tuple[str, Fields]:
    del prefix
    stopped, running = control.choices
    at_stop, at_run = control.severities
    return "bi", {
        "ZNAM": stopped, "ONAM": running, "ZSV": at_stop, "OSV": at_run,
        "VAL": 0, "PINI": "YES",
    }  # fmt: skip


_MACHINERY = {
    "tweak": _tweak,
    "watchdog": _watchdog,
    "running": _running,
}


def _quoted(value: float | int | str) -> str:
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
