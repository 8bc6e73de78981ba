"""Let tomocupy, where it is installed, reconstruct a file with our settings.

tomocupy is no dependency: it comes by conda, needs CUDA and reads files by itself. Its
options are those of ``tomocupy recon --help``; what it does not know of our settings is
told, never dropped silently (tomocupy passes over options that it does not know).
"""

import math
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tomostream.app.interruption import Interruption
from tomostream.app.recon_center import center_of
from tomostream.app.recon_job import ReconJob, Screen, check_parameters
from tomostream.app.scan_file import ScanFile
from tomostream.core.errors import (
    BackendUnavailableError,
    ConfigurationError,
    ProcessError,
)
from tomostream.core.parameters import FilterType, Parameters
from tomostream.core.slices import F32
from tomostream.core.steps import FlatScale, RingRemoval, Steps
from tomostream.files.reconstructed import Output, is_earlier_output
from tomostream.files.unfinished import unfinished_folder

PROGRAM = "tomocupy"
_LOOK_S = 0.2
_PATIENCE_S = 10.0

_FILTERS = {
    FilterType.PARZEN: "parzen",
    FilterType.SHEPP_LOGAN: "shepp",
    FilterType.RAMP: "ramp",
    FilterType.HANN: "hann",
    FilterType.COSINE: "cosine",
}
_ALPHA_UNIT = 4 * math.pi**2
"""tomocupy's alpha goes with the square of cycles, ours (beta / delta) with that of
radians per pixel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TomocupyCall:
    """A command line for tomocupy."""

    arguments: tuple[str, ...]
    """Without the program and without where the output goes."""
    not_done: tuple[str, ...]
    """Our settings that it does not have."""


def tomocupy_program() -> str:
    """Give the program's path.

    Raises
    ------
    BackendUnavailableError
        It is not installed.
    """
    program = shutil.which(PROGRAM)
    if program is None:
        raise BackendUnavailableError(
            "tomocupy is not on the PATH; it comes by `conda install -c conda-forge "
            "tomocupy` and needs an NVIDIA GPU; without --with tomocupy our own engine "
            "reconstructs the file"
        )
    return program


def tomocupy_call(
    job: ReconJob, *, center: float, flat: F32 | None, rows: int
) -> TomocupyCall:
    """Put a job into tomocupy's words.

    Parameters
    ----------
    job
        What is wanted.
    center
        The axis' column, pixels.
    flat
        Mean flat, counts: tomocupy's threshold for zingers is in counts.
    rows
        Detector rows of the file.
    """
    steps = job.parameters.recon().steps
    # Only recon_steps takes the options of phase retrieval.
    arguments = ["recon_steps" if steps.phase else "recon"]
    not_done: list[str] = []
    words = [("file-name", str(job.file.absolute())), ("rotation-axis", f"{center:g}")]
    words += [("reconstruction-type", "full")]
    if job.parameters.scan_range == 360:
        words += [("file-type", "double_fov")]
    first, last = job.rows or (0, rows)
    if (first, last) != (0, rows):
        words += [("start-row", str(first)), ("end-row", str(last))]
    if job.projections is not None:
        start, end = job.projections
        words += [("start-proj", str(start)), ("end-proj", str(end))]
    for name, value in (*_filter(job.parameters), *_steps(steps, flat)):
        if value is None:
            not_done.append(name)
        else:
            words.append((name, value))
    for name, value in words:
        arguments += [f"--{name}", value]
    return TomocupyCall(arguments=tuple(arguments), not_done=tuple(not_done))


def run_tomocupy(
    job: ReconJob, screen: Screen, interruption: Interruption, *, quiet: bool = False
) -> Path:
    """Let tomocupy make the volume; give where it is.

    Parameters
    ----------
    job
        What is wanted; the engine's choices do not matter.
    screen, interruption
        As for our own engine.
    quiet
        Keep tomocupy's words off the standard output.

    Raises
    ------
    BackendUnavailableError
        It is not installed.
    ProcessError
        It failed.
    ConfigurationError, SourceError
        As for our own engine.
    """
    program = tomocupy_program()
    check_parameters(job.parameters)
    target = Output(path=job.target, replaces=job.replaces)
    if target.is_hdf5:
        raise ConfigurationError(
            f"{job.target}: tomocupy writes a folder of TIFF files here; give OUT "
            "without .h5"
        )
    target.check()
    scan_range = job.parameters.scan_range
    with ScanFile(job.file, scan_range=scan_range, projections=job.projections) as scan:
        found = center_of(scan, job.center)
        screen.say(found.told())
        call = tomocupy_call(job, center=found.center, flat=scan.flat, rows=scan.n_z)
    if call.not_done:
        screen.warn(f"tomocupy does not have: {', '.join(call.not_done)}")
    with unfinished_folder(
        job.target, replaces=job.replaces, is_ours=is_earlier_output
    ) as folder:
        line = [program, *call.arguments, "--out-path-name", str(folder.absolute())]
        screen.say(" ".join(line))
        _run(line, interruption, quiet=quiet)
        if not any(folder.iterdir()):
            raise ProcessError("tomocupy ended well, but has written nothing")
    return job.target


def _filter(parameters: Parameters) -> Iterator[tuple[str, str | None]]:
    known = _FILTERS.get(parameters.filter_type)
    if known is None:
        yield f"the {parameters.filter_type} filter (its own default is used)", None
    else:
        yield "fbp-filter", known


def _steps(steps: Steps, flat: F32 | None) -> Iterator[tuple[str, str | None]]:
    """Give option and value; the value is None where there is no such option."""
    if steps.zinger_radius:
        yield "dezinger", str(2 * steps.zinger_radius + 1)
        light = 1.0 if flat is None else float(np.median(flat))
        counts = max(round(steps.zinger_threshold * light), 1)
        yield "dezinger-threshold", str(counts)
    yield from _phase(steps)
    if steps.ring_removal is RingRemoval.FOURIER_WAVELET:
        yield "remove-stripe-method", "fw"
        yield f"the ring width {steps.ring_width:g}", None
    elif steps.ring_removal is not RingRemoval.NONE:
        yield f"ring removal {steps.ring_removal}", None
    if any(steps.hardening):
        yield "the beam-hardening polynomial", None
    if steps.flat_scale is FlatScale.EXPOSURE:
        yield "bright-ratio", f"{1 / steps.exposure_ratio:g}"
    elif steps.flat_scale is not FlatScale.NONE:
        yield "flats scaled by a region", None
    if steps.transmission_floor != Steps().transmission_floor:
        yield "the transmission floor", None


def _phase(steps: Steps) -> Iterator[tuple[str, str]]:
    phase = steps.phase
    if phase is None:
        return
    yield "retrieve-phase-method", "paganin"
    yield "energy", f"{phase.energy_kev:g}"
    yield "propagation-distance", f"{phase.distance_mm:g}"
    yield "pixel-size", f"{phase.pixel_um:g}"
    yield "retrieve-phase-alpha", f"{phase.alpha / _ALPHA_UNIT:.9g}"


def _run(line: list[str], interruption: Interruption, *, quiet: bool) -> None:
    # On Ctrl-C the terminal tells it as well; SIGTERM comes to us alone.
    output = sys.stderr.fileno() if quiet else None
    process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=output)
    try:
        while process.poll() is None:
            if interruption.wait(_LOOK_S):
                raise KeyboardInterrupt
    finally:
        _end(process)
    if process.returncode:
        code = process.returncode
        how = f"status {code}" if code > 0 else signal.Signals(-code).name
        raise ProcessError(f"tomocupy ended with {how}; see what it said above")


def _end(process: subprocess.Popen[bytes]) -> None:
    steps: tuple[Callable[[], None], ...] = (process.terminate, process.kill)
    for step in steps:
        if process.poll() is None:
            step()
            try:
                process.wait(_PATIENCE_S)
            except subprocess.TimeoutExpired:
                continue
