"""`tomostream simulate`: a beamline in a process."""

import argparse
from functools import partial
from typing import Any

from tomostream.cli import options as kinds

SUMMARY = "a simulated camera and tomoScan"
DESCRIPTION = """\
Send projections of a sample that turns and changes with time, as a camera would, and
what tomoScan sends beside them: dark and flat field, angle table, FrameType,
FirstProjid. With the prefix sim: these are

  sim:Pva1:Image                            projections, NTNDArray
  sim:TomoScanStream:StreamDarkFields       averaged dark field
  sim:TomoScanStream:StreamFlatFields       averaged flat field
  sim:TomoScanStream:StreamTheta            angle table, degrees
  sim:TomoScanStream:FrameType, FirstProjid, ImagePVAPrefix ...   Channel Access

EPICS_* variables hold as usual. A second Channel Access server on this machine
(`tomostream ioc`) needs another EPICS_CAS_SERVER_PORT.
"""
EPILOG = """\
examples:
  tomostream simulate --size 512 --rate 300 --angles 360
  tomostream simulate --width 2048 --height 1200 --dtype uint8 --scan backforth
"""

_TABLE_S = 600.0
"""Scan time of one angle table; it takes the service longer to look at longer ones."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    sample = parser.add_argument_group("camera and scan")
    sample.add_argument(
        "--size", type=kinds.size, default=256, metavar="N",
        help="detector of N x N pixels (default: %(default)s)",
    )  # fmt: skip
    sample.add_argument(
        "--width", type=kinds.size, metavar="N", help="detector columns, instead of N"
    )
    sample.add_argument(
        "--height", type=kinds.count, metavar="N", help="detector rows, instead of N"
    )
    sample.add_argument(
        "--dtype", default="uint16", metavar="TYPE",
        help="numpy name of the pixel type (default: %(default)s)",
    )  # fmt: skip
    sample.add_argument(
        "--angles", type=kinds.angles, default=180, metavar="N",
        help="projections in 180 degrees (default: %(default)s)",
    )  # fmt: skip
    sample.add_argument(
        "--scan", default="continuous",
        choices=("continuous", "backforth", "interlaced", "golden"),
        help="rotation (default: %(default)s)",
    )  # fmt: skip
    sample.add_argument(
        "--center", type=kinds.finite, metavar="C",
        help="detector column of the rotation axis (default: the middle)",
    )  # fmt: skip
    sample.add_argument(
        "--photons", type=kinds.finite, default=20000.0, metavar="N",
        help="photons per pixel in the brightest flat, 0: no noise "
        "(default: %(default)g)",
    )  # fmt: skip
    sample.add_argument(
        "--still", action="store_true", help="the sample does not change with time"
    )
    sample.add_argument(
        "--memory", type=kinds.count, metavar="MIB",
        help="memory for rendered views; with less, the movie is coarser in angle "
        "(default: a sixth of the machine's, at most 4096)",
    )  # fmt: skip
    add_stream_arguments(parser)


def add_stream_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options that simulation and replay have in common."""
    stream = parser.add_argument_group("stream")
    stream.add_argument(
        "--rate", type=kinds.rate, default=100.0, metavar="FPS",
        help="frames per second (default: %(default)g)",
    )  # fmt: skip
    stream.add_argument(
        "--duration", type=kinds.positive, metavar="S",
        help="end after S seconds (default: at Ctrl-C)",
    )  # fmt: skip
    stream.add_argument(
        "--frames", type=kinds.count, metavar="N", help="end after N projections"
    )
    stream.add_argument(
        "--lose-every", type=partial(kinds.whole, least=2), default=0, metavar="N",
        help="leave out every Nth frame, as a lossy network would",
    )  # fmt: skip
    stream.add_argument(
        "--disconnect-every", type=kinds.not_negative, default=0.0, metavar="S",
        help="take the PVA channels away for a while, once in S seconds (default: "
        "never)",
    )  # fmt: skip
    stream.add_argument(
        "--disconnect-for", type=kinds.positive, default=2.0, metavar="S",
        help="how long they are away then; the camera and the records go on "
        "(default: %(default)g)",
    )  # fmt: skip
    stream.add_argument(
        "--fields", choices=("before", "after", "never"), default="before",
        help="when dark and flat are sent, relative to the first projection "
        "(default: %(default)s)",
    )  # fmt: skip
    stream.add_argument(
        "--separate-puts", action="store_true",
        help="send a field's values and sizes one after the other, as tomoScan does",
    )  # fmt: skip
    stream.add_argument(
        "--frame-type-delay", type=kinds.not_negative, default=0.0, metavar="S",
        help="time by which FrameType comes after the frames that it is about",
    )  # fmt: skip
    stream.add_argument(
        "--table-delay", type=kinds.not_negative, default=0.0, metavar="S",
        help="time from a new FirstProjid to its angle table",
    )  # fmt: skip
    stream.add_argument(
        "--first-id-delay", type=kinds.not_negative, default=0.0, metavar="S",
        help="time from an angle table to its FirstProjid; above 0 the table comes "
        "first, the wrong way round",
    )  # fmt: skip
    stream.add_argument(
        "--field-frames", type=kinds.whole, default=10, metavar="N",
        help="dark and flat frames, each, that a retake sends on the image channel "
        "(default: %(default)s)",
    )  # fmt: skip
    stream.add_argument(
        "--binning", type=kinds.count, default=1, metavar="N",
        help="binning that the frames announce; their size stays (default: "
        "%(default)s)",
    )  # fmt: skip
    stream.add_argument(
        "--offset", type=kinds.whole, nargs=2, default=(0, 0), metavar=("X", "Z"),
        help="region's first column and row that the frames announce, binned pixels",
    )  # fmt: skip
    stream.add_argument(
        "--first-id", type=kinds.whole, default=1, metavar="N",
        help="uniqueId of the first frame (default: %(default)s)",
    )  # fmt: skip
    stream.add_argument(
        "--id-origin", type=kinds.whole, default=0, metavar="N",
        help="uniqueId minus FirstProjid of a scan's first projection "
        "(default: %(default)s)",
    )  # fmt: skip
    stream.add_argument(
        "--id-wrap", choices=("none", "16-bit", "gige"), default="none",
        help="how ids start again (default: %(default)s)",
    )  # fmt: skip
    stream.add_argument(
        "--prefix", type=kinds.prefix, default="sim:", metavar="P",
        help="prefix of camera and tomoScan (default: %(default)s)",
    )  # fmt: skip
    kinds.add_ready_json(parser)


