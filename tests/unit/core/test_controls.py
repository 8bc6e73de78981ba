import pytest

from tomostream.core.controls import CONTROLS, HEALTH, control
from tomostream.core.health import HEALTH_NUMBERS, Health, RejectReason, camel_case
from tomostream.core.parameters import (
    PARAMETER_FIELDS,
    FilterType,
    Parameters,
    decode,
    encode,
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


def test_a_record_that_is_no_parameter_cannot_change_the_snapshot():
    with pytest.raises(ValueError, match="StartRecon"):
        Parameters().with_value(control("StartRecon"), 1)


def test_health_has_a_number_for_each_reason_and_a_record_for_each_number():
    numbers = Health(rejected={RejectReason.CODEC: 3}).flat()
    assert list(numbers) == [n.name for n in HEALTH_NUMBERS]
    assert numbers["rejected_codec"] == 3
    assert numbers["rejected_empty"] == 0
    assert [c.name for c in HEALTH] == [camel_case(n) for n in numbers]
