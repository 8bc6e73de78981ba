"""`tomostream ioc`: the operator's records."""

import argparse
import os
from typing import TYPE_CHECKING

from tomostream.cli import options as kinds
from tomostream.core.errors import ConfigurationError

if TYPE_CHECKING:
    from tomostream.epics.ioc import LensChangeMacros

_ANSWER_S = 0.3
"""Time in which another IOC answers; one that is hung or was killed does not."""
SUMMARY = "the operator's records, as an EPICS IOC"
DESCRIPTION = """\
Serve the records of the operator's screens over Channel Access: what is connected to
what, Center, filter, slice positions, StartRecon and AbortRecon, and all of the
service's numbers. Values survive a restart when --autosave names a file.

Where an IOC with the same records runs already (synApps), this one is not needed; if
they answer on this machine, at the port of this one, it refuses to start.
EPICS_CAS_* variables hold as usual: EPICS_CAS_INTF_ADDR_LIST=127.0.0.1 keeps it on this
machine, EPICS_CAS_SERVER_PORT chooses its port.
"""
EPILOG = """\
examples:
  tomostream ioc --prefix 2bmb:TomoStream: --tomoscan 2bmb:TomoScanStream: \\
      --image 2bmb:TomoScanStream:ImagePVAPrefix --autosave ~/tomostream_settings.yaml
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--prefix", type=kinds.prefix, default="sim:TomoStream:", metavar="P",
        help="prefix of the records (default: %(default)s)",
    )  # fmt: skip
    wiring = parser.add_argument_group(
        "wiring", "First values of the records that name others' (default: below P)."
    )
    for name, what in (
        ("tomoscan", "prefix of tomoScan"),
        ("image", "PV whose value is the image plugin's prefix"),
        ("dark", "channel of the dark field"),
        ("flat", "channel of the flat field"),
        ("theta", "channel of the angle table"),
        ("recon", "channel of the slices"),
    ):
        wiring.add_argument(f"--{name}", metavar="NAME", help=what)
    parser.add_argument(
        "--lens-change", nargs=5, metavar=("OPTICS", "X", "Y", "LIFT", "ROI"),
        help="serve the records of 2-BM's lens change too: prefix of mctOptics; motors "
        "on the stage along x at 0 and at 90 degrees, and for the height; prefix of "
        "the ROI plugin",
    )  # fmt: skip
    parser.add_argument(
        "--autosave", type=kinds.output_file, metavar="FILE",
        help="keep the operator's settings in this file",
    )  # fmt: skip
    kinds.add_ready_json(parser)


def run(options: argparse.Namespace) -> int:
    """Serve the records until Ctrl-C or SIGTERM; ends the process."""
    from tomostream.app.interruption import Interruption
    from tomostream.app.log import set_up_log
    from tomostream.app.names import Names
    from tomostream.epics.ca_search import LocalSearch

    set_up_log()
    names = Names.below(options.prefix)
    with LocalSearch(f"{names.records}StartRecon", os.environ) as search:
        # Takes longer than an answer.
        from tomostream.epics import ioc

        if search.is_answered(_ANSWER_S):
            raise ConfigurationError(
                f"--prefix: the records below {names.records} are served on this "
                f"machine already, at port {search.port}; end that IOC or choose "
                "another prefix"
            )
    config = ioc.IocConfig(
        prefix=names.records,
        tomo_scan=options.tomoscan or names.tomoscan,
        image_p=options.image or names.image_name_record,
        dark_pva=options.dark or names.dark,
        flat_pva=options.flat or names.flat,
        theta_pva=options.theta or names.theta,
        recon_pva=options.recon or names.recon,
        lens_change=_lens_change(options.lens_change),
        settings_file=options.autosave,
    )
    announce = kinds.announcer(options, "IOC")
    with Interruption() as interruption:
        ioc.run(
            config,
            when_ready=lambda: announce({"prefix": names.records}),
            wait_for_end=interruption.wait_forever,
        )
    return 0


def _lens_change(names: list[str] | None) -> "LensChangeMacros | None":
    from tomostream.epics.ioc import LensChangeMacros

    if names is None:
        return None
    optics, along_x, along_y, lift, roi = names
    return LensChangeMacros(
        mct_optics=optics, tomo_0_deg=along_x, tomo_90_deg=along_y, sample_y=lift,
        roi_plugin=roi,
    )  # fmt: skip
