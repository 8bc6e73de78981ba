"""Measure all figures of a documentation page and write them and a picture.

``python -m tomostream.bench docs/reference/performance.md`` measures `PLAN`, replaces
what stands between the page's markers and draws the sweep beside the other images. It
takes some ten minutes; leave the machine alone meanwhile.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tomostream.bench.page import PLAN, Plan, page_with, tables
from tomostream.bench.page_sweep import reconfigure_table, sweep_tables
from tomostream.bench.plot import check_plot, write_plot
from tomostream.bench.reconfigure import reconfigure
from tomostream.bench.run import run
from tomostream.bench.sweep import sweep
from tomostream.recon.cpu.backend import available_isas

PICTURE = "performance.svg"


def main(arguments: Sequence[str] | None = None, plan: Plan = PLAN) -> int:
    """Measure and write; give the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tomostream.bench")
    parser.add_argument("page", type=Path, help="Markdown page with the markers")
    parser.add_argument(
        "--images", type=Path,
        help="folder of the picture (default: images beside the page's folder)",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    page: Path = options.page
    picture: Path = (options.images or page.parent.parent / "images") / PICTURE
    text = page.read_text()
    page_with(text, "")  # refuse a page without markers before minutes have gone
    check_plot(picture)

    def report(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    known = ("auto", *available_isas())
    results = [run(config, report) for config in plan.runs if config.isa in known]
    swept = sweep(plan.sweep, report)
    changed = reconfigure(plan.reconfigure, report)
    picture.parent.mkdir(exist_ok=True)
    write_plot(swept, picture)
    parts = (
        tables(results),
        sweep_tables(swept, Path(os.path.relpath(picture, page.parent)).as_posix()),
        reconfigure_table(changed),
    )
    page.write_text(page_with(text, "\n\n".join(parts)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
