"""Measure all figures of a documentation page and write them into it.

``python -m tomostream.bench docs/reference/performance.md`` runs `RUNS` and replaces
what stands between the page's markers. It takes some minutes; leave the machine alone
meanwhile.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tomostream.bench.page import RUNS, page_with, tables
from tomostream.bench.run import run
from tomostream.recon.cpu.backend import available_isas


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write; give the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tomostream.bench")
    parser.add_argument("page", type=Path, help="Markdown page with the markers")
    page: Path = parser.parse_args(arguments).page
    text = page.read_text()
    page_with(text, "")  # refuse a page without markers before minutes have gone

    def report(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    known = ("auto", *available_isas())
    results = [run(config, report) for config in RUNS if config.isa in known]
    page.write_text(page_with(text, tables(results)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
