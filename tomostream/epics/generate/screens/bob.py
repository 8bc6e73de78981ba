"""Screens as Phoebus reads them."""

from collections.abc import Callable
from xml.etree import ElementTree as Xml

from tomostream.epics.generate.screens.widgets import Screen, Widget, WidgetKind

_BLUE, _WHITE, _GREY = (10, 0, 184), (255, 255, 255), (120, 120, 120)
_MIDDLE, _RIGHT = 1, 2
_STRING = 6
"""Of FormatOption: a waveform of characters is text."""


def bob_text(screen: Screen) -> str:
    """Give the text of a .bob file."""
    root = Xml.Element("display", version="2.0.0")
    _set(root, name=screen.title, width=screen.width, height=screen.height)
    for number, widget in enumerate(screen.widgets):
        _WRITERS[widget.kind](_element(root, widget, number), widget)
    Xml.indent(root)
    return Xml.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


_TYPES = {
    WidgetKind.TEXT: ("label", "2.0.0"),
    WidgetKind.HEADING: ("label", "2.0.0"),
    WidgetKind.FRAME: ("rectangle", "2.0.0"),
    WidgetKind.READING: ("textupdate", "2.0.0"),
    WidgetKind.ENTRY: ("textentry", "3.0.0"),
    WidgetKind.MENU: ("combo", "2.0.0"),
    WidgetKind.BUTTON: ("action_button", "3.0.0"),
    WidgetKind.SLIDER: ("scaledslider", "2.0.0"),
    WidgetKind.LINK: ("action_button", "3.0.0"),
}


def _element(root: Xml.Element, widget: Widget, number: int) -> Xml.Element:
    kind, version = _TYPES[widget.kind]
    made = Xml.SubElement(root, "widget", type=kind, version=version)
    _set(
        made, name=f"{widget.kind}_{number}", x=widget.x, y=widget.y,
        width=widget.width, height=widget.height,
    )  # fmt: skip
    return made


def _set(element: Xml.Element, **values: object) -> None:
    for name, value in values.items():
        Xml.SubElement(element, name).text = str(value)


def _color(element: Xml.Element, name: str, rgb: tuple[int, int, int]) -> None:
    holder = Xml.SubElement(element, name)
    red, green, blue = map(str, rgb)
    Xml.SubElement(holder, "color", red=red, green=green, blue=blue)


def _text(element: Xml.Element, w: Widget) -> None:
    _set(element, text=w.text, vertical_alignment=_MIDDLE, wrap_words="false")


def _heading(element: Xml.Element, w: Widget) -> None:
    _set(
        element, text=w.text, transparent="false", wrap_words="false",
        horizontal_alignment=_MIDDLE, vertical_alignment=_MIDDLE,
    )  # fmt: skip
    _color(element, "foreground_color", _WHITE)
    _color(element, "background_color", _BLUE)


def _frame(element: Xml.Element, w: Widget) -> None:
    del w
    _set(element, line_width=1, transparent="true")
    _color(element, "line_color", _GREY)


def _reading(element: Xml.Element, w: Widget) -> None:
    _set(
        element, pv_name=w.channel, show_units="false", vertical_alignment=_MIDDLE,
        wrap_words="false",
    )  # fmt: skip
    _color(element, "foreground_color", _BLUE)
    if w.is_long:
        _set(element, format=_STRING)
    if w.is_right:
        _set(element, horizontal_alignment=_RIGHT)


def _entry(element: Xml.Element, w: Widget) -> None:
    _set(element, pv_name=w.channel, show_units="false")
    if w.is_long:
        _set(element, format=_STRING)


def _menu(element: Xml.Element, w: Widget) -> None:
    _set(element, pv_name=w.channel)


def _slider(element: Xml.Element, w: Widget) -> None:
    _set(
        element, pv_name=w.channel, show_scale="false", increment=1,
        limits_from_pv="true", show_minor_ticks="false",
    )  # fmt: skip
    # Marks of alarm limits, which no place has, stand below the slider otherwise.
    for level in ("hihi", "high", "low", "lolo"):
        _set(element, **{f"show_{level}": "false"})


def _button(element: Xml.Element, w: Widget) -> None:
    # Phoebus' buttons have no release; the records go back to 0 by themselves.
    action = Xml.SubElement(
        Xml.SubElement(element, "actions"), "action", type="write_pv"
    )
    _set(action, pv_name=w.channel, value=w.press, description=w.text)
    _set(element, pv_name=w.channel, text=w.text)


def _link(element: Xml.Element, w: Widget) -> None:
    action = Xml.SubElement(
        Xml.SubElement(element, "actions"), "action", type="open_display"
    )
    _set(action, file=f"{w.screen}.bob", target="window", description=w.text)
    _set(Xml.SubElement(action, "macros"), **w.macros)
    _set(element, text=w.text)


_WRITERS: dict[WidgetKind, Callable[[Xml.Element, Widget], None]] = {
    WidgetKind.TEXT: _text,
    WidgetKind.HEADING: _heading,
    WidgetKind.FRAME: _frame,
    WidgetKind.READING: _reading,
    WidgetKind.ENTRY: _entry,
    WidgetKind.MENU: _menu,
    WidgetKind.BUTTON: _button,
    WidgetKind.SLIDER: _slider,
    WidgetKind.LINK: _link,
}
