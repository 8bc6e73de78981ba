"""Places for the rows of a screen's columns."""

import re
from collections.abc import Iterable, Iterator

from tomostream.core.controls import CONTROLS, LENS_CHANGE, Control
from tomostream.epics.generate.screens.content import (
    Buttons,
    Links,
    Record,
    Row,
    ScreenContent,
    Section,
    Tweak,
)
from tomostream.epics.generate.screens.widgets import Screen, Widget, WidgetKind

_ROW = 24
_HEIGHT = 20
_GAP = 6
_MARGIN = 10
_TITLE = 34
_LABEL, _VALUE, _UNIT = 170, 120, 44
_LETTER = 8
"""Of MEDM's font; those of others are narrower."""
_WITHOUT_UNIT = _LABEL + _VALUE + 4 * _GAP
_WIDE = 560

_UNITS = ("Hz", "Ms", "Deg")

_CONTROLS = {c.name: c for c in (*CONTROLS, *LENS_CHANGE)}


def laid_out(content: ScreenContent) -> Screen:
    """Give a screen's widgets at their places."""
    widgets: list[Widget] = []
    bottoms: list[int] = []
    x = _MARGIN
    for sections in content.columns:
        width = _WIDE if content.is_for_names else _width(sections)
        y = _TITLE + _MARGIN
        for section in sections:
            made = list(_Placer(x, y, width).section(section))
            widgets += made
            y = made[0].y + made[0].height + _MARGIN
        bottoms.append(y)
        x += width + _MARGIN
    title = Widget(
        kind=WidgetKind.HEADING, x=0, y=0, width=x, height=_TITLE,
        text=content.title,
    )  # fmt: skip
    return Screen(
        name=content.name, title=content.title, width=x, height=max(bottoms),
        widgets=(title, *widgets),
    )  # fmt: skip


class _Placer:
    """Put rows below each other in one column."""

    def __init__(self, x: int, y: int, width: int) -> None:
        self._x, self._y, self._width = x, y, width

    def section(self, section: Section) -> Iterator[Widget]:
        """Give the frame first, then the heading and the rows."""
        top = self._y
        heading = Widget(
            kind=WidgetKind.HEADING, x=self._x, y=top, width=self._width, height=_ROW,
            text=section.title,
        )  # fmt: skip
        self._y += _ROW + _GAP
        rows = [widget for row in section.rows for widget in self._row(row)]
        yield Widget(
            kind=WidgetKind.FRAME, x=self._x, y=top, width=self._width,
            height=self._y + _GAP - top,
        )  # fmt: skip
        yield heading
        yield from rows

    def _row(self, row: Row) -> Iterator[Widget]:
        match row:
            case Buttons():
                yield from self._buttons(row)
            case Links():
                yield from self._links(row)
            case Tweak():
                yield from self._tweak(row)
            case Record():
                yield from self._record(row)
            case _:
                yield from self._record(Record(name=row))

    def _record(self, record: Record) -> Iterator[Widget]:
        control = _declared(record)
        channel = record.prefix + record.name
        kind = _value_kind(control, record)
        is_long = control is not None and control.kind in {"long_text", "status"}
        if is_long and kind is WidgetKind.ENTRY:
            channel += ".VAL$"
        label = record.label or _in_words(record.name)
        yield self._label(label, is_wide=record.is_wide)
        if record.is_wide:
            self._y += _ROW
            yield self._at(
                kind, _GAP, self._width - 2 * _GAP, channel=channel, is_long=is_long
            )
            self._y += _ROW
            return
        yield self._at(
            kind, _LABEL + 2 * _GAP, _VALUE, channel=channel,
            is_right=kind is WidgetKind.READING,
        )  # fmt: skip
        yield from self._unit(record)
        self._y += _ROW
        if record.has_slider:
            yield from self._slider(channel)

    def _unit(self, record: Record) -> Iterator[Widget]:
        if text := _unit_text(record):
            left, width = _LABEL + _VALUE + 3 * _GAP, self._width - _WITHOUT_UNIT
            yield self._at(WidgetKind.TEXT, left, width, text=text)

    def _slider(self, channel: str) -> Iterator[Widget]:
        limit = 52
        yield self._at(WidgetKind.READING, _GAP, limit, channel=f"{channel}.DRVL")
        yield self._at(
            WidgetKind.SLIDER, limit + 2 * _GAP, self._width - 2 * limit - 4 * _GAP,
            channel=channel,
        )  # fmt: skip
        yield self._at(
            WidgetKind.READING, self._width - limit - _GAP, limit,
            channel=f"{channel}.DRVH", is_right=True,
        )  # fmt: skip
        self._y += _ROW

    def _buttons(self, row: Buttons) -> Iterator[Widget]:
        count = len(row.buttons)
        width = (self._width - (count + 1) * _GAP) // count
        for index, button in enumerate(row.buttons):
            yield self._at(
                WidgetKind.BUTTON, _GAP + index * (width + _GAP), width,
                text=button.label, channel=f"$(P)$(R){button.record}", press="1",
                release="0" if button.has_release else "",
            )  # fmt: skip
        self._y += _ROW

    def _links(self, row: Links) -> Iterator[Widget]:
        for link in row.links:
            yield Widget(
                kind=WidgetKind.LINK, x=self._x + _GAP, y=self._y - 1,
                width=self._width - 2 * _GAP, height=_HEIGHT + 2, text=link.label,
                screen=link.screen, macros=link.macros,
            )  # fmt: skip
            self._y += _ROW

    def _tweak(self, row: Tweak) -> Iterator[Widget]:
        yield from self._record(Record(name=row.name))
        yield self._label("Step")
        button = 24
        for name, sign, left in (
            (row.down, "-", _LABEL + 2 * _GAP),
            (row.up, "+", _LABEL + 2 * _GAP + _VALUE - button),
        ):
            yield self._at(
                WidgetKind.BUTTON, left, button, text=sign, press="1",
                channel=f"$(P)$(R){name}.PROC",
            )  # fmt: skip
        yield self._at(
            WidgetKind.ENTRY, _LABEL + 2 * _GAP + button + 2, _VALUE - 2 * button - 4,
            channel=f"$(P)$(R){row.step}",
        )  # fmt: skip
        yield from self._unit(Record(name=row.step))
        self._y += _ROW

    def _label(self, text: str, *, is_wide: bool = False) -> Widget:
        width = self._width - 2 * _GAP if is_wide else _LABEL
        return self._at(WidgetKind.TEXT, _GAP, width, text=text)

    def _at(self, kind: WidgetKind, left: int, width: int, **others: object) -> Widget:
        return Widget(
            kind=kind,
            x=self._x + left,
            y=self._y,
            width=width,
            height=_HEIGHT,
            **others,  # pyright: ignore[reportArgumentType]  fields of Widget, by name
        )


