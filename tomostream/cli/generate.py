"""`tomostream generate`: what a beamline needs, from one declaration."""

import argparse
import sys
from pathlib import Path

from tomostream.core.errors import ConfigurationError

SUMMARY = "write a beamline's templates, request files, screens and scripts"
DESCRIPTION = """\
Write what is made from the one declaration of the records, tomostream/core/controls:

  adl                        screens for MEDM and Phoebus
  iocBoot/db                 templates and request files, for a synApps IOC too
  iocBoot/iocTomoStream_*    substitutions, request file and start scripts per beamline
  docs/reference/records.md  the page of all records
"""
EPILOG = """\
examples:
  tomostream generate .            in the project's root
  tomostream generate --check .    say what differs, exit status 1 if anything does
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "folder", type=Path, nargs="?", default=Path(),
        help="where to write to (default: here)",
    )  # fmt: skip
    parser.add_argument(
        "--check", action="store_true", help="write nothing, compare with what is there"
    )


def run(options: argparse.Namespace) -> int:
    """Write or compare the files."""
    from tomostream.epics.generate import generated_files

    if options.check and not options.folder.is_dir():
        raise ConfigurationError(f"{options.folder}: there is no such folder")
    is_different = False
    for name, text in generated_files().items():
        path = options.folder / name
        if options.check:
            if not path.is_file():
                print(f"{path}: is not there", file=sys.stderr)
                is_different = True
            elif path.read_text(encoding="utf-8") != text:
                print(f"{path}: differs", file=sys.stderr)
                is_different = True
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        if path.name.startswith("start_"):
            path.chmod(0o755)
        print(path)
    return int(is_different)
