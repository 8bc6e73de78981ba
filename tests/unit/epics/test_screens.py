import re
from itertools import combinations
from xml.etree import ElementTree as Xml

import pytest

from tomostream.core.controls import CONTROLS, LENS_CHANGE
from tomostream.epics.generate.screens import SCREENS, adl_text, bob_text, laid_out
from tomostream.epics.generate.screens.widgets import WidgetKind

LAID_OUT = [laid_out(content) for content in SCREENS]
NAMES = {screen.name for screen in LAID_OUT}

by_screen = pytest.mark.parametrize("screen", LAID_OUT, ids=lambda s: s.name)


def test_every_record_is_on_a_screen():
    shown = {
        re.sub(r"\..*$", "", w.channel).removeprefix("$(P)$(R)")
        for screen in LAID_OUT
        for w in screen.widgets
    }
    assert {c.name for c in (*CONTROLS, *LENS_CHANGE)} <= shown


@by_screen
def test_widgets_are_inside_and_do_not_overlap(screen):
    solid = [
        w for w in screen.widgets
        if w.kind not in {WidgetKind.FRAME, WidgetKind.HEADING}
    ]  # fmt: skip
    for w in screen.widgets:
        assert w.x >= 0
        assert w.y >= 0
        assert w.x + w.width <= screen.width
        assert w.y + w.height <= screen.height
    for a, b in combinations(solid, 2):
        apart = (
            a.x + a.width <= b.x or b.x + b.width <= a.x
            or a.y + a.height <= b.y or b.y + b.height <= a.y
        )  # fmt: skip
        assert apart, (a, b)


@by_screen
def test_a_screen_fits_a_monitor(screen):
    assert screen.width <= 1900
    assert screen.height <= 1000


@by_screen
def test_labels_fit_their_place(screen):
    # 7 pixels a letter at this height.
    for w in screen.widgets:
        if w.kind in {WidgetKind.TEXT, WidgetKind.BUTTON, WidgetKind.LINK}:
            assert 7 * len(w.text) <= w.width, w.text


@by_screen
def test_links_open_screens_that_exist_with_the_macros_that_they_need(screen):
    links = [w for w in screen.widgets if w.kind is WidgetKind.LINK]
    if screen.name in {"tomoStream", "tomoStream_2BM", "tomoStream_7BM"}:
        assert len(links) >= 3
    for link in links:
        assert link.screen in NAMES
        target = next(s for s in LAID_OUT if s.name == link.screen)
        wanted = {
            m for w in target.widgets for m in re.findall(r"\$\((\w+)\)", w.channel)
        }
        assert wanted <= set(link.macros)


@by_screen
def test_medm_files_have_balanced_blocks_and_all_channels(screen):
    text = adl_text(screen)
    assert text.count("{") == text.count("}")
    assert text.count('"') % 2 == 0
    channels = re.findall(r'chan="([^"]*)"', text)
    assert channels == [w.channel for w in screen.widgets if w.channel]


@by_screen
def test_phoebus_files_are_xml_with_all_channels(screen):
    root = Xml.fromstring(bob_text(screen))
    assert root.tag == "display"
    channels = [w.findtext("pv_name") for w in root.iter("widget")]
    assert [c for c in channels if c] == [
        w.channel for w in screen.widgets if w.channel
    ]


def test_a_pressed_abort_is_let_go_and_start_is_not():
    buttons = {w.text: w for w in LAID_OUT[0].widgets if w.kind is WidgetKind.BUTTON}
    assert (buttons["Abort"].press, buttons["Abort"].release) == ("1", "0")
    assert (buttons["Start"].press, buttons["Start"].release) == ("1", "")


def test_sliders_take_their_limits_from_the_record():
    text = adl_text(LAID_OUT[0])
    sliders = re.findall(r"\nvaluator \{(.*?)\n\}", text, re.DOTALL)
    assert len(sliders) == 10
    assert all("Src" not in slider for slider in sliders)
    assert "$(P)$(R)OrthoX.DRVH" in text
