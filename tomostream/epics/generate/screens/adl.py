"""Screens as MEDM reads them.

MEDM takes the text strictly: blocks in this order, tabs, quotes around names that hold
a blank. Colours are places in the colour map that all its screens share.
"""

from collections.abc import Callable, Iterable

from tomostream.epics.generate.screens.widgets import Screen, Widget, WidgetKind

_TEXT_HEIGHT = 19
"""MEDM takes the height for the font's: 8 pixels a letter at 19, 10 at 20."""

_WHITE, _BACK, _BLACK, _BLUE, _SKY, _FRAME, _GREEN = 0, 4, 14, 54, 51, 9, 17

# The map that MEDM itself writes into every file.
_COLOR_TEXT = """
ffffff ececec dadada c8c8c8 bbbbbb aeaeae 9e9e9e 919191 858585 787878 696969
5a5a5a 464646 2d2d2d 000000 00d800 1ebb00 339900 2d7f00 216c00 fd0000 de1309
be190b a01207 820400 5893ff 597ee1 4b6ec7 3a5eab 27548d fbf34a f9da3c eeb62b
e19015 cd6100 ffb0ff d67fe2 ae4ebc 8b1a96 610a75 a4aaff 8793e2 6a73c1 4d52a4
343386 c7bb6d b79d5c a47e3c 7d5627 58340f 99ffff 73dfff 4ea5f9 2a63e4 0a00b8
ebf1b5 d4db9d bbc187 a6a462 8b8239 73ff6b 52da3b 3cb420 289315 1a7309
"""
_COLORS = _COLOR_TEXT.split()


def adl_text(screen: Screen) -> str:
    """Give the text of an .adl file."""
    lines = [
        "",
        *_block("file", f'name="{screen.name}.adl"', "version=030107"),
        *_block(
            "display", *_place(0, 0, screen.width, screen.height), f"clr={_BLACK}",
            f"bclr={_BACK}", 'cmap=""', "gridSpacing=5", "gridOn=0", "snapToGrid=0",
        ),
        *_block(
            '"color map"', f"ncolors={len(_COLORS)}",
            *_block("colors", *(f"{color}," for color in _COLORS)),
        ),
    ]  # fmt: skip
    for widget in screen.widgets:
        lines += _WRITERS[widget.kind](widget)
    return "\n".join([*lines, ""])


def _block(name: str, *inner: str) -> list[str]:
    return [f"{name} {{", *(f"\t{line}" for line in inner), "}"]


def _place(x: int, y: int, width: int, height: int) -> list[str]:
    return _block("object", f"x={x}", f"y={y}", f"width={width}", f"height={height}")


def _where(w: Widget) -> list[str]:
    return _place(w.x, w.y, w.width, w.height)


def _text_line(w: Widget) -> list[str]:
    return _place(w.x, w.y + (w.height - _TEXT_HEIGHT) // 2, w.width, _TEXT_HEIGHT)


def _linked(name: str, w: Widget, color: int, back: int) -> list[str]:
    return _block(name, f'chan="{w.channel}"', f"clr={color}", f"bclr={back}")


def _text(w: Widget, color: int = _BLACK, align: str = "") -> list[str]:
    ends = [f'align="{align}"'] if align else []
    return _block(
        "text", *_text_line(w), *_block('"basic attribute"', f"clr={color}"),
        f'textix="{w.text}"', *ends,
    )  # fmt: skip


def _heading(w: Widget) -> list[str]:
    back = _block("rectangle", *_where(w), *_block('"basic attribute"', f"clr={_BLUE}"))
    return [*back, *_text(w, _WHITE, "horiz. centered")]


def _frame(w: Widget) -> list[str]:
    outline = _block('"basic attribute"', f"clr={_FRAME}", 'fill="outline"', "width=1")
    return _block("rectangle", *_where(w), *outline)


def _reading(w: Widget) -> list[str]:
    is_limit = w.channel.endswith((".DRVL", ".DRVH"))
    look = [] if is_limit else ['clrmod="alarm"']
    if w.is_right:
        look.append('align="horiz. right"')
    shown = ['format="string"'] if w.is_long else []
    return _block(
        '"text update"', *_text_line(w), *_linked("monitor", w, _BLUE, _BACK),
        *look, *shown, *_block("limits"),
    )  # fmt: skip


def _entry(w: Widget) -> list[str]:
    shown = ['format="string"'] if w.is_long else []
    return _block(
        '"text entry"', *_where(w), *_linked("control", w, _BLACK, _SKY), *shown,
        *_block("limits"),
    )  # fmt: skip


def _menu(w: Widget) -> list[str]:
    return _block("menu", *_where(w), *_linked("control", w, _BLACK, _SKY))


def _button(w: Widget) -> list[str]:
    messages = [f'label="{w.text}"', f'press_msg="{w.press}"']
    if w.release:
        messages.append(f'release_msg="{w.release}"')
    return _block(
        '"message button"', *_where(w), *_linked("control", w, _BLACK, _SKY), *messages
    )


def _slider(w: Widget) -> list[str]:
    # Limits are the channel's own, so that they follow the frames' size.
    return _block(
        "valuator", *_where(w), *_linked("control", w, _BLACK, _BACK), "dPrecision=1.0",
        *_block("limits"),
    )  # fmt: skip


def _link(w: Widget) -> list[str]:
    macros = ",".join(f"{name}={value}" for name, value in w.macros.items())
    shown = _block(
        "display[0]", f'label="{w.text}"', f'name="{w.screen}.adl"', f'args="{macros}"'
    )
    return _block(
        '"related display"', *_where(w), *shown, f"clr={_WHITE}", f"bclr={_GREEN}",
        f'label="-{w.text}"',
    )  # fmt: skip


_WRITERS: dict[WidgetKind, Callable[[Widget], Iterable[str]]] = {
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
