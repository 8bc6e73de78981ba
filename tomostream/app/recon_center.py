"""The rotation axis of a recorded scan: as given, or as estimated."""

import math
from dataclasses import dataclass, replace

import numpy as np

from tomostream.app.scan_file import ScanFile
from tomostream.core.errors import ConfigurationError, ReconstructionError
from tomostream.core.geometry import Geometry, Planes
from tomostream.core.parameters import Parameters
from tomostream.recon.center import (
    TRUSTED,
    CenterEstimate,
    CenterStrip,
    center_strip,
    estimate_center,
)
from tomostream.recon.snapshot import RingSnapshot

_ESTIMATE_BYTES = 1 << 30
"""Projections that are held for an estimate; of a larger file the middle rows."""
_ROLL_TRUSTED = 0.6
_ROLL_TOLD_PX = 0.5
"""A tilt is told where it moves the axis by more between the first and last row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CenterFound:
    """The axis' column."""

    center: float
    """Pixels."""
    confidence: float | None = None
    """0 to 1; None: it was given."""
    doubt: str = ""
    """Why the confidence is low."""
    note: str = ""
    """What else the projections say of the axis."""

    def told(self) -> str:
        """Say what it is and where it comes from."""
        if self.confidence is None:
            return f"center {self.center:.2f}, as given"
        return (
            f"center {self.center:.2f}, estimated with confidence {self.confidence:.2f}"
        )


def center_of(
    scan: ScanFile, given: float | None, *, guesses: bool = False
) -> CenterFound:
    """Give the axis' column.

    Parameters
    ----------
    scan
        The file.
    given
        The operator's word; None: estimate it.
    guesses
        Give an estimate that cannot be trusted as well; the middle where there is none.

    Raises
    ------
    ConfigurationError
        The given one is not in the frames.
    ReconstructionError
        It cannot be told; says the best guess.
    """
    if given is None:
        found = _estimated(scan)
        if found.doubt and not guesses:
            raise ReconstructionError(_refusal(scan, found))
        return found
    if not (math.isfinite(given) and 0 <= given <= scan.n_x - 1):
        raise ConfigurationError(
            f"center: expected a column of 0 to {scan.n_x - 1}, got {given:g}"
        )
    return CenterFound(center=given)


def candidate_centers(
    scan: ScanFile,
    parameters: Parameters,
    *,
    center: float,
    step: float,
    planes: Planes,
) -> CenterStrip:
    """Reconstruct small slices for centres around one.

    Parameters
    ----------
    scan
        The file.
    parameters
        The filter is used.
    center, step
        Of the slice in the middle, and from slice to slice; pixels.
    planes
        The slice lies at z, around x and y.
    """
    snapshot = _snapshot(scan, slice(planes.z, planes.z + 1))
    wanted = replace(parameters, center=center).recon()
    wanted = replace(wanted, planes=replace(planes, z=0))
    return center_strip(replace(snapshot, parameters=wanted), center, step)


def _estimated(scan: ScanFile) -> CenterFound:
    estimate = estimate_center(_snapshot(scan, _middle_rows(scan)))
    if not math.isfinite(estimate.center):
        return CenterFound(
            center=(scan.n_x - 1) / 2, confidence=0.0, doubt=estimate.reason
        )
    doubt = "" if estimate.confidence >= TRUSTED else estimate.reason or "weak signs"
    return CenterFound(
        center=round(estimate.center, 3), confidence=round(estimate.confidence, 3),
        doubt=doubt, note=_roll(scan, estimate),
    )  # fmt: skip


def _refusal(scan: ScanFile, found: CenterFound) -> str:
    return (
        f"{scan.path}: the rotation axis cannot be told ({found.doubt}; best guess "
        f"{found.center:.2f}, confidence {found.confidence:.2f}): look at candidates "
        f"by --try 2 --center {found.center:.1f}, then give --center"
    )


def _roll(scan: ScanFile, estimate: CenterEstimate) -> str:
    moved_px = abs(math.tan(math.radians(estimate.roll_deg))) * (scan.n_z - 1)
    if estimate.roll_confidence < _ROLL_TRUSTED or moved_px < _ROLL_TOLD_PX:
        return ""
    return (
        f"the axis is tilted by {estimate.roll_deg:.2f} degrees in the detector's "
        f"plane: its column moves by {moved_px:.1f} pixels from the first row to the "
        "last"
    )


def _middle_rows(scan: ScanFile) -> slice:
    row_bytes = scan.row_bytes * len(scan.theta_deg)
    count = min(max(_ESTIMATE_BYTES // row_bytes, 1), scan.n_z)
    first = (scan.n_z - count) // 2
    return slice(first, first + count)


def _snapshot(scan: ScanFile, rows: slice) -> RingSnapshot:
    """Take rows of all projections, also of those that come twice, as a ring's."""
    frames = tuple(scan.all_frames(rows))
    n_z, n_x = frames[0].shape
    geometry = Geometry(
        n_z=n_z, n_x=n_x, n_slots=len(frames), n_out=n_x, scan_range=scan.scan_range
    )
    dark = np.zeros((n_z, n_x), np.float32) if scan.dark is None else scan.dark[rows]
    flat = scan.flat
    if flat is None or not scan.has_flat:
        # The brightest light there is: without it, all would be as good as air.
        brightest = max(float(np.nanmax(frame)) for frame in frames)
        light = np.full((n_z, n_x), max(brightest, 1e-6), np.float32)
    else:
        light = flat[rows]
    wanted = replace(Parameters(), center=(n_x - 1) / 2).recon()
    return RingSnapshot(
        geometry=geometry, parameters=replace(wanted, planes=Planes.middle(geometry)),
        dark=dark, flat=light, frames=frames, angles_deg=scan.theta_deg,
    )  # fmt: skip
