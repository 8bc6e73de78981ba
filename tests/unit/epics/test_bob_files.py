"""Whether Phoebus' display builder can take the .bob files as they are.

What it reads was looked up in its sources (app/display/model: the classes of these
widgets, CommonWidgetProperties, FormatOption); it skips what it does not know without
a word, so a misspelt property would only show as a screen that looks wrong.
"""

import re
from xml.etree import ElementTree as Xml

import pytest

from tomostream.core.controls import CONTROLS, LENS_CHANGE
from tomostream.epics.generate import generated_files
from tomostream.sim.tomoscan import ScanRecords, database_text

FILES = {n: t for n, t in generated_files().items() if n.endswith(".bob")}
EVERY = {"name", "x", "y", "width", "height", "actions"}
BORDER = {"border_width", "border_color"}
TEXT = {"font", "foreground_color", "background_color"}
READ = {"pv_name", "border_alarm_sensitive"}
SHOWN = {"format", "precision", "show_units", "wrap_words"}
CONFIRM = {"enabled", "confirm_dialog", "confirm_message", "password"}
LEVELS = {
    f"{a}_{b}" for a in ("show", "level") for b in ("hihi", "high", "low", "lolo")
}
WIDGETS = {
    "label": ("2.0.0", TEXT | BORDER | {
        "text", "transparent", "horizontal_alignment", "vertical_alignment",
        "rotation_step", "auto_size", "wrap_words",
    }),
    "rectangle": ("2.0.0", {
        "background_color", "transparent", "line_color", "line_width", "line_style",
        "corner_width", "corner_height",
    }),
    "textupdate": ("2.0.0", TEXT | BORDER | READ | SHOWN | {
        "transparent", "horizontal_alignment", "vertical_alignment", "rotation_step",
        "interactive",
    }),
    "textentry": ("3.0.0", TEXT | BORDER | READ | SHOWN | {"enabled", "multi_line"}),
    "combo": ("2.0.0", TEXT | READ | CONFIRM | {"items", "items_from_pv", "editable"}),
    "action_button": ("3.0.0", TEXT | READ | CONFIRM | {
        "text", "transparent", "rotation_step",
    }),
    "scaledslider": ("2.0.0", TEXT | READ | LEVELS | {
        "horizontal", "increment", "transparent", "minimum", "maximum", "enabled",
        "limits_from_pv", "show_scale", "show_minor_ticks", "scale_format",
        "major_tick_step_hint",
    }),
}  # fmt: skip
ACTIONS = {
    "write_pv": {"pv_name", "value", "description"},
    "open_display": {"file", "target", "macros", "description"},
}
COUNTS = {"x", "y", "width", "height", "line_width", "increment"}
CHOICES = {"horizontal_alignment": 2, "vertical_alignment": 2, "format": 10}
"""The highest number of each."""
CHARACTERS = 6
"""Of FormatOption, STRING: numbers of a waveform are shown as text."""
HEIGHT_PX, PADDING_PX = 14, 8
"""Of the font called Default, Liberation Sans; on either side of a button's text."""

# Widths of that font's signs, the same as Arial's, in thousandths of its height.
_WIDTHS = {
    191: "'", 222: "ijl", 260: "|", 278: " !,./:;I[\\]ft", 333: "()-`r", 334: "{}",
    355: '"', 389: "*", 469: "^", 500: "Jckssvxyz", 584: "+<=>~", 611: "FTZ",
    556: "#$0123456789?L_abdeghnopqu", 667: "&ABEKPSVXY", 722: "CDHNRUw",
    778: "GOQ", 833: "Mm", 889: "%", 944: "W", 1015: "@",
}  # fmt: skip
WIDTHS = {sign: width for width, signs in _WIDTHS.items() for sign in signs}

by_file = pytest.mark.parametrize("name", FILES)


def widgets(name):
    return list(Xml.fromstring(FILES[name]).iter("widget"))


def text_px(text):
    return sum(WIDTHS[sign] for sign in text) * HEIGHT_PX / 1000


@by_file
def test_widgets_are_of_a_type_and_version_that_phoebus_has(name):
    root = Xml.fromstring(FILES[name])
    assert (root.tag, root.attrib) == ("display", {"version": "2.0.0"})
    assert {child.tag for child in root} == {"name", "width", "height", "widget"}
    for widget in widgets(name):
        assert set(widget.attrib) == {"type", "version"}
        assert WIDGETS[widget.attrib["type"]][0] == widget.attrib["version"]


@by_file
def test_widgets_have_no_property_that_phoebus_would_skip(name):
    for widget in widgets(name):
        tags = [child.tag for child in widget]
        assert set(tags) <= EVERY | WIDGETS[widget.attrib["type"]][1]
        assert len(tags) == len(set(tags)), "the last of two counts"


