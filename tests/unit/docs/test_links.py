"""The documentation leads where it says, and what it shows is there."""

import argparse
import re
from pathlib import Path

import pytest

from tomostream.cli.main import COMMANDS

ROOT = Path(__file__).parents[3]
PAGES = sorted(
    page
    for pattern in ("*.md", "docs/**/*.md", "adl/*.md", "iocBoot/*.md")
    for page in ROOT.glob(pattern)
)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_NAMED = re.compile(
    r"(?<![\w/.$-])(?:tomostream|tests|docs|adl|iocBoot)/[\w./*-]*[\w*/]"
)
_MODULE = re.compile(r"\btomostream(?:\.[a-z_]+)+")
_TEST = re.compile(r"\btest_\w+")
_COMMAND = re.compile(r"(?<![\w/.-])tomostream +([a-z]+)\b((?:\\\n|[^`\n|])*)")
_OPTION = re.compile(r"(?<!\S)(--?[a-z][\w-]*)")
_CODE = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)

pytestmark = pytest.mark.skipif(
    not (ROOT / "docs").is_dir(), reason="the docs are not beside the tests"
)


def links(text):
    """Give the targets of a page's links; what stands in code is none."""
    return _LINK.findall(_CODE.sub("", text))


def anchor(heading):
    """Give a heading's anchor as GitHub makes it."""
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")


@pytest.mark.parametrize("screen", sorted(ROOT.glob("adl/*.adl")), ids=lambda p: p.stem)
def test_every_screen_has_its_picture_in_the_docs(screen):
    page = ROOT / "docs" / "reference" / "screens.md"
    shown = links(page.read_text(encoding="utf-8"))
    assert f"../images/screens/{screen.stem}.png" in shown


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_link_within_leads_to_a_file(page):
    within = [t for t in links(page.read_text(encoding="utf-8")) if ":" not in t]
    files = [t.partition("#")[0] for t in within]
    broken = [f for f in files if f and not (page.parent / f).exists()]
    assert not broken


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_anchor_is_a_heading(page):
    broken = []
    for target in links(page.read_text(encoding="utf-8")):
        name, has_anchor, wanted = target.partition("#")
        other = page.parent / name if name else page
        if ":" in target or not has_anchor or other.suffix != ".md":
            continue
        text = other.read_text(encoding="utf-8")
        headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        if wanted not in map(anchor, headings):
            broken.append(target)
    assert not broken


def in_code(page):
    """Give what stands in a page's code."""
    return "\n".join(_CODE.findall(page.read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_path_that_is_named_is_there(page):
    assert [
        path for path in _NAMED.findall(in_code(page)) if not [*ROOT.glob(path)]
    ] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_module_that_is_named_is_there(page):
    def is_there(name):
        # The last part may be a name within the module.
        path = ROOT / name.replace(".", "/")
        return any(
            p.is_dir() or p.with_suffix(".py").exists() for p in (path, path.parent)
        )

    named = [
        n for n in _MODULE.findall(in_code(page)) if not n.endswith((".yaml", ".log"))
    ]
    assert [name for name in named if not is_there(name)] == []


def test_every_test_that_is_named_is_there():
    tests = [*(ROOT / "tests").glob("**/test_*.py")]
    known = "\n".join(
        [*(t.stem for t in tests), *(t.read_text("utf-8") for t in tests)]
    )
    named = {name for page in PAGES for name in _TEST.findall(in_code(page))}
    assert {name for name in named if name not in known} == set()


def options_of(command):
    """Give the options of a command."""
    parser = argparse.ArgumentParser()
    COMMANDS[command].add_arguments(parser)
    # argparse has no public list of what was declared.
    return {o for action in parser._actions for o in action.option_strings}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_command_that_is_shown_has_its_options(page):
    unknown = [
        (command, option)
        for command, rest in _COMMAND.findall(in_code(page))
        for option in _OPTION.findall(rest)
        if command not in COMMANDS or option not in options_of(command)
    ]
    assert unknown == []


def test_every_page_is_reached_from_the_first_one():
    start = (ROOT / "docs" / "README.md").resolve()
    reached, waiting = set(), [start]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md" or not page.exists():
            continue
        reached.add(page)
        for target in links(page.read_text(encoding="utf-8")):
            file = (page.parent / target.partition("#")[0]).resolve()
            # A folder shows all that is in it.
            waiting += file.glob("*.md") if file.is_dir() else [file]
    assert {p.resolve() for p in (ROOT / "docs").glob("**/*.md")} <= reached
