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


# MEDM's own fonts: height of one and width of its letters, pixels. The height alone
# decides which is taken; the text then runs over what is beside it.
FONTS = (
    (8, 5), (9, 6), (10, 6), (13, 7), (14, 7), (15, 9), (16, 8), (20, 10), (24, 12),
)  # fmt: skip
SHADOW_PX, ARROW_PX = 4, 26


def medm_letter_px(height):
    """Give how wide MEDM makes a letter of a text of that height."""
    return [width for size, width in FONTS if size <= height][-1]


def medm_button_letter_px(height):
    """Give how wide MEDM makes a letter on a button: what fits between its shadows."""
    return medm_letter_px(int(0.9 * height) - SHADOW_PX)


def adl_objects(screen, kind):
    """Give (x, width, height, block) of each object of that kind."""
    text = adl_text(screen)
    for block in re.findall(
        rf'^"?{kind}"? \{{\n(.*?)^\}}', text, re.MULTILINE | re.DOTALL
    ):
        x, width, height = (
            int(re.findall(rf"^\t\t{name}=(\d+)", block, re.MULTILINE)[0])
            for name in ("x", "width", "height")
        )
        yield x, width, height, block


def expanded(text):
    """Give it with the longest macros in use."""
    return (
        text.replace("$(P)$(R)", "7bmtomo:EncoderStream:")
        .replace("$(TOMO_SCAN)", "7bmtomo:TomoScanStream:")
    )  # fmt: skip


@by_screen
def test_texts_fit_their_place_in_medm(screen):
    for _, width, height, block in adl_objects(screen, "text"):
        (text,) = re.findall(r'textix="([^"]*)"', block)
        assert medm_letter_px(height) * len(expanded(text)) <= width, text
    labelled = (*adl_objects(screen, "message button"),
                *adl_objects(screen, "related display"))  # fmt: skip
    for _, width, height, block in labelled:
        text = re.findall(r'label="-?([^"]*)"', block)[-1]
        used = medm_button_letter_px(height) * len(text)
        assert used <= width - 2 * SHADOW_PX, text


@by_screen
def test_choices_fit_their_place_in_medm(screen):
    choices = {f"$(P)$(R){c.name}": c.choices for c in (*CONTROLS, *LENS_CHANGE)}
    for kind, letter_px, spare_px in (
        ("text update", medm_letter_px, 0),
        ("menu", medm_button_letter_px, ARROW_PX),
    ):
        for _, width, height, block in adl_objects(screen, kind):
            (channel,) = re.findall(r'chan="([^"]*)"', block)
            for text in choices.get(channel, ()):
                if 'align="horiz. right"' not in block:
                    assert letter_px(height) * len(text) <= width - spare_px, text


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


def said_limits(text):
    """Give unit and limits as somebody reads them: keV, 1 to 100; pixel, +/-65536."""
    found = re.fullmatch(r"(?:(\w+), )?(?:\+/-(\S+)|(\S+) to (\S+))", text)
    assert found, text
    unit, both, low, high = found.groups()
    return unit or "", *(
        (-float(both), float(both)) if both else (float(low), float(high))
    )


@by_screen
def test_every_entry_shows_the_limits_that_are_declared(screen):
    declared = {f"$(P)$(R){c.name}": c for c in (*CONTROLS, *LENS_CHANGE)}
    channels = {w.channel for w in screen.widgets}
    count = 0
    for entry in screen.widgets:
        control = declared.get(entry.channel)
        if entry.kind is not WidgetKind.ENTRY or not control or control.low is None:
            continue
        count += 1
        # The nearest text on its line.
        beside = min(
            (w for w in screen.widgets if w.y == entry.y and w.x > entry.x
             and w.kind is WidgetKind.TEXT),
            key=lambda w: w.x,
        )  # fmt: skip
        if control.extent:
            # They follow the frames' size: shown as the record has them.
            assert {f"{entry.channel}.DRVL", f"{entry.channel}.DRVH"} <= channels
            assert beside.text == control.unit
        else:
            assert said_limits(beside.text) == (control.unit, control.low, control.high)
    least = {"tomoStreamEPICS_PVs": 0, "tomoStreamScan": 0, "tomoStreamStatus": 2,
             "tomoStreamLens_2BM": 2}  # fmt: skip
    assert count >= least.get(screen.name, 30)


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
