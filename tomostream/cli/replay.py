"""`tomostream replay`: a recorded scan, sent again."""

import argparse

from tomostream.cli import options as kinds
from tomostream.cli.simulate import add_stream_arguments, stream_settings

SUMMARY = "a recorded scan, sent again as by a camera"
DESCRIPTION = """\
Send the projections of a Data Exchange file (DXfile: /exchange/data, data_white,
data_dark, theta) at a given rate, with the file's own angles, dark and flat, again and
again. Channels and records are those of `tomostream simulate`.
"""
EPILOG = """\
examples:
  tomostream replay tooth.h5 --rate 50
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "file", type=kinds.existing_file, metavar="FILE.h5",
        help="the recorded scan, a Data Exchange file",
    )  # fmt: skip
    parser.add_argument("--once", action="store_true", help="end where the file ends")
    add_stream_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Replay until Ctrl-C, SIGTERM or the end of the duration."""
    from tomostream.app.interruption import Interruption
    from tomostream.sim import replay
    from tomostream.sim.config import ReplayConfig

    config = ReplayConfig(
        path=options.file, is_looped=not options.once, **stream_settings(options)
    )
    with Interruption() as interruption:
        summary = replay.run(
            config, interruption, kinds.announcer(options, "simulator")
        )
    kinds.tell(options, f"{summary.frames_sent} frames sent")
    return 0
