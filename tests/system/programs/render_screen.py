"""Show an MEDM screen in PyDM, look whether its channels connect, operate it.

Usage: render_screen.py SCREEN.adl MACROS PICTURE.png [ACTION ...]

MACROS as P=...,R=...; an ACTION is the label of a button to be clicked, RECORD=TEXT for
a field or a menu, or RECORD:KEY for a key that is pressed on its slider. Prints one
line of JSON.
"""

import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["PYDM_DATA_PLUGIN"] = os.environ["PYDM_EPICS_LIB"] = "pyepics"

from adl2pydm.cli import main as adl2pydm
from pydm import PyDMApplication
from pydm.widgets import (
    PyDMEnumComboBox,
    PyDMLineEdit,
    PyDMPushButton,
    PyDMSlider,
)
from pydm.widgets.base import PyDMWidget
from qtpy.QtCore import Qt, QTimer
from qtpy.QtTest import QTest

click: Any = QTest.mouseClick
type_text: Any = QTest.keyClicks
press_key: Any = QTest.keyClick
LEFT: Any = getattr(Qt, "LeftButton")  # noqa: B009  unknown to the stubs
LOOK_MS, AGAIN_MS, PATIENCE_MS, SETTLE_MS = 100, 5_000, 44_900, 700


def converted(screen: Path, folder: Path) -> Path:
    """Give the screen as a .ui file."""
    sys.argv = ["adl2pydm", "-d", str(folder), str(screen)]
    adl2pydm()
    ui = folder / f"{screen.stem}.ui"
    text = ui.read_text(encoding="utf-8")
    # What the converter writes and this PyDM does not have.
    text = re.sub(r"(Qt::|QSlider::)?NoTicks", "QSlider::NoTicks", text)
    text = re.sub(
        r"<customwidget>\s*<class>PyDMAbsoluteGeometry</class>.*?</customwidget>", "",
        text, flags=re.DOTALL,
    )  # fmt: skip
    text = text.replace("PyDMAbsoluteGeometry", "QWidget")
    # MEDM's sliders have no labels unless they are asked for.
    text = re.sub(
        r'(<property name="showLimitLabels"[^>]*>\s*<bool>)true', r"\1false", text
    )
    # MEDM's readings have no frame, whose room is taken from their letters here.
    text = re.sub(
        r'(<widget class="PyDMLabel" name="[^"]*">)',
        r'\1<property name="alarmSensitiveBorder" stdset="0"><bool>false</bool>'
        "</property>", text,
    )  # fmt: skip
    # MEDM takes a font that the text's height has room for; 10 points need 20 pixels.
    text = text.replace("<pointsize>10</pointsize>", "<pointsize>9</pointsize>")
    ui.write_text(text, encoding="utf-8")
    return ui


def main() -> None:
    """Show, press, look, end."""
    screen, macros, picture, *actions = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        ui = converted(Path(screen), Path(folder))
        app = PyDMApplication(
            ui_file=str(ui), command_line_args=[], hide_nav_bar=True,
            hide_menu_bar=True, hide_status_bar=True,
            macros=dict(m.split("=", 1) for m in macros.split(",")),
        )  # fmt: skip
        watch(app, Path(picture), actions)
        app.exec_()


def watch(app: Any, picture: Path, actions: list[str]) -> None:
    """Look until all channels are there; then press, and take the picture."""
    window = app.main_window
    widgets = [w for w in window.findChildren(object) if _has_channel(w)]

    def lost() -> list[str]:
        return sorted({w.channel for w in widgets if not w._connected})

    def end() -> None:
        window.grab().save(str(picture))
        print(json.dumps({"channels": len(widgets), "lost": lost()}), flush=True)
        # Threads of the libraries hold an orderly end up.
        os._exit(0)

    def press() -> None:
        for action in actions:
            operate(window, action)
        QTimer.singleShot(SETTLE_MS, end)

    def look(left_ms: int = PATIENCE_MS) -> None:
        if left_ms % AGAIN_MS == 0:
            connect_again([w for w in widgets if not w._connected])
        if lost() and left_ms > 0:
            QTimer.singleShot(LOOK_MS, lambda: look(left_ms - LOOK_MS))
        else:
            QTimer.singleShot(SETTLE_MS, press)

    QTimer.singleShot(LOOK_MS, look)


def operate(window: Any, action: str) -> None:
    """Do what a hand with mouse and keyboard does."""
    record, sign, text = re.fullmatch(r"(\w*)([=:]?)(.*)", action).groups()  # pyright: ignore[reportOptionalMemberAccess]  matches anything
    if sign == ":":
        press(widget_of(window, record, PyDMSlider)._slider, text)
    elif sign == "=":
        enter(widget_of(window, record, PyDMLineEdit, PyDMEnumComboBox), text)
    else:
        buttons = window.findChildren(PyDMPushButton)
        click(next(b for b in buttons if b.text() == action), LEFT)


def widget_of(window: Any, record: str, *kinds: Any) -> Any:
    """Give the widget of one of these kinds for the record."""
    name = re.compile(rf".*:{record}(\.VAL\$)?")
    widgets = [w for kind in kinds for w in window.findChildren(kind)]
    return next(w for w in widgets if name.fullmatch(w.channel))


def enter(widget: Any, text: str) -> None:
    """Type into a field, or choose from a menu."""
    if isinstance(widget, PyDMLineEdit):
        widget.setFocus()
        widget.selectAll()
        type_text(widget, text)
        press(widget, "Return")
        return
    press(widget, "Home")
    for _ in range(widget.findText(text)):
        press(widget, "Down")


def press(widget: Any, name: str) -> None:
    """Press a key."""
    press_key(widget, getattr(Qt, f"Key_{name}"))


def connect_again(widgets: list[Any]) -> None:
    """Open channels anew: PyDM misses a connection that comes too early."""
    for channel in [c for w in widgets for c in w.channels() or []]:
        channel.disconnect()
        channel.connect()


def _has_channel(widget: Any) -> bool:
    return isinstance(widget, PyDMWidget) and bool(getattr(widget, "channel", None))


if __name__ == "__main__":
    main()
