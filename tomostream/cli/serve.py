"""`tomostream serve`: the daemon."""

import argparse
from pathlib import Path

from tomostream.cli import options as kinds
from tomostream.core.errors import ConfigurationError

SUMMARY = "the daemon: projections in, live slices out"
DESCRIPTION = """\
Take projections from a camera over pvAccess, reconstruct, and serve three slices.

With `--prefix P` the records say what is connected to what (ImagePVAPName, DarkPVAName,
FlatPVAName, ThetaPVAName, TomoScanPVPrefix, ReconPVAName below P; `tomostream ioc` or a
synApps IOC serves them). With `--config FILE` a YAML file does, in full or in part;
what it leaves out is asked of the records. With `--settings REQ` a beamline's own
request file says the prefix. Sources that are not there yet, or go away, are waited
for. EPICS_* variables hold as usual.

A bare areaDetector, without tomoScan:

  input: {image_channel: "13SIM1:Pva1:Image", has_tomoscan: false}
  angles: {source: fixed_step, step_deg: 0.5}
  use_records: false
"""
EPILOG = """\
examples:
  tomostream serve --prefix 2bmb:TomoStream:
  tomostream serve --example > tomostream.yaml
  tomostream serve --config tomostream.yaml
  tomostream serve --settings tomoStream_settings.req --macros P=2bmb:,R=TomoStream:
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--config", type=Path, metavar="FILE", help="wiring, a YAML file"
    )
    source.add_argument(
        "--prefix", type=kinds.prefix, metavar="P",
        help="prefix of the records, which say the wiring",
    )  # fmt: skip
    source.add_argument(
        "--example", action="store_true",
        help="print a configuration with every key explained, and end",
    )  # fmt: skip
    source.add_argument(
        "--settings", type=Path, action="append", metavar="REQ",
        help="a beamline's *_settings.req, whose records have the prefix; may be "
        "given several times, with --macros",
    )  # fmt: skip
    parser.add_argument(
        "--macros", default="", metavar="P=...,R=...",
        help="what stands for $(P) and $(R) in the settings files",
    )  # fmt: skip
    parser.add_argument(
        "--clicks", type=Path, metavar="FILE",
        help="file that a viewer's macro appends clicks to, n,x,y a line",
    )  # fmt: skip
    parser.add_argument(
        "--start", action="store_true", help="begin without waiting for StartRecon"
    )
    parser.add_argument(
        "--duration", type=kinds.positive, metavar="S",
        help="end after S seconds of serving, and wait no longer for the records "
        "(default: at Ctrl-C or SIGTERM)",
    )  # fmt: skip
    kinds.add_ready_json(parser)


def run(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM."""
    if options.example:
        from importlib.resources import files

        example = files("tomostream.app") / "example.yaml"
        print(example.read_text(encoding="utf-8"), end="")
        return 0
    if options.macros and not options.settings:
        raise ConfigurationError("--macros: only with --settings")
    from tomostream.app.memory import share_pools

    # Before the libraries that are loaded next start their threads.
    share_pools()
    from tomostream.app.config import ClicksSection, Config, load_config
    from tomostream.app.log import set_up_log
    from tomostream.app.requests import parse_macros, read_requests

    if options.config:
        config = load_config(options.config)
    elif options.settings:
        asked = read_requests(options.settings, parse_macros(options.macros))
        config = Config(prefix=asked.prefix, lens_change=asked.has_lens_change)
    else:
        config = Config(prefix=options.prefix)
    if options.start:
        config = config.model_copy(update={"start_at_once": True})
    if options.clicks:
        clicks = ClicksSection(file=options.clicks)
        config = config.model_copy(update={"clicks": clicks})
    log = config.log
    set_up_log(log.file, log.level, megabytes=log.megabytes, kept=log.kept)
    # After the log: the EPICS libraries that it loads have things to say.
    from tomostream.app.daemon import serve

    announce = kinds.announcer(options, "service")
    serve(config, announce=announce, duration_s=options.duration)
    return 0
