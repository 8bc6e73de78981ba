from pathlib import Path

import pytest

from tomostream.cli.main import COMMANDS
from tomostream.cli.reference import commands_page

DOCS = Path(__file__).parents[3] / "docs"
PAGE = DOCS / "reference" / "commands.md"


@pytest.mark.skipif(not DOCS.is_dir(), reason="the docs are not beside the tests")
def test_the_page_in_the_docs_is_the_one_that_is_made():
    assert PAGE.read_text(encoding="utf-8") == commands_page()


def test_every_command_stands_on_the_page():
    page = commands_page()
    assert all(f"## tomostream {name}\n" in page for name in COMMANDS)


def test_no_option_is_without_a_meaning():
    rows = [line for line in commands_page().splitlines() if line.startswith("| `")]
    assert rows
    assert all(row.split("|")[2].strip() for row in rows)


def test_an_option_with_several_values_shows_them_as_they_are_typed():
    assert "| `--region X Y W H` |" in commands_page()
