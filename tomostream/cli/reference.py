"""The page docs/reference/commands.md, made from the commands' own declarations.

``python -m tomostream.cli.reference > docs/reference/commands.md`` writes it anew.
"""

import argparse
from collections.abc import Iterator
from types import ModuleType

from tomostream.cli.main import COMMANDS

_HEAD = """\
# Commands

Made from the commands themselves (`python -m tomostream.cli.reference`); `--help` of
each says the same. Exit status: 0 when all went well, 1 when something that was needed
failed or was lost, 2 when an option or the configuration is wrong.
"""


def commands_page() -> str:
    """Give the page, in Markdown."""
    return "\n".join([_HEAD, *(_section(n, m) for n, m in COMMANDS.items())])


def _section(name: str, module: ModuleType) -> str:
    parser = argparse.ArgumentParser(prog=f"tomostream {name}", add_help=False)
    module.add_arguments(parser)
    lines = [f"## tomostream {name}", "", "```text", module.DESCRIPTION.rstrip(), "```"]
    rows = list(_rows(parser))
    if rows:
        lines += ["", "| option | meaning |", "|---|---|", *rows]
    lines += ["", "```text", module.EPILOG.rstrip(), "```", ""]
    return "\n".join(lines)


def _rows(parser: argparse.ArgumentParser) -> Iterator[str]:
    # argparse has no public list of what was declared.
    for action in parser._actions:  # noqa: SLF001
        if action.help == argparse.SUPPRESS:
            continue
        value = action.metavar or ", ".join(map(str, action.choices or ()))
        if isinstance(value, tuple):
            value = " ".join(value)
        if action.option_strings:
            shown = action.option_strings[-1]
            if action.nargs != 0:
                shown += f" {value or action.dest.upper()}"
        else:
            shown = str(value or action.dest)
        meaning = (action.help or "") % {**vars(action), "prog": parser.prog}
        yield f"| `{shown}` | {meaning} |"


if __name__ == "__main__":
    print(commands_page(), end="")
