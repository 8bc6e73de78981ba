"""From a recorded scan to slices or a volume in files."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol

from PIL import Image

from tomostream._version import __version__
from tomostream.app.blocks import usable_memory
from tomostream.app.recon_center import CenterFound, candidate_centers, center_of
from tomostream.app.recon_run import FileReconstruction
from tomostream.app.scan_file import ScanFile
from tomostream.app.snapshot import Picture, draw_slices, grey_limits, to_grey
from tomostream.core.controls import control
from tomostream.core.errors import ConfigurationError
from tomostream.core.geometry import Planes
from tomostream.core.parameters import Parameters
from tomostream.core.slices import Slices
from tomostream.files.reconstructed import (
    PICTURE_FILE,
    Output,
    slices_folder,
    volume_writer,
    write_slices,
    write_slices_hdf5,
)
from tomostream.files.unfinished import check_target, unfinished_file
from tomostream.recon.engine import Engine
from tomostream.runtime import SystemClock

Range = tuple[int, int]
"""First, and last + 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineChoice:
    """Which engine, as for the stream."""

    backend: Literal["auto", "cpu", "cuda"] = "auto"
    isa: str = "auto"
    threads: int = 0
    """0: as many as the process may use."""
    ring: Literal["half", "float"] = "float"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconJob:
    """What to make of a file."""

    file: Path
    parameters: Parameters = field(default_factory=Parameters)
    """Center, OrthoX, OrthoY and OrthoZ are those below instead."""
    center: float | None = None
    """None: estimate it."""
    is_volume: bool = False
    try_step: float | None = None
    """Draw slices for centres so far apart, pixels, instead."""
    x: int | None = None
    """None: the middle; y and z likewise."""
    y: int | None = None
    z: int | None = None
    rows: Range | None = None
    """Detector rows; None: all."""
    projections: Range | None = None
    """None: all."""
    output: Path | None = None
    """None: a folder in the current one, named for the file."""
    replaces: bool = False
    pixel_um: float | None = None
    """Noted in the output; None: not known."""
    engine: EngineChoice = field(default_factory=EngineChoice)
    memory_bytes: int | None = None
    """None: half of what is free."""

    @property
    def target(self) -> Path:
        """Where the output goes."""
        if self.output is not None:
            return self.output
        if self.try_step is not None:
            return Path(f"{self.file.stem}_centers.png")
        kind = "volume" if self.is_volume else "slices"
        return Path(f"{self.file.stem}_{kind}")


