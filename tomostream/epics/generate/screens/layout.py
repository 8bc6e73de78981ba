"""Places for the rows of a screen's columns."""

import re
from collections.abc import Iterator

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
_NARROW = _LABEL + _VALUE + _UNIT + 4 * _GAP
_WIDE = 560

_UNITS = ("Hz", "Ms", "Deg")

_CONTROLS = {c.name: c for c in (*CONTROLS, *LENS_CHANGE)}


def laid_out(content: ScreenContent) -> Screen:
    """Give a screen's widgets at their places."""
    width = _WIDE if content.is_for_names else _NARROW
    widgets: list[Widget] = []
    bottoms: list[int] = []
    for index, sections in enumerate(content.columns):
        x, y = _MARGIN + index * (width + _MARGIN), _TITLE + _MARGIN
        for section in sections:
            made = list(_Placer(x, y, width).section(section))
            widgets += made
            y = made[0].y + made[0].height + _MARGIN
        bottoms.append(y)
    total = _MARGIN + len(content.columns) * (width + _MARGIN)
    title = Widget(
        kind=WidgetKind.HEADING, x=0, y=0, width=total, height=_TITLE,
        text=content.title,
    )  # fmt: skip
    return Screen(
        name=content.name, title=content.title, width=total, height=max(bottoms),
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
        control = _CONTROLS.get(record.name) if record.prefix == "$(P)$(R)" else None
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
        unit = record.unit if control is None else control.unit
        if unit:
            left = _LABEL + _VALUE + 3 * _GAP
            yield self._at(WidgetKind.TEXT, left, _UNIT, text=unit)
        self._y += _ROW
        if record.has_slider:
            yield from self._slider(channel)

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
