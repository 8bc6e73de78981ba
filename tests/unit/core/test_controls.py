import pytest

from tomostream.core.controls import (
    CONTROLS,
    HEALTH,
    LENS_CHANGE,
    LONGEST_PREFIX,
    control,
    prefix_fault,
)
from tomostream.core.health import HEALTH_NUMBERS, Health, RejectReason, camel_case
from tomostream.core.parameters import (
    PARAMETER_FIELDS,
    FilterType,
    Parameters,
    decode,
    encode,
    told,
)

PARAMETERS = [c for c in CONTROLS if c.field]


def test_no_record_is_declared_twice():
    names = [c.name for c in CONTROLS]
    assert len(names) == len(set(names))


def test_every_parameter_has_one_record():
    assert sorted(str(c.field) for c in PARAMETERS) == sorted(PARAMETER_FIELDS)


@pytest.mark.parametrize("declared", PARAMETERS, ids=lambda c: c.name)
def test_the_record_and_the_snapshot_agree_on_the_default(declared):
    assert decode(declared, declared.default) == getattr(Parameters(), declared.field)


@pytest.mark.parametrize("declared", PARAMETERS, ids=lambda c: c.name)
def test_a_value_survives_the_way_to_the_record_and_back(declared):
    value = declared.meanings[-1] if declared.meanings else declared.high
    assert decode(declared, encode(declared, value)) == value


@pytest.mark.parametrize("declared", CONTROLS, ids=lambda c: c.name)
def test_a_record_can_be_understood_without_the_code(declared):
    assert declared.help.endswith(".")
    assert declared.default != "" or declared.kind == "status"


def test_dezinger_means_radii_not_indices():
    assert decode(control("Dezinger"), 1) == 2
    assert decode(control("Dezinger"), "Radius 4") == 4


def test_the_first_four_filters_keep_their_numbers():
    names = [decode(control("FilterType"), i) for i in range(4)]
    assert names == ["Parzen", "Shepp-logan", "Ramp", "Butterworth"]
    assert isinstance(names[0], FilterType)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Center", float("nan")),
        ("Center", 1e9),
        ("OrthoX", -1),
        ("FilterType", 17),
        ("FilterType", -1),
        ("FilterType", "Hamming"),
        ("Energy", 0.0),
    ],
)
def test_an_impossible_value_is_refused_by_the_record_s_name(name, value):
    with pytest.raises(ValueError, match=name):
        Parameters().with_value(control(name), value)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("FilterType", 17.0, "Hann, Cosine, got 17"),
        ("FilterType", float("inf"), "Hann, Cosine, got inf"),
        ("CrossHair", 2.0, "expected one of No, Yes, got 2"),
        ("Center", float("nan"), "Center: expected a finite number, got nan"),
        ("OrthoX", "left", "OrthoX: expected a finite number, got left"),
        ("Energy", 1e9, "Energy: expected 1 to 100 keV, got 1e+09"),
    ],
)
def test_a_refusal_says_the_record_what_was_wanted_and_what_came(name, value, told):
    with pytest.raises(ValueError, match=rf"^{name}: .*") as refusal:
        decode(control(name), value)
    assert str(refusal.value).endswith(told)


def test_a_value_is_told_as_its_record_shows_it():
    shown = Parameters(filter_type=FilterType.HANN, center=255.5, dezinger_radius=3)
    said = [
        told(control(name), value)
        for name, value in (
            ("FilterType", shown.filter_type), ("Center", shown.center),
            ("Dezinger", shown.dezinger_radius), ("CrossHair", shown.crosshair),
            ("BeamHardening2", shown.hardening_2), ("OrthoX", shown.ortho_x),
        )
    ]  # fmt: skip
    assert said == ["Hann", "255.5 pixel", "Radius 3", "No", "0", "0 pixel"]


@pytest.mark.parametrize(
    ("length", "is_right"), [(LONGEST_PREFIX, True), (LONGEST_PREFIX + 1, False)]
)
def test_a_prefix_is_as_long_as_the_longest_record_s_name_lets_it(length, is_right):
    prefix = "p" * (length - 1) + ":"
    longest = max(len(prefix + c.name) for c in (*CONTROLS, *LENS_CHANGE))
    assert (longest <= 60) == is_right
    assert (prefix_fault(prefix) == "") == is_right


def test_a_record_that_is_no_parameter_cannot_change_the_snapshot():
    with pytest.raises(ValueError, match="StartRecon"):
        Parameters().with_value(control("StartRecon"), 1)


def test_health_has_a_number_for_each_reason_and_a_record_for_each_number():
    numbers = Health(rejected={RejectReason.CODEC: 3}).flat()
    assert list(numbers) == [n.name for n in HEALTH_NUMBERS]
    assert numbers["rejected_codec"] == 3
    assert numbers["rejected_empty"] == 0
    assert [c.name for c in HEALTH] == [camel_case(n) for n in numbers]
