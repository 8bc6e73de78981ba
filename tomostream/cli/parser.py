"""Options: what is wrong with them is said in one sentence."""

import argparse
import difflib
from collections.abc import Sequence
from typing import Any, NoReturn


class CommandParser(argparse.ArgumentParser):
    """A parser that refuses what it does not know, and hints at what was meant.

    argparse itself prints all options of the command before it says what is wrong, and
    tells of a command's unknown option in the name of the program above it.
    """

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and end with status 2."""
        sentence = message.removeprefix("argument ")
        self.exit(2, f"{self.prog}: {sentence}; see {self.prog} --help\n")

    def parse_known_args(  # pyright: ignore[reportIncompatibleMethodOverride]  overloads
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """Read the options; none is left over."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(self._told(unknown))
        return found, unknown

    def _told(self, unknown: Sequence[str]) -> str:
        options = [word.partition("=")[0] for word in unknown if word.startswith("-")]
        if not options:
            return f"not expected here: {' '.join(unknown)}"
        near = difflib.get_close_matches(options[0], self._option_string_actions, n=1)
        hint = f", did you mean {near[0]}?" if near else ""
        return f"{options[0]}: there is no such option{hint}"
