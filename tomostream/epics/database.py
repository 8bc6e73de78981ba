"""The operator's records as an EPICS database, made from `core.controls`."""

from collections.abc import Callable, Iterable, Mapping

from tomostream.core.controls import Control, RecordKind

Value = float | int | str
Saved = Mapping[str, Value]
"""Values by record name; choices as text."""
Fields = dict[str, Value]

LONG_TEXT_SIZE = 256
"""Bytes of a name with its closing zero; the longest PV or channel name in use."""
STATUS_SIZE = 256

_STATES = (
    "ZR", "ON", "TW", "TH", "FR", "FV", "SX", "SV",
    "EI", "NI", "TE", "EL", "TV", "TT", "FT", "FF",
)  # fmt: skip
_DESCRIPTION_LENGTH = 40
_PRESS_HOLDS_S = 1.0


def database_text(
    prefix: str,
    controls: Iterable[Control],
    *,
    macros: Mapping[str, str],
    saved: Saved | None = None,
) -> str:
    """Give all records but those named by `holder_name`.

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
    )


def holder_name(name: str) -> str:
    """Give the name of the record that holds a busy record's put-callback.

    A put-callback waits for all records that its put has processed. Base has no busy
    record, and one that is itself in process for long would post no monitors: so the
    record is done at once and forwards to one that takes its time.
    """
    return f"{name}Busy"


def _first_value(control: Control, macros: Mapping[str, str], saved: Saved) -> Value:
    value = saved.get(control.name, control.default)
    if isinstance(value, str):
        for name, text in macros.items():
            value = value.replace(f"$({name})", text)
    return value


def _record(prefix: str, control: Control, value: Value) -> str:
    kind, fields = _MAKERS[control.kind](prefix, control, value)
    fields = {"DESC": control.help[:_DESCRIPTION_LENGTH], **fields}
    lines = [f'record({kind}, "{prefix}{control.name}") {{']
    for name, entry in fields.items():
        # A JSON link is the one value that is not quoted.
        text = entry if name == "DOL" else _quoted(entry)
        lines.append(f"    field({name}, {text})")
    return "\n".join([*lines, "}", ""])


def _number(prefix: str, control: Control, value: Value) -> tuple[str, Fields]:
    del prefix
    return "ao", _numeric(control, value) | {"PREC": control.precision}


def _integer(prefix: str, control: Control, value: Value) -> tuple[str, Fields]:
    del prefix
    # Counters outgrow 32 bits; Channel Access clients get them as doubles.
    kind = "int64out" if control.writer == "service" else "longout"
    return kind, _numeric(control, value)


def _numeric(control: Control, value: Value) -> Fields:
    fields: Fields = {"VAL": value, "PINI": "YES", "EGU": control.unit}
    if control.low is not None and control.high is not None:
        fields |= {"DRVL": control.low, "DRVH": control.high}
        fields |= {"LOPR": control.low, "HOPR": control.high}
    if control.alarm_high is not None:
        fields |= {"HIGH": control.alarm_high, "HSV": "MINOR"}
    return fields


def _choice(prefix: str, control: Control, value: Value) -> tuple[str, Fields]:
    del prefix
    chosen = control.choices.index(value) if isinstance(value, str) else value
    fields: Fields = {"VAL": chosen, "PINI": "YES"}
    for index, text in enumerate(control.choices):
        state = _STATES[index]
        fields[f"{state}VL"] = _raw(control, index)
        fields[f"{state}ST"] = text
        if control.severities:
            fields[f"{state}SV"] = control.severities[index]
    return "mbbo", fields


def _raw(control: Control, index: int) -> int:
    """Give a choice's raw value: the number that it means, as for Dezinger."""
    meaning = control.meanings[index] if control.meanings else None
    if isinstance(meaning, int) and not isinstance(meaning, bool):
        return meaning
    return index


def _text(prefix: str, control: Control, value: Value) -> tuple[str, Fields]:
    del prefix, control
    return "stringout", {"VAL": value, "PINI": "YES"}


def _long_text(prefix: str, control: Control, value: Value) -> tuple[str, Fields]:
    del prefix, control
    # Up to 39 characters an lso is a stringout to its clients, more are in .VAL$.
    text = str(value)[: LONG_TEXT_SIZE - 1]
    return "lso", {
        "SIZV": LONG_TEXT_SIZE,
        "DOL": f"{{const:{_quoted(text)}}}",
        "PINI": "YES",
    }


def _status(prefix: str, control: Control, value: Value) -> tuple[str, Fields]:
    del prefix, control, value
    return "waveform", {"FTVL": "UCHAR", "NELM": STATUS_SIZE, "PINI": "YES"}


def _busy(prefix: str, control: Control, value: Value) -> tuple[str, Fields]:
    del value
    return "bo", _switch(control) | {"FLNK": prefix + holder_name(control.name)}


def _command(prefix: str, control: Control, value: Value) -> tuple[str, Fields]:
    del prefix, value
    # Back to No by itself, for clients that only ever write Yes.
    return "bo", _switch(control) | {"HIGH": _PRESS_HOLDS_S}


def _switch(control: Control) -> Fields:
    no, yes = control.choices
    return {"ZNAM": no, "ONAM": yes, "VAL": 0}


def _tweak(prefix: str, control: Control, value: Value) -> tuple[str, Fields]:
    del value
    sign = "+" if control.name.endswith("Up") else "-"
    return "calcout", {
        "INPA": f"{prefix}Center NPP",
        "INPB": f"{prefix}CenterTweak NPP",
        "CALC": f"A{sign}B",
        "OUT": f"{prefix}Center PP",
        "PREC": 3,
    }


def _watchdog(prefix: str, control: Control, value: Value) -> tuple[str, Fields]:
    del value
    return "calcout", {
        "SCAN": "1 second",
        "INPA": f"{prefix}{control.name}.VAL NPP",
        "CALC": "A>0?A-1:0",
        "OUT": f"{prefix}ServerRunning PP",
        "DOPT": "Use OCAL",
        "OCAL": "A>0",
        "PINI": "YES",
    }


def _running(prefix: str, control: Control, value: Value) -> tuple[str, Fields]:
    del prefix
    stopped, running = control.choices
    at_stop, at_run = control.severities
    return "bi", {
        "ZNAM": stopped, "ONAM": running, "ZSV": at_stop, "OSV": at_run,
        "VAL": value, "PINI": "YES",
    }  # fmt: skip


_MAKERS: dict[RecordKind, Callable[[str, Control, Value], tuple[str, Fields]]] = {
    "number": _number,
    "integer": _integer,
    "choice": _choice,
    "text": _text,
    "long_text": _long_text,
    "status": _status,
    "busy": _busy,
    "command": _command,
    "tweak": _tweak,
    "watchdog": _watchdog,
    "running": _running,
}


def _quoted(value: Value) -> str:
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