@by_file
def test_properties_have_values_of_their_type(name):
    for entry in (entry for widget in widgets(name) for entry in widget):
        text = entry.text or ""
        if entry.tag in COUNTS:
            assert re.fullmatch(r"\d+", text), entry.tag
        elif entry.tag in CHOICES:
            assert 0 <= int(text) <= CHOICES[entry.tag]
        elif entry.tag.endswith("_color"):
            (color,) = entry
            assert color.tag == "color"
            assert set(color.attrib) == {"red", "green", "blue"}
            assert all(0 <= int(part) <= 255 for part in color.attrib.values())
        elif entry.tag not in {"name", "text", "pv_name", "actions"}:
            assert text in {"true", "false"}, entry.tag


@by_file
def test_buttons_do_one_thing_that_phoebus_can_do(name):
    for button in widgets(name):
        actions = button.findall("actions/action")
        assert len(actions) == (button.attrib["type"] == "action_button")
        for action in actions:
            assert {e.tag for e in action} == ACTIONS[action.attrib["type"]]
            if action.attrib["type"] == "write_pv":
                # Not by $(pv_name): other readers of the format do not know it.
                assert action.findtext("pv_name") == button.findtext("pv_name")
                assert action.findtext("value") == "1"
            else:
                assert action.findtext("target") == "window"
                assert f"adl/{action.findtext('file')}" in FILES


@by_file
def test_a_screen_is_handed_all_macros_that_it_uses(name):
    for link in Xml.fromstring(FILES[name]).iter("action"):
        if link.attrib["type"] == "open_display":
            target = FILES[f"adl/{link.findtext('file')}"]
            handed = {macro.tag: macro.text for macro in link.find("macros") or ()}
            assert set(re.findall(r"\$\((\w+)\)", target)) <= set(handed)
            assert all(text == f"$({macro})" for macro, text in handed.items())


@by_file
def test_every_channel_is_a_record_that_is_served(name):
    ours = {f"$(P)$(R){c.name}" for c in (*CONTROLS, *LENS_CHANGE)}
    scan = ScanRecords(
        tomoscan_prefix="$(TOMO_SCAN)", image_prefix="cam:", shape=(4, 4),
        dtype="uint8", n_angles=4, step_deg=1.0, start_deg=0.0, rate_hz=1.0,
    )  # fmt: skip
    of_tomoscan = re.findall(
        r'^record\(\w+, "([^"]+)"\)', database_text(scan), re.MULTILINE
    )
    served = ours | set(of_tomoscan)
    channels = [c for w in widgets(name) if (c := w.findtext("pv_name"))]
    assert channels
    for channel in channels:
        record, _, field = channel.partition(".")
        assert record in served
        assert field in {"", "PROC", "DRVL", "DRVH", "VAL$"}


@by_file
def test_long_names_are_shown_as_text(name):
    long = {c.name for c in (*CONTROLS, *LENS_CHANGE)
            if c.kind in {"status", "long_text"}}  # fmt: skip
    for widget in widgets(name):
        record = re.sub(r"^\$\(P\)\$\(R\)|\..*$", "", widget.findtext("pv_name") or "")
        is_text = widget.findtext("format") == str(CHARACTERS)
        assert is_text == (record in long), record


@by_file
def test_no_text_is_wider_than_its_widget(name):
    choices = {f"$(P)$(R){c.name}": c.choices for c in (*CONTROLS, *LENS_CHANGE)}
    arrow_px = 24
    for widget in widgets(name):
        room_px = int(widget.findtext("width") or 0)
        kind, channel = widget.attrib["type"], widget.findtext("pv_name") or ""
        texts = [widget.findtext("text") or ""]
        if kind == "action_button":
            room_px -= 2 * min(PADDING_PX, room_px // 4)
        if kind == "combo":
            room_px -= arrow_px + PADDING_PX
        if kind in {"combo", "textupdate"}:
            texts += choices.get(channel, ())
        for text in texts:
            assert text_px(text) <= room_px, text


@by_file
def test_every_line_of_text_is_as_high_as_its_font_needs(name):
    # Liberation Sans: 0.905 above and 0.212 below the line.
    needed_px = HEIGHT_PX * (0.905 + 0.212)
    for widget in widgets(name):
        if widget.attrib["type"] not in {"rectangle", "scaledslider"}:
            assert int(widget.findtext("height") or 0) >= needed_px


def test_sliders_end_where_the_record_says_and_show_no_marks():
    sliders = [w for w in widgets("adl/tomoStream.bob")
               if w.attrib["type"] == "scaledslider"]  # fmt: skip
    assert len(sliders) == 10
    for slider in sliders:
        assert slider.findtext("limits_from_pv") == "true"
        shown = [e for e in slider if e.tag.startswith("show_")]
        assert len(shown) == 6
        assert all(entry.text == "false" for entry in shown)
