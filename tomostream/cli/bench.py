"""`tomostream bench`: how fast and how right, beside the published algorithm."""

import argparse
from typing import TYPE_CHECKING, Any

from tomostream.cli import options as kinds
from tomostream.core.errors import ConfigurationError

if TYPE_CHECKING:
    from tomostream.bench import BenchConfig
    from tomostream.core.steps import PhaseRetrieval

_MEANINGS = {
    "energy": "",
    "distance": ": from the sample to the detector",
    "pixel-size": "",
    "alpha": ": beta / delta of the sample",
}

SUMMARY = "how fast and how accurate this machine reconstructs"
DESCRIPTION = """\
Time our engine and the published streaming algorithm in turn, in one run, on N x N
projections; then compare errors with an analytic phantom, and with ASTRA's FBP where it
is installed (pip install 'tomostream[bench]'). Leave the machine alone meanwhile: both
are timed on all cores.

With --sweep many sizes and batches are timed, and a ring that grows; with --reconfigure
the running service's slices are watched while parameters change that make the whole
ring anew.
"""
EPILOG = """\
examples:
  tomostream bench
  tomostream bench --size 1024 --angles 720 --batch 8 --json bench.json
  tomostream bench --isa avx2
  tomostream bench --dezinger 3 --phase
  tomostream bench --sweep --json sweep.json --plot sweep.svg
  tomostream bench --reconfigure --rate 100
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument(
        "--sweep", action="store_true",
        help="time many sizes and batches, and a ring that grows; what does not fit "
        "into memory is left out",
    )  # fmt: skip
    kind.add_argument(
        "--reconfigure", action="store_true",
        help="watch the slices while filter, zinger removal and phase retrieval change "
        "in a running stream",
    )  # fmt: skip
    parser.add_argument(
        "--size", type=kinds.size, default=512, metavar="N",
        help="projections of N x N pixels; of --sweep those of the growing ring "
        "(default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--angles", type=kinds.angles, default=360, metavar="N",
        help="projections in 180 degrees (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--batch", type=kinds.count, default=8, metavar="K",
        help="projections per call (default: %(default)s)",
    )  # fmt: skip
    kinds.add_engine(parser)
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
    _add_step_arguments(parser)
    _add_kind_arguments(parser)


_OPTIONS_OF = {
    "plot": "sweep", "sizes": "sweep", "batches": "sweep", "rate": "reconfigure"
}  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Run the measurements; Ctrl-C gives them up."""
    for option, kind in _OPTIONS_OF.items():
        if getattr(options, option) is not None and not getattr(options, kind):
            raise ConfigurationError(f"--{option}: only with --{kind}")
    measure = _run_pair
    if options.sweep:
        measure = _run_sweep
    elif options.reconfigure:
        measure = _run_reconfigure
    text = measure(options)
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")
    return 0


def _add_step_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dezinger", type=int, choices=(2, 3, 4), metavar="R",
        help="both remove zingers by a median of this radius: 2, 3 or 4 pixels",
    )  # fmt: skip
    parser.add_argument(
        "--phase", action="store_true",
        help="both retrieve the phase (Paganin), with the numbers that follow",
    )  # fmt: skip
    for name, unit, default in (
        ("energy", "KEV", 25.0), ("distance", "MM", 60.0), ("pixel-size", "UM", 1.38),
        ("alpha", "A", 0.001),
    ):  # fmt: skip
        parser.add_argument(
            f"--{name}", type=kinds.positive, metavar=unit, default=default,
            help=f"of --phase{_MEANINGS[name]} (default: %(default)s)",
        )  # fmt: skip


def _add_kind_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--sizes", type=kinds.size, nargs="+", metavar="N",
        help="of --sweep (default: 256 512 1024 2048)",
    )  # fmt: skip
    parser.add_argument(
        "--batches", type=kinds.count, nargs="+", metavar="K",
        help="of --sweep (default: 1 8 32)",
    )  # fmt: skip
    parser.add_argument(
        "--plot", type=kinds.output_file, metavar="FILE",
        help="draw the sweep into this file, .svg, .png or .pdf",
    )  # fmt: skip
    parser.add_argument(
        "--rate", type=kinds.rate, metavar="HZ",
        help="frames sent in a second by --reconfigure (default: 100)",
    )  # fmt: skip


def _run_pair(options: argparse.Namespace) -> str:
    from tomostream.bench import run

    return run(_config(options), _tell).to_json()


def _run_sweep(options: argparse.Namespace) -> str:
    from tomostream.bench.plot import check_plot, write_plot
    from tomostream.bench.sweep import sweep
    from tomostream.bench.sweep_result import SweepConfig

    if options.plot:
        check_plot(options.plot)
    result = sweep(
        SweepConfig(
            base=_config(options), growth_size=options.size,
            **_given(sizes=options.sizes, batches=options.batches),
        ),
        _tell,
    )  # fmt: skip
    if options.plot:
        write_plot(result, options.plot)
    return result.to_json()


def _run_reconfigure(options: argparse.Namespace) -> str:
    from tomostream.bench.reconfigure import (
        ReconfigureConfig,
        reconfigure,
        usual_changes,
    )

    config = ReconfigureConfig(
        base=_config(options), **_given(rate_hz=options.rate),
        changes=usual_changes(options.dezinger or 3, _phase(options)),
    )  # fmt: skip
    return reconfigure(config, _tell).to_json()


def _given(**settings: Any) -> dict[str, Any]:
    """Give the settings that have a value; the others stay at their defaults."""
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in settings.items()
        if value is not None
    }


def _config(options: argparse.Namespace) -> "BenchConfig":
    from tomostream.bench import BenchConfig

    return BenchConfig(
        size=options.size, angles=options.angles, batch=options.batch,
        backend=options.backend, isa=options.isa, threads=options.threads or 0,
        rounds=options.rounds, ring=options.ring, accuracy=options.accuracy,
        dezinger=options.dezinger or 0,
        phase=_phase(options) if options.phase else None,
    )  # fmt: skip


def _phase(options: argparse.Namespace) -> "PhaseRetrieval":
    from tomostream.core.steps import PhaseRetrieval

    return PhaseRetrieval(
        energy_kev=options.energy, distance_mm=options.distance,
        pixel_um=options.pixel_size, alpha=options.alpha,
    )  # fmt: skip


def _tell(text: str) -> None:
    print(text, flush=True)
