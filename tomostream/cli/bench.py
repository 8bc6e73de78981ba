"""`tomostream bench`: how fast and how right, beside the published algorithm."""

import argparse

from tomostream.cli import options as kinds

SUMMARY = "how fast and how accurate this machine reconstructs"
DESCRIPTION = """\
Time our engine and the published streaming algorithm in turn, in one run, on N x N
projections; then compare errors with an analytic phantom, and with ASTRA's FBP where it
is installed (pip install 'tomostream[bench]'). Leave the machine alone meanwhile: both
are timed on all cores.
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
        "--backend", choices=("auto", "cpu", "cuda"), default="auto",
        help="what reconstructs (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--ring", choices=("half", "float"), default="half",
        help="number format of the ring (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--rounds", type=kinds.count, default=5, metavar="N",
        help="ours and the published algorithm take turns N times "
        "(default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--no-accuracy", dest="accuracy", action="store_false",
        help="speed only; the comparison of errors takes about a minute",
    )  # fmt: skip
    parser.add_argument(
        "--json", type=kinds.output_file, metavar="FILE",
        help="write the figures into this file as well",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Run the measurements; Ctrl-C gives them up."""
    from tomostream.bench import BenchConfig, run

    result = run(
        BenchConfig(
            size=options.size, angles=options.angles, batch=options.batch,
            backend=options.backend, isa=options.isa, threads=options.threads or 0,
            rounds=options.rounds, ring=options.ring, accuracy=options.accuracy,
        ),
        lambda text: print(text, flush=True),
    )  # fmt: skip
    if options.json:
        options.json.write_text(result.to_json() + "\n", encoding="utf-8")
    return 0