def run(options: argparse.Namespace) -> int:
    """Simulate until Ctrl-C, SIGTERM or the end of the duration."""
    from tomostream.app.interruption import Interruption
    from tomostream.sim import beamline
    from tomostream.sim.config import SimConfig
    from tomostream.sim.rotation import RotationKind

    config = SimConfig(
        n_x=options.width or options.size,
        n_z=options.height or options.size,
        dtype=options.dtype,
        n_angles=options.angles,
        scan=RotationKind(options.scan),
        center=options.center,
        photons=options.photons,
        movie_mib=options.memory,
        **({"change_s": None} if options.still else {}),
        **stream_settings(options),
    )
    with Interruption() as interruption:
        summary = beamline.run(
            config, interruption, kinds.announcer(options, "simulator")
        )
    kinds.tell(options, f"{summary.frames_sent} frames sent")
    return 0


def stream_settings(options: argparse.Namespace) -> dict[str, Any]:
    """Give what simulation and replay are told alike."""
    from tomostream.core.frame import IdWrap
    from tomostream.sim.config import FieldMoment

    return {
        "tomoscan_prefix": f"{options.prefix}TomoScanStream:",
        "image_prefix": f"{options.prefix}Pva1:",
        "rate_hz": options.rate,
        "duration_s": options.duration,
        "frame_count": options.frames,
        "lose_every": options.lose_every,
        "disconnect_every_s": options.disconnect_every,
        "disconnect_s": options.disconnect_for,
        "has_separate_puts": options.separate_puts,
        "frame_type_delay_s": options.frame_type_delay,
        "table_delay_s": options.table_delay,
        "first_id_delay_s": options.first_id_delay,
        "field_frames": options.field_frames,
        "binning": options.binning,
        "offset_x": options.offset[0],
        "offset_z": options.offset[1],
        "table_angles": max(int(_TABLE_S * options.rate), 1 << 16),
        "fields": FieldMoment(options.fields),
        "first_id": options.first_id,
        "id_origin": options.id_origin,
        "id_wrap": IdWrap(options.id_wrap),
    }
