"""The page of faults and the tests that bear their numbers."""

import re
from pathlib import Path

TESTS = Path(__file__).parents[2]
PAGE = TESTS.parent / "docs" / "reference" / "faults.md"
NOT_IN_THE_LIST = {23, 39}


def numbers_in_names() -> set[int]:
    """Give the numbers in the names of all tests."""
    names = [
        name
        for path in TESTS.rglob("test_*.py")
        for name in re.findall(r"def test_fault_(\w+)", path.read_text("utf-8"))
    ]
    return {
        int(n) for name in names for n in re.findall(r"(?:^|_and_)(\d\d)(?=_)", name)
    }


def test_every_fault_has_a_test_of_its_number():
    assert numbers_in_names() == set(range(1, 41)) - NOT_IN_THE_LIST


def test_every_fault_is_on_the_page():
    numbers = re.findall(r"^\| (\d+) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert sorted(map(int, numbers)) == sorted(numbers_in_names())
