from importlib.resources import files

import pytest
import yaml

from tomostream.app.config import (
    AttributeAngles,
    Config,
    FixedStepAngles,
    load_config,
    parse_config,
)
from tomostream.core.errors import ConfigurationError
from tomostream.core.frame import IdWrap

EXAMPLE = files("tomostream.app") / "example.yaml"


def test_the_example_states_every_key_and_its_default():
    text = EXAMPLE.read_text(encoding="utf-8")
    assert parse_config(text) == Config()
    assert yaml.safe_load(text) == Config().model_dump(mode="json")


def test_an_empty_file_is_the_default():
    assert parse_config("") == Config()


def test_a_bare_detector_needs_a_channel_and_a_step():
    config = parse_config(
        """
        input: {image_channel: "13SIM1:Pva1:Image", has_tomoscan: false}
        angles: {source: fixed_step, step_deg: 0.5}
        ids: {wrap: gige, origin: 1}
        """
    )
    assert config.angles == FixedStepAngles(source="fixed_step", step_deg=0.5)
    assert config.ids.wrap is IdWrap.GIGE


def test_angles_may_come_with_the_frames():
    config = parse_config("angles: {source: attribute, attribute: Angle}")
    assert config.angles == AttributeAngles(source="attribute", attribute="Angle")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("angels: {}", "angels: there is no such key; did you mean angles?"),
        ("engine: {threds: 2}", "engine.threds: there is no such key; did you mean"),
        (
            "angles: {source: fixed_step, step: 1}",
            "angles.step: there is no such key; did you mean step_deg?",
        ),
        ("angles: {source: fixed_step}", "angles.step_deg: this key is needed"),
        ("angles: {source: fixed_step, step_deg: 0}", "angles.step_deg: expected"),
        ("angles: {source: fixed_step, step_deg: .nan}", "angles.step_deg: expected"),
        (
            "angles: {source: guess}",
            "angles: expected source 'table', 'fixed_step', 'a",
        ),
        ("angles: {source: guess}", ", got 'guess'"),
        ("angles: {step_deg: 1}", "angles: expected a source: table, fixed_step or"),
        ("angles: {source: attribute}", "angles.attribute: this key is needed"),
        ("angles: fixed", "angles: expected keys and values, got 'fixed'"),
        ("input: 3", "input: expected keys and values, got 3"),
        ("use_records: maybe", "use_records: expected true or false, got 'maybe'"),
        ("use_records: false", "without records it must be named"),
        ("input: {has_tomoscan: false}", "angles: without a tomoScan there is no"),
        ("prefix: 'a b:'", "prefix: expected a prefix such as sim:TomoStream: (no"),
        (f"prefix: {'p' * 40}", "39 characters at most, for SampleTomo90degPVName to"),
        (f"input: {{tomoscan_prefix: {'p' * 50}}}", "expected 49 characters at most"),
        ("prefix: 3", "prefix: expected a text, in quotes, got 3"),
        ("limits: {queue_frames: 0}", "queue_frames: expected at least 2, got 0"),
        ("limits: {lag_ms: 0}", "limits.lag_ms: expected more than 0.0, got 0"),
        ("limits: {batch_frames: 1.5}", "expected a whole number, got 1.5"),
        ("- 1", "expected keys and values"),
        ("a: [", "tomo.yaml: line 1: "),
        (
            "ids: {origin: 1}\nprefix: a:",
            "line 2: mapping values are not allowed here; ",
        ),
        ("a: \0", "is no YAML: unacceptable character"),
        ("[a, b]: 1", "line 1: found unhashable key"),
        ("ids: {}\nlog: {}\nids: {}", "line 3: the key ids stands here a second time"),
        ("ids:\n\torigin: 1", "lines are indented by blanks, not by tabs"),
        ("prefix: a:", 'what ends with a colon stands in quotes: prefix: "2bmb:'),
        ("ids: {wrap: sometimes}", "ids.wrap: expected 'auto', 'none'"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(text, sentence):
    with pytest.raises(ConfigurationError) as error:
        parse_config(text, where="tomo.yaml")
    assert str(error.value).startswith("tomo.yaml: ")
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(
        ConfigurationError, match=r"none\.yaml: cannot be read: No such"
    ):
        load_config(tmp_path / "none.yaml")