class Screen(Protocol):
    """Where it is told how it goes."""

    def say(self, text: str) -> None:
        """Tell a fact."""
        ...

    def warn(self, text: str) -> None:
        """Tell what somebody may want to do something about."""
        ...

    def tick(self, share: float) -> None:
        """Tell the share of the work that is done; may raise to end it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconReport:
    """What was made."""

    output: Path
    shape: tuple[int, ...]
    """(n_rows, n_out y, n_out x) of the volume or of what the slices are cut from."""
    seconds: float
    facts: Mapping[str, Any]
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {
            **self.facts, "output": str(self.output), "shape": list(self.shape),
            "seconds": round(self.seconds, 3), "notes": list(self.notes),
        }  # fmt: skip


def run_job(job: ReconJob, screen: Screen) -> ReconReport:
    """Reconstruct a file.

    Raises
    ------
    ConfigurationError
        What is wanted contradicts itself or the file, or the output is there already.
    SourceError
        The file cannot be used.
    ReconstructionError
        The engine cannot do it, or the centre cannot be told.
    """
    check_parameters(job.parameters)
    is_picture = job.try_step is not None
    if is_picture:
        check_target(job.target, replaces=job.replaces, is_ours=Path.is_file)
    else:
        Output(path=job.target, replaces=job.replaces).check()
    scan_range = job.parameters.scan_range
    with ScanFile(job.file, scan_range=scan_range, projections=job.projections) as scan:
        screen.say(_told(scan))
        for note in scan.notes:
            screen.warn(note)
        found = center_of(scan, job.center, guesses=is_picture)
        screen.say(found.told())
        if found.note:
            screen.warn(found.note)
        return _Run(job, scan, found, screen).report()


def check_parameters(parameters: Parameters) -> None:
    """Make sure that what is wanted can be done.

    Raises
    ------
    ConfigurationError
        Says what contradicts itself.
    """
    problems = parameters.problems()
    if problems:
        raise ConfigurationError("; ".join(problems))


class _Run:
    def __init__(
        self, job: ReconJob, scan: ScanFile, found: CenterFound, screen: Screen
    ) -> None:
        self._job, self._scan, self._found, self._screen = job, scan, found, screen
        self._rows = _rows_of(job, scan)
        choice = job.engine
        self._engine = Engine(
            backend=choice.backend, isa=choice.isa, threads=choice.threads,
            ring_dtype=choice.ring, raw_slots=0,
        )  # fmt: skip
        wanted = replace(job.parameters, center=found.center).recon()
        region = wanted.steps.region
        if region and not region.clipped(scan.n_z, scan.n_x):
            raise ConfigurationError(
                f"region: expected a part of {scan.n_x} x {scan.n_z} pixels, got "
                f"{region.width} x {region.height} from {region.x}, {region.y} on"
            )
        self._recon = FileReconstruction(
            scan, wanted, engine=self._engine, rows=self._rows,
            memory_bytes=job.memory_bytes or usable_memory(), tick=screen.tick,
        )  # fmt: skip

    def report(self) -> ReconReport:
        clock = SystemClock()
        started_s = clock.monotonic_s()
        job, engine = self._job, self._engine
        self._screen.say(
            f"{engine.backend} backend, {engine.isa}, {engine.threads} threads"
        )
        facts = self._facts()
        output = Output(
            path=job.target, replaces=job.replaces, pixel_um=job.pixel_um, facts=facts
        )
        if job.try_step is not None:
            facts["centers"] = self._draw_candidates(job.try_step)
        elif job.is_volume:
            self._write_volume(output)
        else:
            self._write_slices(output)
        found = [self._found.note] if self._found.note else []
        notes = [*self._scan.notes, *found, *self._losses()]
        return ReconReport(
            output=job.target, shape=self._recon.shape, facts=facts, notes=tuple(notes),
            seconds=clock.monotonic_s() - started_s,
        )  # fmt: skip

    def _write_volume(self, output: Output) -> None:
        shape, first = self._recon.shape, self._rows[0]
        _check_room(output, shape)
        with volume_writer(output, shape, first_row=first) as writer:
            self._recon.volume(writer.write)

    def _write_slices(self, output: Output) -> None:
        planes = self._planes()
        places = {"z": planes.z, "y": planes.y, "x": planes.x}
        if output.is_hdf5:
            slices = self._recon.slices(planes)
            write_slices_hdf5(output, slices, places=places)
            return
        with slices_folder(output) as folder:
            slices = self._recon.slices(planes)
            write_slices(folder, output, slices, places=places)
            self._draw(slices, planes, folder / PICTURE_FILE)

    def _draw_candidates(self, step: float) -> list[float]:
        job = self._job
        strip = candidate_centers(
            self._scan, job.parameters, center=self._found.center, step=step,
            planes=self._planes(),
        )  # fmt: skip
        grey = to_grey(strip.pixels, *grey_limits(strip.pixels))
        with unfinished_file(job.target, replaces=job.replaces) as path:
            Image.fromarray(grey).save(path, format="PNG", optimize=True)
        return [round(center, 3) for center in strip.centers]

    def _draw(self, slices: Slices, planes: Planes, path: Path) -> None:
        picture = Picture(
            slices=slices, planes=planes,
            title=self._job.file.name, first_row=self._rows[0],
            facts=(
                f"Center {self._found.center:.2f} pixel",
                f"{self._job.parameters.filter_type} filter",
                f"{len(self._scan.scan.frames)} projections",
            ),
        )  # fmt: skip
        draw_slices(picture).save(path, format="PNG", optimize=True)

    def _planes(self) -> Planes:
        job, half = self._job, self._recon.n_out // 2
        first, last = self._rows
        x = half if job.x is None else job.x
        y = half if job.y is None else job.y
        z = (first + last) // 2 if job.z is None else job.z
        for name, place, low, high in (
            ("x", x, 0, self._recon.n_out), ("y", y, 0, self._recon.n_out),
            ("z", z, first, last),
        ):  # fmt: skip
            if not low <= place < high:
                raise ConfigurationError(
                    f"{name}: expected {low} to {high - 1}, got {place}"
                )
        return Planes(x=x, y=y, z=z)

    def _facts(self) -> dict[str, Any]:
        job, engine = self._job, self._engine
        facts: dict[str, Any] = {
            "file": str(job.file.absolute()), "tomostream": __version__,
            "center": self._found.center,
            "center_confidence": self._found.confidence,
            "projections": len(self._scan.scan.frames), "rows": list(self._rows),
            "filter": str(job.parameters.filter_type),
            "scan_range": job.parameters.scan_range,
            "backend": engine.backend, "isa": engine.isa, "ring": job.engine.ring,
        }  # fmt: skip
        if job.pixel_um is not None:
            facts["pixel_um"] = job.pixel_um
        return facts | {"steps": steps_in_use(job.parameters)}

    def _losses(self) -> list[str]:
        losses: list[str] = []
        if self._recon.left_out:
            losses.append(
                f"projections left out: {self._recon.left_out} "
                f"({self._recon.why_left_out})"
            )
        if self._recon.pixels_repaired:
            losses.append(f"{self._recon.pixels_repaired} pixels were interpolated")
        for loss in losses:
            self._screen.warn(loss)
        return losses


def steps_in_use(parameters: Parameters) -> dict[str, Any]:
    """Give the steps that change something, as plain values by their records' names.

    Of a choice its words: its number is no radius.
    """
    usual, values = Parameters().values(), parameters.values()
    changed = [name for name in _STEP_RECORDS if values[name] != usual[name]]
    choices = {name: control(name).choices for name in changed}
    return {
        name: choices[name][int(values[name])] if choices[name] else values[name]
        for name in changed
    }


_STEP_RECORDS = (
    "Dezinger", "DezingerThreshold", "RingRemoval", "RingWidth", "Energy", "Distance",
    "Alpha", "PixelSize", "BeamHardening2", "BeamHardening3", "FlatScale", "Exposure",
    "FlatExposure", "RegionX", "RegionY", "RegionWidth", "RegionHeight",
    "TransmissionFloor",
)  # fmt: skip


def _told(scan: ScanFile) -> str:
    angles = scan.scan.angles_deg
    return (
        f"{scan.path.name}: {len(angles)} projections of {scan.n_x} x {scan.n_z} "
        f"pixels, {_degrees(angles.min())} to {_degrees(angles.max())} degrees"
    )


def _degrees(angle: float) -> str:
    return f"{round(float(angle), 3) + 0.0:g}"


def _rows_of(job: ReconJob, scan: ScanFile) -> Range:
    first, last = job.rows or (0, scan.n_z)
    if not 0 <= first < last <= scan.n_z:
        raise ConfigurationError(
            f"rows {first}:{last}: expected a part of 0:{scan.n_z}"
        )
    return first, last


def _check_room(output: Output, shape: tuple[int, int, int]) -> None:
    needed = 4 * shape[0] * shape[1] * shape[2]
    free = shutil.disk_usage(output.path.absolute().parent).free
    if needed > free:
        raise ConfigurationError(
            f"{output.path}: the volume of {shape[0]} x {shape[1]} x {shape[2]} needs "
            f"{needed / 1e9:.3g} GB, there are {free / 1e9:.3g} GB left"
        )