def _width(sections: Iterable[Section]) -> int:
    """Give a column's width: the longest unit with its limits takes what it needs."""
    records: list[Record] = []
    for row in (row for section in sections for row in section.rows):
        match row:
            case Record():
                records.append(row)
            case Tweak():
                records += [Record(name=row.name), Record(name=row.step)]
            case _:
                pass
    longest = max((len(_unit_text(record)) for record in records), default=0)
    return _WITHOUT_UNIT + max(_UNIT, _LETTER * longest)


def _declared(record: Record) -> Control | None:
    return _CONTROLS.get(record.name) if record.prefix == "$(P)$(R)" else None


def _unit_text(record: Record) -> str:
    """Give what stands behind a value: keV, 1 to 100."""
    control = _declared(record)
    if control is None:
        return record.unit
    is_entry = _value_kind(control, record) is WidgetKind.ENTRY
    # A slider shows its own, which follow the frames' size.
    limits = _limits_text(control) if is_entry and not record.has_slider else ""
    return ", ".join(text for text in (control.unit, limits) if text)


def _limits_text(control: Control) -> str:
    low, high = control.low, control.high
    if low is None or high is None:
        return ""
    if low == -high:
        return f"+/-{_short(high)}"
    return f"{_short(low)} to {_short(high)}"


def _short(number: float) -> str:
    return f"{number:.10g}".replace("e-0", "e-")


def _value_kind(control: Control | None, record: Record) -> WidgetKind:
    if control is None:
        if record.is_menu:
            return WidgetKind.MENU
        return WidgetKind.ENTRY if record.is_entry else WidgetKind.READING
    if control.writer == "service":
        return WidgetKind.READING
    return WidgetKind.MENU if control.choices else WidgetKind.ENTRY


def _in_words(name: str) -> str:
    """Give a record's name in words, without its unit: LatencyP50Ms -> Latency P50."""
    words = re.findall(r"P\d+|[A-Z]+(?![a-z])|[A-Z][a-z]+|\d+|[a-z]+", name)
    if words[-1] in _UNITS:
        del words[-1]
    text = " ".join(w if w.isupper() and len(w) > 1 else w.lower() for w in words)
    return text[:1].upper() + text[1:]
