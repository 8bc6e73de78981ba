import re
from pathlib import Path

import pytest

from tomostream.core.controls import CONTROLS, LENS_CHANGE
from tomostream.epics.records_page import records_page

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "records.md"
DECLARED = (*CONTROLS, *LENS_CHANGE)
NUMERIC = [c for c in DECLARED if c.kind in {"number", "integer", "watchdog"}]
COLUMNS = ("kind", "unit", "limits", "first", "saved", "written", "meaning")
ROWS = {
    cells[0].strip(" `"): dict(zip(COLUMNS, map(str.strip, cells[1:]), strict=True))
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if line.startswith("| `") and (cells := line.strip("|").split("|"))
}

UNITLESS = {
    "a ratio": {
        "DezingerThreshold", "Alpha", "DeltaBeta", "TransmissionFloor",
        "AutoCenterConfidence", "CameraRollConfidence",
    },
    "a coefficient": {
        "BeamHardening2", "BeamHardening3", "ObliqueNX", "ObliqueNY", "ObliqueNZ",
    },
    "a count": {
        "Session", "LostRecently", "RejectedRecently", "ParametersRefused",
        "ParametersOutside",
        "PixelsRepaired", "SlotsFilled",
        "SlotsTotal", "SlotsStale", "QueueDepth", "Decimation", "ViewsFailed",
        *(c.name for c in CONTROLS if re.match("Frames|Rejected", c.name)),
    },
}  # fmt: skip

by_record = pytest.mark.parametrize("declared", DECLARED, ids=lambda c: c.name)
by_number = pytest.mark.parametrize("declared", NUMERIC, ids=lambda c: c.name)


def test_the_page_in_the_docs_is_the_one_that_is_made():
    assert PAGE.read_text(encoding="utf-8") == records_page()


def test_every_record_stands_on_the_page_once():
    text = PAGE.read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == sorted(
        c.name for c in DECLARED
    )


@by_record
def test_a_record_says_its_type_who_writes_it_when_and_what_it_means(declared):
    row = ROWS[declared.name]
    assert re.search(r"\(`\w+`\)", row["kind"])
    assert row["meaning"].startswith(declared.help)
    assert re.search(r"operator|service|viewer|Watchdog", row["written"]), (
        "nobody writes it"
    )
    assert re.search(
        r"at any time|when|at the|before|every|later|who processes|: Done",
        row["written"],
    ), "never written"


@by_number
def test_a_number_has_a_unit_or_is_known_to_have_none(declared):
    unit = ROWS[declared.name]["unit"]
    if any(declared.name in names for names in UNITLESS.values()):
        assert (declared.unit, unit) == ("", "1")
    else:
        assert declared.unit == unit != ""


@by_number
def test_a_number_that_an_operator_writes_has_limits_and_a_first_value(declared):
    row = ROWS[declared.name]
    if declared.writer == "service":
        assert row["limits"] == ""
        return
    low, high = re.findall(r"-?[\d.]+(?:e[+-]?\d+)?", row["limits"])[:2]
    assert (float(low), float(high)) == (declared.low, declared.high)
    assert float(low) <= float(row["first"].strip("`")) <= float(high)
    assert ("; to the " in row["limits"]) == (declared.extent is not None)


@by_record
def test_a_choice_says_all_its_texts(declared):
    shown = ROWS[declared.name]["limits"].split(", ")
    assert not declared.choices or shown == list(declared.choices)


@by_record
def test_an_alarm_is_told_with_its_limit(declared):
    meaning = ROWS[declared.name]["meaning"]
    for limit in (declared.alarm_high, declared.alarm_major):
        assert limit is None or f"from {limit:g}" in meaning
    alarming = zip(declared.choices, declared.severities, strict=False)
    for choice, severity in alarming:
        assert severity == "NO_ALARM" or f"{severity} at {choice}" in meaning
