from pathlib import Path

from tomostream.core.controls import CONTROLS
from tomostream.epics.records_page import records_page

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "records.md"


def test_the_page_in_the_docs_is_the_one_that_is_made():
    assert PAGE.read_text(encoding="utf-8") == records_page()


def test_every_record_stands_on_the_page():
    page = records_page()
    assert all(f"| `{c.name}` |" in page for c in CONTROLS)
