"""`tomostream doctor`: what works on this machine."""

import argparse

from tomostream.cli import options as kinds

SUMMARY = "what works on this machine, and what to do where it does not"
DESCRIPTION = """\
Look at platform, versions, compiled kernels and instruction sets, GPU and CUDA, EPICS
addresses and ports, and, with --prefix, whether the records and channels of a beamline
can be reached. Each failure comes with what to do about it.

Exit status 1 when something that is needed is missing.
"""
EPILOG = """\
examples:
  tomostream doctor
  tomostream doctor --prefix 2bmb:TomoStream: --json doctor.json
"""

_MARKS = {"good": "  ok ", "note": " note", "bad": " FAIL"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--prefix", type=kinds.prefix, metavar="P",
        help="try to reach the records below P, and the channels that they name",
    )  # fmt: skip
    parser.add_argument(
        "--channel", type=kinds.channel, metavar="NAME",
        help="try to get an image from this pvAccess channel, such as sim:Pva1:Image",
    )  # fmt: skip
    parser.add_argument(
        "--timeout", type=kinds.positive, default=3.0, metavar="S",
        help="how long to wait for records and channels (default: %(default)g)",
    )  # fmt: skip
    parser.add_argument(
        "--json", type=kinds.output_file, metavar="FILE",
        help="write the findings into this file as well",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Print the findings; 1 if something that is needed is missing."""
    from tomostream.app.demo import write_json
    from tomostream.app.doctor import State, examine_machine

    findings = examine_machine()
    if options.prefix or options.channel:
        from tomostream.app import reach
        from tomostream.app.repeater import repeater

        if options.prefix:
            with repeater():
                findings += reach.examine_records(
                    options.prefix, timeout_s=options.timeout
                )
        if options.channel:
            findings += reach.examine_image_channel(
                options.channel, timeout_s=options.timeout
            )
    for finding in findings:
        print(f"{_MARKS[finding.state]} {finding.subject:<12}{finding.text}")
        if finding.fix:
            print(f"       {'':<10}-> {finding.fix}")
    if options.json:
        write_json(options.json, {"findings": [f.as_json() for f in findings]})
    return int(any(finding.state is State.BAD for finding in findings))
