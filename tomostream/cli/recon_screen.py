"""What `tomostream recon` shows in the terminal, and how its options become a job."""

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from tomostream.app.interruption import Interruption
from tomostream.app.recon_job import EngineChoice, ReconJob, ReconReport, run_job
from tomostream.core.controls import control
from tomostream.core.errors import ConfigurationError
from tomostream.core.parameters import Parameters, Value

_CHOICES = {
    "filter": "FilterType",
    "ring_removal": "RingRemoval",
    "flat_scale": "FlatScale",
    "scan_range": "ScanRange",
}
_NUMBERS = {
    "dezinger_threshold": ("DezingerThreshold",),
    "energy": ("Energy",),
    "distance": ("Distance",),
    "pixel_size": ("PixelSize",),
    "alpha": ("Alpha",),
    "ring_width": ("RingWidth",),
    "beam_hardening": ("BeamHardening2", "BeamHardening3"),
    "exposure": ("Exposure", "FlatExposure"),
    "region": ("RegionX", "RegionY", "RegionWidth", "RegionHeight"),
    "transmission_floor": ("TransmissionFloor",),
}
"""Option -> the records that it stands for."""


class ReconScreen:
    """Lines of text, and a bar where there is a terminal to draw it on.

    Both go to the standard error: the standard output is for results.
    """

    def __init__(self, interruption: Interruption) -> None:
        self._interruption = interruption
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._bar = Progress(
            TextColumn("reconstructing"), BarColumn(), TaskProgressColumn(),
            TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
            console=self._console, transient=True,
            disable=not self._console.is_terminal,
        )  # fmt: skip
        self._task = self._bar.add_task("", total=1.0, start=False)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the bar from the first tick on; take it away at the end."""
        try:
            yield
        finally:
            self._bar.stop()

    def say(self, text: str) -> None:
        """Tell a fact."""
        self._console.print(text, markup=False)

    def warn(self, text: str) -> None:
        """Tell what somebody may want to do something about."""
        self._console.print(f"note: {text}", markup=False, style="yellow")

    def tick(self, share: float) -> None:
        """Move the bar.

        Raises
        ------
        KeyboardInterrupt
            The end was asked for.
        """
        if self._interruption.is_set:
            raise KeyboardInterrupt
        if not self._bar.live.is_started:
            self._bar.start()
            self._bar.start_task(self._task)
        self._bar.update(self._task, completed=share)


def show(options: argparse.Namespace) -> int:
    """Reconstruct a file."""
    if options.program:
        from tomostream.app.tomocupy import tomocupy_program

        # Before the records are asked for settings that nobody could use.
        tomocupy_program()
    job = job_of(options, parameters_of(options, _live(options)))
    with Interruption() as interruption:
        screen = ReconScreen(interruption)
        with screen.shown():
            if options.program:
                return _show_tomocupy(job, screen, interruption, options)
            report = run_job(job, screen)
    screen.say(_summary(report))
    if options.json:
        print(json.dumps(report.as_json()), flush=True)
    return 0


def _show_tomocupy(
    job: ReconJob,
    screen: ReconScreen,
    interruption: Interruption,
    options: argparse.Namespace,
) -> int:
    from tomostream.app.tomocupy import run_tomocupy

    output = run_tomocupy(job, screen, interruption, quiet=options.json)
    screen.say(f"{output}: made by tomocupy")
    if options.json:
        print(json.dumps({"output": str(output), "program": "tomocupy"}), flush=True)
    return 0


def parameters_of(options: argparse.Namespace, live: Parameters | None) -> Parameters:
    """Give the operator's parameters: those of the options, then the live ones.

    Raises
    ------
    ConfigurationError
        A value is outside its record's limits.
    """
    parameters = live or Parameters()
    for option, name, value in _values(options):
        try:
            parameters = parameters.with_value(control(name), value)
        except ValueError as exc:
            what = str(exc).removeprefix(f"{name}: ")
            raise ConfigurationError(f"--{option.replace('_', '-')}: {what}") from exc
    return parameters


def job_of(options: argparse.Namespace, parameters: Parameters) -> ReconJob:
    """Give what is to be done.

    Raises
    ------
    ConfigurationError
        The options contradict each other.
    """
    if options.program and (options.slices or options.try_step):
        raise ConfigurationError(
            f"--with {options.program}: it makes the volume; leave out --slices, --try"
        )
    center = options.center
    if center == "auto":
        # A record Center that nobody has set is 0.
        center = parameters.center if options.live and parameters.center else None
    unknown = Parameters().pixel_um
    return ReconJob(
        file=options.file, parameters=parameters, center=center,
        is_volume=options.volume or bool(options.program), try_step=options.try_step,
        x=options.x, y=options.y, z=options.z,
        rows=options.rows, projections=options.projections,
        output=options.output, replaces=options.force,
        pixel_um=parameters.pixel_um
        if options.pixel_size is not None or parameters.pixel_um != unknown
        else None,
        engine=EngineChoice(
            backend=options.backend, isa=options.isa, threads=options.threads or 0,
            ring=options.ring,
        ),
        memory_bytes=int(options.memory * 2**30) if options.memory else None,
    )  # fmt: skip


def _values(options: argparse.Namespace) -> Iterator[tuple[str, str, Value]]:
    """Give option, record and value for each option that was given."""
    for option, name in _CHOICES.items():
        given = getattr(options, option)
        if given is not None:
            known = {choice.lower(): choice for choice in control(name).choices}
            yield option, name, known[given]
    if options.dezinger is not None:
        chosen = control("Dezinger").meanings.index(int(options.dezinger))
        yield "dezinger", "Dezinger", chosen
    if options.delta_beta is not None:
        yield "delta_beta", "Alpha", 1.0 / options.delta_beta
    for option, names in _NUMBERS.items():
        given = getattr(options, option)
        if given is not None:
            numbers = given if isinstance(given, list) else [given]
            yield from ((option, n, v) for n, v in zip(names, numbers, strict=True))


def _live(options: argparse.Namespace) -> Parameters | None:
    if options.live is None:
        return None
    from tomostream.app.live import live_parameters

    return live_parameters(options.live)


def _summary(report: ReconReport) -> str:
    if "centers" in report.facts:
        centers = "  ".join(f"{center:g}" for center in report.facts["centers"])
        return f"{report.output}: slices for the centres {centers}"
    n_rows, n_y, n_x = report.shape
    return f"{report.output}: {n_rows} x {n_y} x {n_x} voxels, {report.seconds:.1f} s"
