"""What a screen is made of, whoever draws it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class WidgetKind(StrEnum):
    """What a widget does."""

    TEXT = "text"
    HEADING = "heading"
    FRAME = "frame"
    READING = "reading"
    ENTRY = "entry"
    MENU = "menu"
    BUTTON = "button"
    SLIDER = "slider"
    LINK = "link"


@dataclass(frozen=True, slots=True, kw_only=True)
class Widget:
    """One widget at its place, pixels."""

    kind: WidgetKind
    x: int
    y: int
    width: int
    height: int
    text: str = ""
    """Shown as it is; of a button or link its label."""
    channel: str = ""
    """Record, with macros and field."""
    press: str = ""
    """What a button writes when it is pressed."""
    release: str = ""
    """What it writes when it is let go; empty: nothing."""
    screen: str = ""
    """Name of the screen that a link opens."""
    macros: Mapping[str, str] = field(default_factory=dict[str, str])
    """What the link hands on."""
    is_right: bool = False
    """Aligned to the right."""
    is_long: bool = False
    """A text that may be longer than 39 characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """A screen with its widgets, in the order in which they are drawn."""

    name: str
    title: str
    width: int
    height: int
    widgets: tuple[Widget, ...]
