"""`tomostream recon`: a recorded scan, reconstructed by the streaming engine."""

import argparse

from tomostream.cli import options as kinds

SUMMARY = "a recorded scan: ortho-slices, or the whole volume"
DESCRIPTION = """\
Reconstruct a Data Exchange file (DXfile: /exchange/data, data_white, data_dark, theta)
by the engine of the stream: the same steps, filters and geometry, hence the same values
(attenuation, 1/pixel).

--slices makes a folder with three slices as TIFF files (float32) and a picture of them;
--volume one with a TIFF file per detector row (recon_00000.tiff). Where OUT ends with
.h5 there is one HDF5 file instead. The output has its name only when it is complete; a
file larger than the memory is done in blocks of rows.

The rotation axis is estimated where --center does not say it. If the estimate cannot be
trusted, it is told and nothing is written; look for the axis by --try.
"""
EPILOG = """\
examples:
  tomostream recon tooth.h5
  tomostream recon tooth.h5 --center 295.5 --z 1
  tomostream recon tooth.h5 --try 2
  tomostream recon scan.h5 --volume -o /data/scan_rec
  tomostream recon scan.h5 --volume -o scan_rec.h5 --rows 400:800 --dezinger 2
  tomostream recon scan.h5 --energy 25 --distance 150 --pixel-size 1.1 --delta-beta 500
  tomostream recon scan.h5 --volume --live 2bmb:TomoStream:
  tomostream recon scan.h5 --with tomocupy --live 2bmb:TomoStream:
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "file", type=kinds.existing_file, metavar="FILE.h5",
        help="the recorded scan, a Data Exchange file",
    )  # fmt: skip
    _add_output(parser.add_argument_group("output"))
    _add_geometry(parser.add_argument_group("what of the file"))
    _add_steps(parser.add_argument_group("steps (off where nothing is said)"))
    _add_engine(parser.add_argument_group("engine"))


def _add_output(group: argparse._ArgumentGroup) -> None:
    kind = group.add_mutually_exclusive_group()
    kind.add_argument(
        "--slices", action="store_true", help="three ortho-slices (the default)"
    )
    kind.add_argument("--volume", action="store_true", help="the whole volume")
    kind.add_argument(
        "--try", dest="try_step", type=kinds.positive, metavar="STEP",
        help="one picture (PNG) of nine small slices for centres around the one given "
        "or estimated, STEP pixels apart",
    )  # fmt: skip
    group.add_argument(
        "-o", "--output", type=kinds.output_path, metavar="OUT",
        help="folder, or file that ends with .h5 (default: FILE_slices, FILE_volume or "
        "FILE_centers.png in the current folder)",
    )  # fmt: skip
    group.add_argument(
        "--force", action="store_true", help="replace an earlier reconstruction"
    )
    group.add_argument(
        "--json", action="store_true",
        help="print one JSON object at the end; all else goes to the standard error",
    )  # fmt: skip


def _add_geometry(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--center", type=kinds.center, default="auto", metavar="C|auto",
        help="detector column of the rotation axis, pixels; auto estimates it "
        "(default: %(default)s)",
    )  # fmt: skip
    for axis, what in (
        ("x", "column of the plane normal to x"), ("y", "row of the plane normal to y"),
        ("z", "detector row of the horizontal plane"),
    ):  # fmt: skip
        group.add_argument(
            f"--{axis}", type=kinds.whole, metavar="N", help=f"{what} (default: middle)"
        )
    group.add_argument(
        "--rows", type=kinds.index_range, metavar="A:B",
        help="detector rows A to B - 1 only",
    )  # fmt: skip
    group.add_argument(
        "--projections", type=kinds.index_range, metavar="A:B",
        help="projections A to B - 1 only, for instance one turn of several",
    )  # fmt: skip
    group.add_argument(
        "--scan-range", choices=("180", "360"),
        help="180, also for a full turn about an axis in the middle; 360: "
        "half-acquisition, the axis lies near an edge (default: 180)",
    )  # fmt: skip
    group.add_argument(
        "--live", type=kinds.prefix, metavar="P",
        help="take Center, filter and steps from the records below prefix P; options "
        "given here come first",
    )  # fmt: skip


def _add_steps(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--filter", type=str.lower,
        choices=("parzen", "shepp-logan", "ramp", "butterworth", "hann", "cosine"),
        help="apodisation of the ramp filter (default: parzen)",
    )  # fmt: skip
    group.add_argument(
        "--dezinger", choices=("0", "2", "3", "4"),
        help="radius of the median that removes zingers, pixels; 0: off",
    )  # fmt: skip
    for option, unit, text in (
        ("--dezinger-threshold", "T", "part of the median by which a zinger differs"),
        ("--energy", "KEV", "photon energy, for phase retrieval"),
        ("--distance", "MM", "sample to detector, for phase retrieval"),
        ("--pixel-size", "UM", "pixel size, for phase retrieval; noted in the output"),
    ):
        group.add_argument(option, type=kinds.finite, metavar=unit, help=text)
    phase = group.add_mutually_exclusive_group()
    phase.add_argument(
        "--delta-beta", type=kinds.positive, metavar="N",
        help="delta / beta of the sample: switches phase retrieval on",
    )  # fmt: skip
    phase.add_argument(
        "--alpha", type=kinds.finite, metavar="A",
        help="1 / delta-beta instead; 0 switches phase retrieval off",
    )  # fmt: skip
    group.add_argument(
        "--ring-removal", choices=("none", "fw", "high-pass"),
        help="how rings are found: fw by wavelets, high-pass by a running median",
    )  # fmt: skip
    group.add_argument(
        "--ring-width", type=kinds.finite, metavar="PX",
        help="widest ring that is removed, pixels",
    )  # fmt: skip
    group.add_argument(
        "--beam-hardening", type=kinds.finite, nargs=2, metavar=("B", "C"),
        help="line + B line^2 + C line^3 is used for the line integral",
    )  # fmt: skip
    group.add_argument(
        "--flat-scale", choices=("none", "exposure", "region"),
        help="how flats of another exposure are scaled",
    )  # fmt: skip
    group.add_argument(
        "--exposure", type=kinds.positive, nargs=2, metavar=("S", "FLAT_S"),
        help="exposure times of projections and flats, for --flat-scale exposure",
    )  # fmt: skip
    group.add_argument(
        "--region", type=kinds.whole, nargs=4, metavar=("X", "Y", "W", "H"),
        help="part of the frames that sees air, for --flat-scale region",
    )  # fmt: skip
    group.add_argument(
        "--transmission-floor", type=kinds.positive, metavar="T",
        help="smallest transmission; darker pixels are raised to it",
    )  # fmt: skip


def _add_engine(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--with", dest="program", choices=("tomocupy",), metavar="tomocupy",
        help="let `tomocupy recon` make the volume, with these settings as far as it "
        "has them",
    )  # fmt: skip
    kinds.add_engine(group)
    group.add_argument(
        "--ring", choices=("half", "float"), default="float",
        help="number format of filtered projections (default: %(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--memory", type=kinds.positive, metavar="GIB",
        help="for a block of rows (default: half of what is free)",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Reconstruct; Ctrl-C and SIGTERM leave nothing behind."""
    from tomostream.cli.recon_screen import show

    return show(options)
