"""`tomostream demo`: a whole beamline on this machine."""

import argparse

from tomostream.cli import options as kinds

SUMMARY = "a whole beamline on this machine: see live slices at once"
DESCRIPTION = """\
Start a simulated camera and tomoScan, the operator's records (IOC) and the
reconstruction on this machine, and show what goes on until Ctrl-C.

Nothing is heard beyond this machine unless --open says so, and other demos or EPICS
servers on it are not disturbed: all ports are free ones. Lines that lead other programs
to the demo (EPICS_* variables) are printed; paste them into another shell to look at
the slices:

  sim:TomoStream:StreamRecon      the three slices in one image, Z | Y | X
  sim:TomoStream:StreamReconX     one slice (also Y, Z)
  sim:TomoStream:Center           rotation centre; caput to it and see
  sim:TomoStream:OrthoX           position of a slice (also Y, Z)
  sim:TomoStream:FilterType       Parzen, Shepp-logan, Ramp, Butterworth, Hann, Cosine
"""
EPILOG = """\
examples:
  tomostream demo
  tomostream demo --size 512 --rate 300 --angles 360
  tomostream demo --replay tooth.h5 --center 295.5 --rate 50
  tomostream demo --open
  tomostream demo --duration 20 --snapshot slices.png --json report.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    camera = parser.add_argument_group("camera and scan")
    camera.add_argument(
        "--size", type=kinds.size, default=256, metavar="N",
        help="detector of N x N pixels (default: %(default)s)",
    )  # fmt: skip
    camera.add_argument(
        "--rate", type=kinds.rate, default=100.0, metavar="FPS",
        help="frames per second (default: %(default)g)",
    )  # fmt: skip
    camera.add_argument(
        "--angles", type=kinds.angles, default=180, metavar="N",
        help="projections in 180 degrees (default: %(default)s)",
    )  # fmt: skip
    camera.add_argument(
        "--scan", choices=("continuous", "backforth"), default="continuous",
        help="rotation (default: %(default)s)",
    )  # fmt: skip
    camera.add_argument(
        "--replay", type=kinds.existing_file, metavar="FILE",
        help="send the projections of a Data Exchange file instead, again and again; "
        "--size, --angles and --scan then come from the file",
    )  # fmt: skip
    recon = parser.add_argument_group("reconstruction")
    recon.add_argument(
        "--center", type=kinds.finite, metavar="C",
        help="detector column of the rotation axis, pixels "
        "(default: the simulated one; the middle with --replay)",
    )  # fmt: skip
    kinds.add_engine(recon)
    run = parser.add_argument_group("run")
    run.add_argument(
        "--prefix", type=kinds.prefix, default="sim:TomoStream:", metavar="P",
        help="prefix of the records (default: %(default)s)",
    )  # fmt: skip
    run.add_argument(
        "--open", action="store_true",
        help="let other computers see the demo, and steer it: anybody in the network "
        "can (default: this machine alone)",
    )  # fmt: skip
    run.add_argument(
        "--duration", type=kinds.positive, metavar="S",
        help="end S seconds after the first slices (default: at Ctrl-C)",
    )  # fmt: skip
    run.add_argument(
        "--snapshot", type=kinds.output_file, metavar="PNG",
        help="at the end, draw the last three slices into this file",
    )  # fmt: skip
    run.add_argument(
        "--json", type=kinds.output_file, metavar="FILE",
        help="when slices flow and again at the end, write environment, pvs, health "
        "and parameters into this file",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Run the demo until Ctrl-C, SIGTERM or the end of its duration."""
    from tomostream.cli.demo_screen import show

    return show(options)
