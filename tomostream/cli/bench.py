"""`tomostream bench`: how fast and how right, beside the published algorithm."""

import argparse

from tomostream.cli import options as kinds

SUMMARY = "how fast and how accurate this machine reconstructs"
DESCRIPTION = """\
Time our engine and the published streaming algorithm in turn, in one run, on N x N
projections, and compare both with an analytic phantom (and with ASTRA's FBP where it is
installed: pip install 'tomostream[bench]').
"""
EPILOG = """\
examples:
  tomostream bench
  tomostream bench --size 1024 --angles 720 --batch 8 --json bench.json
  tomostream bench --isa avx2
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--size", type=kinds.size, default=512, metavar="N",
        help="projections of N x N pixels (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--angles", type=kinds.count, default=360, metavar="N",
        help="projections in 180 degrees (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--batch", type=kinds.count, default=8, metavar="K",
        help="projections per call (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--isa", choices=("auto", "avx512", "avx2", "baseline"), default="auto",
        help="instruction set (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--threads", type=kinds.count, metavar="N",
        help="threads of either (default: one per core)",
    )  # fmt: skip
    parser.add_argument(
        "--json", type=kinds.output_file, metavar="FILE",
        help="write the figures into this file as well",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Run the measurements."""
    raise NotImplementedError
