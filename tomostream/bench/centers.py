"""Measure how well the rotation centre is estimated, and write it into its page.

``python -m tomostream.bench.centers docs/explanations/rotation-center.md`` replaces
what stands between the page's markers and draws the strip of candidates beside the
other images. Recorded scans are measured too where ``--scan FILE=CENTER`` names them.
"""

import argparse
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tomostream.bench.machine import cpu_model
from tomostream.bench.page import page_with
from tomostream.core.slices import F32
from tomostream.recon.center import CenterEstimate, center_strip, estimate_center
from tomostream.recon.snapshot import RingSnapshot
from tomostream.sim.phantom import Ellipsoid, head_phantom
from tomostream.testing.rings import ring_of, ring_of_file

PICTURE = "center-strip.png"
_REPEATS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Estimates on rings whose axis is known."""

    name: str
    centers: list[float]
    estimates: list[CenterEstimate]

    def row(self) -> str:
        """Give the line of the table: largest errors, least confidence."""
        parts = [
            [e.registration.center for e in self.estimates],
            [e.sharpness.center for e in self.estimates],
            [e.center for e in self.estimates],
        ]
        errors = [self._worst(part) for part in parts]
        low = min(e.confidence for e in self.estimates)
        high = max(e.confidence for e in self.estimates)
        trust = f"{low:.2f}" if high - low < 0.005 else f"{low:.2f} to {high:.2f}"
        return f"| {self.name} | {' | '.join(errors)} | {trust} |"

    def _worst(self, found: list[float]) -> str:
        errors = np.abs(np.array(found) - self.centers)
        return f"{errors.max():.2f}" if np.isfinite(errors).any() else "none"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write; give the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tomostream.bench.centers")
    parser.add_argument("page", type=Path, help="Markdown page with the markers")
    parser.add_argument(
        "--scan", action="append", default=[], metavar="FILE=CENTER",
        help="a recorded scan and its known centre",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    page: Path = options.page
    text = page.read_text()
    page_with(text, "")
    rows = [case.row() for case in (*_phantoms(), *_recorded(options.scan))]
    page.write_text(page_with(text, "\n".join([*_HEAD, *rows, "", _cost()])))
    write_strip(page.parent.parent / "images" / PICTURE)
    return 0


_HEAD = (
    "| sample | registration | wedge | together | confidence |",
    "|---|---|---|---|---|",
)


def write_strip(path: Path) -> None:
    """Draw the strip of the phantom whose axis is at column 130.3."""
    ring = ring_of(
        head_phantom(256, 32, fill=0.85).still, np.arange(360) * 0.5,
        shape=(32, 256), center=130.3,
    )  # fmt: skip
    strip = center_strip(ring, 130.3, 1.5, count=5)
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(_grey(strip.pixels)).save(path, optimize=True)


def _grey(pixels: F32) -> np.ndarray:
    low, high = np.percentile(pixels, (0.5, 99.5))
    # Few shades make a small file.
    shades = np.round(np.clip((pixels - low) / (high - low), 0, 1) * 63)
    return (shades * 4).astype(np.uint8)


def _phantoms() -> Iterator[Case]:
    head = head_phantom(256, 128, fill=0.8).still
    wide = head_phantom(512, 128, fill=0.9).still
    half, whole = np.arange(240) * 0.75, np.arange(240) * 1.5
    amid, aside = (110.0, 145.0), (22.0, 45.0)
    yield _case("head, 1 % noise", head, half, amid)
    yield _case("head, axis at 24 to 76 % of the width", head, half, (61.0, 195.0))
    yield _case("head, 5 % noise", head, half, amid, noise=0.05)
    yield _case("head, camera rolled by 1 degree", head, half, amid, roll_deg=1.0)
    yield _case("twice as wide as the frame", wide, half, amid)
    yield _case("the same, half-acquisition, axis at 9 to 18 %", wide, whole, aside)
    post = Ellipsoid(x=0, y=0, z=0, a=60, b=60, c=1e4, attenuation=0.01)
    yield _case("round post in the middle", (post,), half, amid)
    yield _case("air", (), half, amid)


def _case(
    name: str,
    sample: Sequence[Ellipsoid],
    angles_deg: np.ndarray,
    between: tuple[float, float],
    **settings: float,
) -> Case:
    random = np.random.default_rng(7)
    centers = [float(c) for c in random.uniform(*between, _REPEATS)]
    sys.stdout.write(f"centres: {name}\n")
    found = [
        estimate_center(
            ring_of(sample, angles_deg, shape=(128, 256), center=c, **settings)
        )
        for c in centers
    ]
    return Case(name=name, centers=centers, estimates=found)


def _recorded(scans: Sequence[str]) -> Iterator[Case]:
    for scan in scans:
        name, _, center = scan.rpartition("=")
        known = float(center)
        ring = ring_of_file(Path(name), center=known)
        label = f"{Path(name).stem}, said to be at {known:g}"
        yield Case(name=label, centers=[known], estimates=[estimate_center(ring)])


def _cost() -> str:
    parts = [f"{_seconds(n, views):.2f} s for {n} x {n} x {views}" for n, views in (
        (512, 360), (1024, 720), (2048, 1500),
    )]  # fmt: skip
    return f"CPU time of one estimate: {', '.join(parts)} ({cpu_model()}, one core)."


def _seconds(size: int, views: int) -> float:
    """Give the CPU time of an estimate; the frames repeat, which costs the same."""
    angles = np.arange(views, dtype=np.float64) * (180.0 / views)
    few = ring_of(
        head_phantom(size, size).still, angles[:12], shape=(size, size),
        center=size / 2 + 1.3,
    )  # fmt: skip
    ring = RingSnapshot(
        geometry=few.geometry, parameters=few.parameters, dark=few.dark, flat=few.flat,
        frames=tuple(few.frames[k % 12] for k in range(views)), angles_deg=angles,
    )  # fmt: skip
    best = math.inf
    for _ in range(3):
        start = time.thread_time()
        estimate_center(ring)
        best = min(best, time.thread_time() - start)
    return best


if __name__ == "__main__":
    sys.exit(main())
