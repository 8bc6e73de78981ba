from pathlib import Path

import pytest

from tomostream.app.requests import parse_macros, read_requests
from tomostream.core.errors import ConfigurationError

MACROS = {"P": "2bmb:", "R": "TomoStream:"}
DATABASE = Path(__file__).parents[3] / "iocBoot" / "db"

# As files in use look: comments, saved records, records that are only used.
IN_USE = """\
# This file is used by autosave
########################
$(P)$(R)TomoScanPVPrefix
$(P)$(R)BufferSize
${P}${R}Center
#controlPV $(P)$(R)ReconTime
#controlPV $(P)$(R)StartRecon
$(P)$(R)SomethingOfTheBeamline
"""


@pytest.fixture
def settings(tmp_path):
    path = tmp_path / "tomoStream_settings.req"
    path.write_text(IN_USE)
    return path


def test_the_prefix_is_what_the_known_records_share(settings, caplog):
    caplog.set_level("INFO")
    assert read_requests([settings], MACROS).prefix == "2bmb:TomoStream:"
    assert "2bmb:TomoStream:SomethingOfTheBeamline" in caplog.text


def test_our_own_files_are_understood():
    files = [DATABASE / f"tomoStream{part}_settings.req" for part in ("", "_2BM")]
    assert read_requests(files, MACROS).prefix == "2bmb:TomoStream:"
    assert read_requests(files, MACROS).has_lens_change
    assert not read_requests(files[:1], MACROS).has_lens_change


def test_a_file_takes_another_one_in(settings):
    outer = settings.with_name("auto_settings.req")
    outer.write_text(f'file "{settings.name}", P=$(P), R=Other:\n')
    assert read_requests([outer], {"P": "7bm:"}).prefix == "7bm:Other:"


def test_a_default_stands_for_a_macro_without_value(settings):
    settings.write_text("$(P=32id:)$(R)Center\n")
    assert read_requests([settings], MACROS | {"P": "a:"}).prefix == "a:TomoStream:"
    assert read_requests([settings], {"R": "b:"}).prefix == "32id:b:"


@pytest.mark.parametrize(
    ("text", "macros", "message"),
    [
        ("$(P)$(R)Center\n", {"P": "a:"}, "line 1: macro R has no value"),
        ("a:Center\nb:OrthoX\n", {}, "one prefix, got a:Center and b:OrthoX"),
        ("a:Nothing\n", {}, "one prefix, got none"),
        ("file missing.req\n", {}, "missing.req: cannot be read"),
        ("file tomoStream_settings.req\n", {}, "take each other in"),
    ],
)
def test_what_cannot_be_used_is_said(settings, text, macros, message):
    settings.write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        read_requests([settings], macros)


def test_macros_are_read_as_an_ioc_writes_them():
    assert parse_macros(' P=2bmb:, R="TomoStream:" ') == MACROS
    assert parse_macros("") == {}
    with pytest.raises(ConfigurationError, match="got '2bmb:'"):
        parse_macros("2bmb:,R=x")
