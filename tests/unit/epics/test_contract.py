"""The records that existing screens, scripts and save files depend on.

Names, types, choices and units as beamlines have them. Where a type differs, clients
see the same: an lso of up to 39 characters is a stringout to them, an mbbo of two
choices a bo.
"""

import re
from dataclasses import dataclass, field

import pytest

from tomostream.core.controls import CONTROLS, LENS_CHANGE
from tomostream.epics.generate import generated_files

FILES = generated_files()


@dataclass(frozen=True, kw_only=True)
class Today:
    """What a record is today, and what it may have become."""

    kind: str
    becomes: str = ""
    fields: dict[str, object] = field(default_factory=dict)
    choices: tuple[str, ...] = ()
    raw: tuple[int, ...] = ()


def number(unit, low=None, high=None, *, precision=None):
    limits = {} if low is None else {"DRVL": low, "DRVH": high}
    places = {} if precision is None else {"PREC": precision}
    return Today(kind="ao", fields={"EGU": unit, **limits, **places})


NAME = Today(kind="stringout", becomes="lso")
PLANE = Today(kind="longout", fields={"EGU": "pixel", "DRVL": 0, "LOPR": 0})
TURN = Today(kind="ao", fields={
    "EGU": "deg", "PREC": 1, "DRVL": -180, "DRVH": 180, "LOPR": -180, "HOPR": 180,
})  # fmt: skip
TWEAK = Today(kind="calcout")
RECORDS = {
    "TomoScanPVPrefix": NAME, "ImagePVAPName": NAME, "DarkPVAName": NAME,
    "FlatPVAName": NAME, "ThetaPVAName": NAME, "ReconPVAName": NAME,
    "BufferSize": Today(kind="stringout"),
    "Center": number("pixel", precision=3),
    "CenterTweak": number("pixel"), "CenterTweakUp": TWEAK, "CenterTweakDown": TWEAK,
    "FilterType": Today(
        kind="mbbo", choices=("Parzen", "Shepp-logan", "Ramp", "Butterworth"),
        raw=(0, 1, 2, 3),
    ),
    "Dezinger": Today(
        kind="mbbo", choices=("None", "Radius 2", "Radius 3", "Radius 4"),
        raw=(0, 2, 3, 4),
    ),
    "RingRemoval": Today(kind="mbbo", choices=("None", "fw"), raw=(0, 1)),
    "OrthoX": PLANE, "OrthoY": PLANE, "OrthoZ": PLANE,
    "RotX": TURN, "RotY": TURN, "RotZ": TURN,
    "Energy": number("keV", 1, 100), "Distance": number("mm", 0, 5000),
    "Alpha": number("", 0, 10000, precision=8),
    "PixelSize": number("um", 1e-5, 100),
    "ReconStatus": Today(kind="waveform", fields={"FTVL": "UCHAR", "NELM": 256}),
    "ReconTime": number("s"),
    "Watchdog": Today(kind="calcout", fields={"SCAN": "1 second"}),
    "ServerRunning": Today(kind="bi", choices=("Stopped", "Running"),
                           fields={"ZSV": "MAJOR", "OSV": "NO_ALARM"}),
    "StartRecon": Today(kind="busy", choices=("Done", "Acquire")),
    "AbortRecon": Today(kind="bo", choices=("No", "Yes")),
    "LensChangeSync": Today(kind="bo", becomes="mbbo", choices=("No", "Yes")),
    "MctOpticsPVPrefix": NAME, "SampleTomo0degPVName": NAME,
    "SampleTomo90degPVName": NAME, "SampleYPVName": NAME, "RoiPluginPVPrefix": NAME,
}  # fmt: skip

MACROS = {
    "tomoStream": {
        "P", "R", "TOMO_SCAN", "IMAGE_P", "DARK_PVA", "FLAT_PVA", "RECON_PVA",
        "THETA_PVA",
    },
    "tomoStream_2BM": {
        "P", "R", "MCT_OPTICS", "TOMO_0_DEG", "TOMO_90_DEG", "SAMPLE_Y", "ROI_PLUGIN",
    },
}  # fmt: skip


def served():
    """Give (type, fields) of every record of the templates by its name."""
    found = {}
    for template in MACROS:
        text = FILES[f"iocBoot/db/{template}.template"]
        for kind, name, body in re.findall(
            r'^record\((\S+), "\$\(P\)\$\(R\)(\w+)"\) \{\n(.*?)^\}', text,
            re.MULTILINE | re.DOTALL,
        ):  # fmt: skip
            found[name] = kind, dict(re.findall(r'field\((\w+), "?(.*?)"?\)\n', body))
    return found


SERVED = served()


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_is_what_it_was(name):
    today, (kind, fields) = RECORDS[name], SERVED[name]
    assert kind.replace("$(BUSY=busy)", "busy") == (today.becomes or today.kind)
    for field_name, wanted in today.fields.items():
        shown = fields[field_name]
        is_number = isinstance(wanted, int | float)
        assert (float(shown) if is_number else shown) == wanted, field_name


@pytest.mark.parametrize("name", [n for n, t in RECORDS.items() if t.choices])
def test_choices_keep_their_texts_order_and_raw_values(name):
    today, (_, fields) = RECORDS[name], SERVED[name]
    is_multiple = "ZRST" in fields
    names = ("ZRST", "ONST", "TWST", "THST") if is_multiple else ("ZNAM", "ONAM")
    shown = [fields[n] for n in names[: len(today.choices)]]
    assert tuple(shown) == today.choices
    if today.raw:
        raws = [fields[n[:2] + "VL"] for n in names[: len(today.raw)]]
        assert tuple(map(int, raws)) == today.raw


def test_tweaks_step_the_center_in_the_ioc():
    for name, sign in (("CenterTweakUp", "+"), ("CenterTweakDown", "-")):
        _, fields = SERVED[name]
        assert fields["CALC"] == f"A{sign}B"
        assert fields["INPA"].startswith("$(P)$(R)Center ")
        assert fields["INPB"].startswith("$(P)$(R)CenterTweak ")
        assert fields["OUT"] == "$(P)$(R)Center PP"


@pytest.mark.parametrize("template", MACROS)
def test_a_template_has_the_macros_that_substitutions_give(template):
    text = FILES[f"iocBoot/db/{template}.template"]
    assert set(re.findall(r"\$\((\w+)\)", text)) == MACROS[template]


def test_request_files_keep_the_convention_of_control_pvs():
    for name in MACROS:
        lines = FILES[f"iocBoot/db/{name}_settings.req"].splitlines()
        used = [s for s in lines if s and not re.match("# |#$", s)]
        plain = re.compile(r"(#controlPV )?\$\(P\)\$\(R\)\w+(\.VAL\$)?")
        assert used
        assert all(plain.fullmatch(line) for line in used)


def test_a_key_says_by_its_ending_what_it_names():
    names = [c.name for c in (*CONTROLS, *LENS_CHANGE) if c.kind == "long_text"]
    assert all(n.endswith(("PVPrefix", "PVName", "PVAName", "PVAPName")) for n in names)
