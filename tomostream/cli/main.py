"""The command `tomostream`."""

import argparse
import os
import sys
from collections.abc import Sequence

from tomostream._version import __version__
from tomostream.cli import (
    bench,
    demo,
    doctor,
    generate,
    ioc,
    recon,
    replay,
    serve,
    simulate,
)
from tomostream.cli.parser import CommandParser
from tomostream.core.errors import ConfigurationError, TomostreamError

COMMANDS = {
    "demo": demo,
    "serve": serve,
    "ioc": ioc,
    "simulate": simulate,
    "replay": replay,
    "recon": recon,
    "doctor": doctor,
    "bench": bench,
    "generate": generate,
}

_DESCRIPTION = """\
Live ortho-slices of a spinning sample: projections come in over EPICS pvAccess, three
reconstructed slices go out, all the time.

Begin with `tomostream demo`: a whole beamline on this machine, without any hardware.
"""

_EPILOG = """\
Exit status: 0 when all went well, 1 when something that was needed failed or was lost,
2 when an option or the configuration is wrong.
`tomostream COMMAND --help` tells more about a command.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and give its exit status."""
    _bind_to_parent()
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return 0
    try:
        return COMMANDS[options.command].run(options)
    except ConfigurationError as exc:
        return _fail(exc, 2)
    except TomostreamError as exc:
        return _fail(exc, 1)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `tomostream ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as exc:
        return _fail(f"{exc.filename}: {exc.strerror}" if exc.filename else exc, 1)


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(
        prog="tomostream", description=_DESCRIPTION, epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
    )  # fmt: skip
    parser.add_argument(
        "--version", action="version", version=f"tomostream {__version__}"
    )
    commands = parser.add_subparsers(
        dest="command", title="commands", metavar="COMMAND"
    )
    for name, module in COMMANDS.items():
        command = commands.add_parser(
            name, help=module.SUMMARY, description=module.DESCRIPTION,
            epilog=module.EPILOG, allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip
        module.add_arguments(command)
    return parser


def _bind_to_parent() -> None:
    # Loaded only where it is needed: `--help` shall be instant.
    if "TOMOSTREAM_PARENT_PID" in os.environ:
        from tomostream.app.processes import end_with_parent

        end_with_parent()


def _fail(error: Exception | str, status: int) -> int:
    sys.stdout.flush()
    print(f"tomostream: {error}", file=sys.stderr)
    return status
