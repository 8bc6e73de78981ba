"""What tilted planes cost, and a picture of one.

``python -m tomostream.bench.planes docs/reference/planes.md`` measures, replaces what
stands between the page's markers, and draws the picture beside the other images.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tomostream.bench.machine import cpu_model
from tomostream.bench.page import page_with
from tomostream.bench.plot import check_plot
from tomostream.bench.scene import Scene, draw_scene
from tomostream.core.geometry import Geometry, ObliquePlane, PlaneGrid, Planes
from tomostream.core.parameters import FilterType, ReconParameters
from tomostream.core.slices import F32
from tomostream.recon.cpu.backend import available_isas
from tomostream.recon.engine import Engine
from tomostream.sim.phantom import attenuation_at, head_phantom

PICTURE = "oblique-plane.png"
_TILTS = (1.0, 30.0, 89.0)
_NORMAL = (1.0, -2.0, 2.0)
_BATCH = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaneCost:
    """What one tilted plane costs, in ms of one thread's work."""

    name: str
    projection_ms: float
    """More for each projection than without the plane."""
    remake_ms: float
    """Out of the full ring, after a change."""


def plane_costs(
    scene: Scene, angles: int, *, isa: str = "auto", rounds: int = 5
) -> list[PlaneCost]:
    """Measure tilts of the horizontal plane, and the oblique plane.

    Rounds with and without the plane take turns; medians are given.
    """
    size = scene.frames.shape[-1]
    geometry = Geometry(n_z=size, n_x=size, n_slots=angles, n_out=size)
    level = ReconParameters(center=scene.center, planes=Planes.middle(geometry))
    wanted = {
        f"RotZ {tilt:g} degrees": replace(
            level, planes=replace(level.planes, rot_z=tilt)
        )
        for tilt in _TILTS
    }
    wanted["oblique plane"] = replace(level, oblique=_cut(size))
    # Thread time is the work of the calling thread: there must be no other.
    engine = Engine(isa=isa, threads=1, raw_slots=0)
    engine.configure(geometry, level)
    engine.set_fields(scene.dark, scene.flat)
    _push(engine, scene, range(angles))
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in wanted}
    for _ in range(rounds):
        for name, parameters in wanted.items():
            engine.set_parameters(level)
            plain_ms = _push(engine, scene, range(4 * _BATCH))
            begin_s = time.thread_time()
            engine.set_parameters(parameters)
            remake_ms = 1e3 * (time.thread_time() - begin_s)
            more_ms = _push(engine, scene, range(4 * _BATCH)) - plain_ms
            found[name].append((more_ms, remake_ms))
    medians = {name: np.median(values, axis=0) for name, values in found.items()}
    return [
        PlaneCost(name=name, projection_ms=float(more), remake_ms=float(remake))
        for name, (more, remake) in medians.items()
    ]


def _push(engine: Engine, scene: Scene, slots: range) -> float:
    # ms for a projection
    count, total = len(scene.frames), engine.slots_total
    begin_s = time.thread_time()
    for first in range(0, len(slots), _BATCH):
        batch = np.array(slots[first : first + _BATCH]) % total
        frames = [scene.frames[slot % count] for slot in batch]
        engine.add(frames, batch * (180.0 / total), batch)
    return 1e3 * (time.thread_time() - begin_s) / len(slots)


def costs_table(
    costs: dict[str, list[PlaneCost]], *, size: int, angles: int, cpu: str
) -> str:
    """Give the costs by instruction set as Markdown."""
    isas = list(costs)
    lines = [
        f"{cpu}, one thread, frames of {size} x {size} pixels, {angles} projections in "
        f"a half-precision ring, batches of {_BATCH}; ms of one thread's work, for a "
        "projection / to remake the plane:",
        "",
        f"| | {' | '.join(isas)} |",
        f"|---|{'---|' * len(isas)}",
    ]
    for rows in zip(*costs.values(), strict=True):
        cells = [f"{row.projection_ms:.2f} / {row.remake_ms:.0f}" for row in rows]
        lines.append(f"| {rows[0].name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cut(size: int) -> ObliquePlane:
    half = size / 2
    return ObliquePlane(x=half, y=half + 0.08 * size, z=half, normal=_NORMAL)


def draw_cut(path: Path, *, size: int = 160, angles: int = 240) -> None:
    """Draw a horizontal slice, an oblique cut, and what the cut should show."""
    from matplotlib.figure import Figure

    scene, plane = draw_scene(size, angles), _cut(size)
    geometry = Geometry(n_z=size, n_x=size, n_slots=angles, n_out=size)
    engine = Engine(raw_slots=0)
    engine.configure(
        geometry,
        ReconParameters(
            center=scene.center, filter_type=FilterType.HANN, oblique=plane,
            planes=replace(Planes.middle(geometry), z=round(plane.z)),
        ),
    )  # fmt: skip
    engine.set_fields(scene.dark, scene.flat)
    _push(engine, scene, range(angles))
    grid = plane.grid(geometry)
    images = {
        f"horizontal slice, z = {plane.z:g}": engine.slices().z,
        "oblique plane, reconstructed": engine.oblique(),
        "oblique plane, the phantom itself": _truth(grid, geometry),
    }
    figure: Any = Figure(figsize=(9.6, 3.5), layout="constrained")
    top = float(np.quantile(images["oblique plane, the phantom itself"], 0.99))
    all_axes = figure.subplots(1, 3)
    for axes, (title, image) in zip(all_axes, images.items(), strict=True):
        axes.imshow(image, cmap="gray", vmin=0.0, vmax=top)
        axes.set_title(title, fontsize=9)
        axes.set_xlabel("column (horizontal)", fontsize=8)
        axes.set_ylabel("row (downhill)", fontsize=8)
        axes.tick_params(labelsize=7)
    all_axes[0].set(xlabel="x", ylabel="y")
    # The line that both planes share: the oblique one's middle row.
    half = size / 2
    column, row = grid.column_step[0], grid.column_step[1]
    all_axes[0].axline((plane.x, plane.y), (plane.x + column, plane.y + row), lw=0.8)
    all_axes[1].axhline(half, lw=0.8)
    figure.savefig(path, dpi=80)


def _truth(grid: PlaneGrid, geometry: Geometry) -> F32:
    column, row = np.arange(grid.columns), np.arange(grid.rows)[:, None]
    x, y, z = (
        origin + column * across + row * down
        for origin, across, down in zip(
            grid.origin, grid.column_step, grid.row_step, strict=True
        )
    )
    body = head_phantom(geometry.n_x, geometry.n_z).still
    return attenuation_at(body, x, y, z - geometry.n_z // 2).astype(np.float32)


def main(
    arguments: Sequence[str] | None = None, *, size: int = 512, angles: int = 360
) -> int:
    """Measure, write and draw; give the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tomostream.bench.planes")
    parser.add_argument("page", type=Path, help="Markdown page with the markers")
    page: Path = parser.parse_args(arguments).page
    picture = page.parent.parent / "images" / PICTURE
    text = page.read_text()
    page_with(text, "")  # refuse a page without markers before time has gone
    check_plot(picture)
    scene = draw_scene(size, angles)
    costs = {isa: plane_costs(scene, angles, isa=isa) for isa in available_isas()}
    table = costs_table(costs, size=size, angles=angles, cpu=cpu_model())
    page.write_text(page_with(text, table))
    picture.parent.mkdir(exist_ok=True)
    draw_cut(picture)
    sys.stdout.write(f"{table}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
