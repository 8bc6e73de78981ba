import pytest
import yaml

from tomostream.core.errors import ConfigurationError
from tomostream.epics.settings import SettingsFile


@pytest.fixture
def path(tmp_path):
    return tmp_path / "settings.yaml"


def test_without_a_file_nothing_is_saved(path):
    assert SettingsFile(path).load() == {}


def test_what_is_written_at_the_end_is_loaded(path):
    values = {
        "Center": 12.5, "OrthoX": 3, "FilterType": "Hann", "CrossHair": "No",
        "RingRemoval": "None", "ScanRange": "360", "DarkPVAName": "x" * 90,
    }  # fmt: skip
    settings = SettingsFile(path)
    settings.start(lambda: values)
    settings.stop()
    assert SettingsFile(path).load() == values


def test_values_that_a_record_cannot_take_are_left_out(path, caplog):
    path.write_text(
        "Center: .nan\nEnergy: 1e9\nOrthoX: [1]\nFilterType: Gauss\nRotX: 5.0\nFoo: 1\n"
    )
    assert SettingsFile(path).load() == {"RotX": 5.0}
    assert len(caplog.records) == 4


@pytest.mark.parametrize("text", ["{", "- 1\n- 2\n", "just words", "\x00"])
def test_an_unreadable_file_is_put_aside(path, text):
    path.write_text(text)
    assert SettingsFile(path).load() == {}
    assert not path.exists()
    assert path.with_name("settings.yaml.unreadable").read_text() == text


def test_an_empty_file_is_no_fault(path):
    path.write_text("")
    assert SettingsFile(path).load() == {}
    assert path.exists()


def test_unchanged_values_are_not_written_again(path):
    path.write_text("Center: 5.0\n")
    settings = SettingsFile(path)
    before = path.stat().st_mtime_ns
    settings.start(lambda: {"Center": 5.0})
    settings.stop()
    assert path.stat().st_mtime_ns == before


def test_the_file_can_be_edited_by_hand(path):
    settings = SettingsFile(path)
    settings.start(lambda: {"FilterType": "Ramp"})
    settings.stop()
    assert yaml.safe_load(path.read_text()) == {"FilterType": "Ramp"}


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="folder"):
        SettingsFile(tmp_path / "nowhere" / "settings.yaml")


@pytest.mark.parametrize(
    "refused", [{"FilterType": 17}, {"Center": float("nan")}, {"Energy": 1e9}]
)
def test_a_value_that_is_refused_leaves_the_one_before_it_saved(path, refused):
    values = {"Center": 12.5, "FilterType": "Hann", "Energy": 25.0}
    for shown in (values, values | refused):
        settings = SettingsFile(path)
        settings.start(lambda shown=shown: shown)
        settings.stop()
    assert SettingsFile(path).load() == values
