"""The operator's records as an EPICS database, made from `core.controls`."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from textwrap import shorten

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
_HOLD_STEP_S = 0.05


def database_text(
    prefix: str,
    controls: Iterable[Control],
    *,
    macros: Mapping[str, str],
    saved: Saved | None = None,
) -> str:
    """Give the records; ``$(BUSY)`` is to be a record type, busy or bo, at loading.

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
        part
        for control in controls
        for part in _records(prefix, control, _first_value(control, macros, saved))
    )


def record_type(control: Control) -> str:
    """Give the type of a control's record."""
    kind, _ = _MAKERS[control.kind]("", control, 0)
    return "busy" if kind == "$(BUSY)" else kind


def _first_value(control: Control, macros: Mapping[str, str], saved: Saved) -> Value:
    value = saved.get(control.name, control.default)
    if isinstance(value, str):
        for name, text in macros.items():
            value = value.replace(f"$({name})", text)
    return value


def _records(prefix: str, control: Control, value: Value) -> Iterator[str]:
    kind, fields = _MAKERS[control.kind](prefix, control, value)
    fields = {"DESC": _description(control.help), **fields}
    yield _record(kind, prefix + control.name, fields)
    if control.kind == "busy":
        yield from _hold_records(prefix + control.name)


def _description(text: str) -> str:
    """Give the first words of a text that fit."""
    return shorten(text.rstrip("."), _DESCRIPTION_LENGTH, placeholder="...")


def _hold_records(name: str) -> Iterator[str]:
    """Hold the put-callback of a busy record that is a bo, which base has.

    A put-callback waits for all records that its put has processed. These two process
    each other, with a delay, until the record is back at its first choice: disabled,
    they end the chain. A record cannot wait for itself, hence two.
    """
    for own, other in ("AB", "BA"):
        yield _record("calcout", f"{name}Hold{own}", {
            "DESC": "Holds the put-callback while running",
            "SDIS": f"{name} NPP", "DISV": 0, "DISS": "NO_ALARM",
            "CALC": "1", "ODLY": _HOLD_STEP_S, "FLNK": f"{name}Hold{other}",
        })  # fmt: skip


def _record(kind: str, name: str, fields: Fields) -> str:
    lines = [f'record({kind}, "{name}") {{']
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
    if control.alarm_major is not None:
        fields |= {"HIHI": control.alarm_major, "HHSV": "MAJOR"}
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
    return "$(BUSY)", _switch(control) | {"FLNK": f"{prefix}{control.name}HoldA"}


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
        "EGU": control.unit,
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
