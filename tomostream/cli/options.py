"""Kinds of options that several commands have."""

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tomostream.core.controls import prefix_fault


def positive(text: str) -> float:
    """Take a number above 0."""
    number = _number(text)
    if number <= 0:
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text}")
    return number


def finite(text: str) -> float:
    """Take any finite number."""
    return _number(text)


def not_negative(text: str) -> float:
    """Take a finite number from 0 on."""
    number = _number(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"expected a number from 0 on, got {text}")
    return number


def count(text: str) -> int:
    """Take a whole number from 1 on."""
    return whole(text, least=1)


def threads(text: str) -> int:
    """Take a number of threads."""
    number = count(text)
    if number > 256:
        raise argparse.ArgumentTypeError(f"expected 1 to 256 threads, got {text}")
    return number


def rate(text: str) -> float:
    """Take frames per second."""
    number = positive(text)
    if number > 1e5:
        message = f"expected at most 100000 frames per second, got {text}"
        raise argparse.ArgumentTypeError(message)
    return number


def angles(text: str) -> int:
    """Take a number of projections in 180 degrees."""
    return whole(text, least=2)


def whole(text: str, *, least: int = 0) -> int:
    """Take a whole number from `least` on."""
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        message = f"expected a whole number from {least} on, got {text}"
        raise argparse.ArgumentTypeError(message)
    return number


def size(text: str) -> int:
    """Take a detector width or height, pixels."""
    number = whole(text, least=4)
    if number > 16384:
        raise argparse.ArgumentTypeError(f"expected 4 to 16384 pixels, got {text}")
    return number


def prefix(text: str) -> str:
    """Take the prefix of records, P and R together."""
    if fault := prefix_fault(text):
        raise argparse.ArgumentTypeError(f"{fault}, got {text!r}")
    return text


def channel(text: str) -> str:
    """Take the name of a pvAccess channel."""
    if not text or any(letter.isspace() for letter in text):
        message = f"expected a name such as sim:Pva1:Image, got {text!r}"
        raise argparse.ArgumentTypeError(message)
    return text


def existing_file(text: str) -> Path:
    """Take the name of a file that is there."""
    path = Path(text).expanduser()
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"expected a file, {text} is a folder")
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text}")
    return path


def output_file(text: str) -> Path:
    """Take the name of a file that can be written."""
    path = Path(text).expanduser()
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"cannot write {text}: it is a folder")
    return output_path(text)


def output_path(text: str) -> Path:
    """Take the name of a file or folder that is to be made."""
    path = Path(text).expanduser()
    folder = path.absolute().parent
    if not folder.is_dir():
        raise argparse.ArgumentTypeError(f"cannot write {text}: no such folder")
    try:
        # Better told now than when there is something to write.
        with tempfile.TemporaryFile(dir=folder):
            return path
    except OSError as exc:
        message = f"cannot write {text}: nothing can be written into {folder}"
        raise argparse.ArgumentTypeError(message) from exc


def center(text: str) -> float | str:
    """Take a column of the detector, or ``auto``."""
    return text if text == "auto" else _number(text)


def index_range(text: str) -> tuple[int, int]:
    """Take A:B, which ends before B."""
    first, colon, last = text.partition(":")
    try:
        found = int(first), int(last)
    except ValueError:
        found = 0, 0
    if not (colon and 0 <= found[0] < found[1]):
        message = f"expected A:B with whole numbers, A below B, got {text}"
        raise argparse.ArgumentTypeError(message)
    return found


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"expected a number, got {text!r}")
    return number


def add_engine(group: argparse._ActionsContainer) -> None:
    """Declare the options that say what reconstructs."""
    group.add_argument(
        "--backend", choices=("auto", "cpu", "cuda"), default="auto",
        help="what reconstructs (default: %(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--isa", choices=("auto", "avx512", "avx2", "baseline"), default="auto",
        help="instruction set of the cpu backend (default: %(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--threads", type=threads, metavar="N",
        help="threads of the cpu backend (default: one per core)",
    )  # fmt: skip


def add_ready_json(parser: argparse.ArgumentParser) -> None:
    """Declare the option by which a script learns that a server is there."""
    parser.add_argument(
        "--ready-json", action="store_true",
        help='when it serves, print one line of JSON with the key "ready"; for scripts',
    )  # fmt: skip


def announcer(
    options: argparse.Namespace, name: str
) -> Callable[[Mapping[str, object]], None]:
    """Give what is to be called with the facts when a server is there."""

    def announce(facts: Mapping[str, object]) -> None:
        if options.ready_json:
            # In one piece: other threads' words must not come into the line.
            sys.stdout.write(json.dumps({"ready": name, **facts}) + "\n")
            sys.stdout.flush()
            return
        print(f"{name} is there; Ctrl-C ends it")
        for key, value in facts.items():
            if value is not None:
                print(f"  {key:<12}{value}")
        sys.stdout.flush()

    return announce


def tell(options: argparse.Namespace, text: str) -> None:
    """Print for people, where no script reads."""
    if not options.ready_json:
        print(text)
