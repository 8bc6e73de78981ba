import re

import pytest

from tomostream.core.controls import CONTROLS
from tomostream.core.health import RejectReason
from tomostream.epics.database import database_text
from tomostream.epics.ioc import IocConfig

CONFIG = IocConfig(prefix="2bmb:TomoStream:", dark_pva='a"b\\c')


def records(saved=None):
    """Give (type, fields) by record name."""
    text = database_text(CONFIG.prefix, CONTROLS, macros=CONFIG.macros(), saved=saved)
    found = {}
    for kind, name, body in re.findall(
        r'^record\((\S+), "([^"]+)"\) \{\n(.*?)^\}', text, re.MULTILINE | re.DOTALL
    ):
        fields = dict(re.findall(r"field\((\w+), (.*)\)\n", body))
        found[name.removeprefix(CONFIG.prefix)] = (kind, fields)
    return found


def test_every_control_has_its_record():
    holds = {"StartReconHoldA", "StartReconHoldB"}
    assert set(records()) == {c.name for c in CONTROLS} | holds


def test_every_rejection_is_counted_by_a_record():
    assert {f"Rejected{''.join(p.capitalize() for p in r.split('_'))}"
            for r in RejectReason} <= set(records())  # fmt: skip


def test_dezinger_keeps_the_raw_values_of_its_radii():
    _, fields = records()["Dezinger"]
    assert [fields[f"{s}VL"] for s in ("ZR", "ON", "TW", "TH")] == [
        '"0"', '"2"', '"3"', '"4"',
    ]  # fmt: skip


def test_filters_keep_their_order():
    _, fields = records()["FilterType"]
    assert [fields[f"{s}ST"] for s in ("ZR", "ON", "TW", "TH")] == [
        '"Parzen"', '"Shepp-logan"', '"Ramp"', '"Butterworth"',
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "field", "severity"),
    [
        ("SessionState", "FVSV", "MAJOR"),
        ("Corrected", "ZRSV", "MINOR"),
        ("ServerRunning", "ZSV", "MAJOR"),
        ("LostRecently", "HSV", "MINOR"),
        ("Decimation", "HSV", "MINOR"),
        ("Latency", "HSV", "MINOR"),
        ("Latency", "HHSV", "MAJOR"),
        ("QueueFill", "HHSV", "MAJOR"),
        ("ImageConnection", "ZRSV", "MAJOR"),
        ("DarkMatch", "THSV", "MINOR"),
    ],
)
def test_alarms_stand_where_they_are_wanted(name, field, severity):
    assert records()[name][1][field] == f'"{severity}"'


def test_a_counter_never_alarms_since_it_never_goes_back():
    counters = [n for n in records() if n.startswith(("Frames", "Rejected"))]
    counters.remove("RejectedRecently")
    assert counters
    assert not any("HSV" in records()[name][1] for name in counters)


def test_limits_bind_clients_and_screens():
    _, fields = records()["Energy"]
    assert [fields[f] for f in ("DRVL", "DRVH", "LOPR", "HOPR")] == [
        '"1"', '"100"', '"1"', '"100"',
    ]  # fmt: skip
    assert fields["EGU"] == '"keV"'


def test_wiring_says_what_the_configuration_says():
    found = records()
    assert found["TomoScanPVPrefix"][1]["DOL"] == '{const:"sim:TomoScanStream:"}'
    assert found["DarkPVAName"] == (
        "lso", found["DarkPVAName"][1] | {"DOL": r'{const:"a\"b\\c"}'},
    )  # fmt: skip


def test_saved_values_come_first():
    found = records({"Center": 12.25, "FilterType": "Ramp", "DarkPVAName": "x" * 300})
    assert found["Center"][1]["VAL"] == '"12.25"'
    assert found["FilterType"][1]["VAL"] == '"2"'
    assert found["DarkPVAName"][1]["DOL"] == f'{{const:"{"x" * 255}"}}'


def test_descriptions_fit_their_field():
    assert all(len(fields["DESC"]) <= 42 for _, fields in records().values())


@pytest.mark.parametrize("prefix", ["", "a b:", "$(P)", "x" * 40, "it's:"])
def test_an_impossible_prefix_is_refused(prefix):
    with pytest.raises(ValueError, match="prefix"):
        IocConfig(prefix=prefix)
