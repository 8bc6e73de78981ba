"""A recorded scan, as the engine wants it: fields, angles, frames with their slots."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tomostream.core.errors import ConfigurationError, MalformedTableError, SourceError
from tomostream.core.frame import FrameKind
from tomostream.core.geometry import ScanRange
from tomostream.core.recorded import RecordedScan, recorded_scan
from tomostream.files.dxfile import DxFileReader

F64 = NDArray[np.float64]

_READ_BYTES = 32 << 20
_GAP_DEG = 5.0
"""From here on a gap between directions is told."""
_MISSING_DEG = 90.0
"""From here on a full turn is none."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batch:
    """Some projections, or rows of them."""

    frames: list[NDArray[Any]]
    """Each (n_rows, n_x), counts."""
    index: NDArray[np.intp]
    """(n_frames,), places in `RecordedScan.frames`."""


class ScanFile:
    """A Data Exchange file that is open, with what it lacks.

    Parameters
    ----------
    path
        The file.
    scan_range
        360 for half-acquisition.
    projections
        First and last + 1 of those to use; None: all.

    Raises
    ------
    ConfigurationError
        It cannot be opened, or does not have what was asked for.
    SourceError
        It cannot be used.
    """

    def __init__(
        self,
        path: Path,
        *,
        scan_range: ScanRange = 180,
        projections: tuple[int, int] | None = None,
    ) -> None:
        self._reader = DxFileReader(path)
        try:
            self.path = path
            self.scan_range: ScanRange = scan_range
            first, last = self._projections(projections)
            self._first = first
            self.theta_deg = self._angles()[first:last]
            """(n_theta,), of the projections asked for, as the file has them."""
            self.scan = self._recorded()
            """Of the projections asked for, counted from the first of them."""
            self.dark = self._reader.mean_field(FrameKind.DARK)
            """(n_z, n_x), counts; None where the file has none."""
            self.flat = self._reader.mean_field(FrameKind.FLAT)
            """(n_z, n_x), counts; dark + 1 where the file has none."""
            self.has_flat = self.flat is not None
            """Whether the file has any."""
            if self.flat is None and self.dark is not None:
                # What is constant the ramp takes away: only what is uneven stays.
                self.flat = self.dark + np.float32(1)
        except BaseException:
            self._reader.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._reader.close()

    @property
    def n_z(self) -> int:
        """Detector rows."""
        return self._reader.shape[1]

    @property
    def n_x(self) -> int:
        """Detector columns."""
        return self._reader.shape[2]

    @property
    def row_bytes(self) -> int:
        """Bytes of a row of one projection."""
        return self.n_x * self._reader.dtype.itemsize

    @property
    def notes(self) -> list[str]:
        """What a reader of the slices should know."""
        notes: list[str] = []
        if not self.has_flat:
            notes.append(
                "the file has no flat fields: what is uneven in the beam and in the "
                "camera is in the slices"
            )
        if self.dark is None:
            notes.append(
                "the file has no dark fields: the camera's offset is taken for light"
            )
        gap, typical = self.scan.widest_gap_deg, self.scan.typical_gap_deg
        if gap > max(_GAP_DEG, 3 * typical):
            notes.append(
                f"no projections in {gap:.1f} of {self.scan_range} degrees: edges in "
                "those directions are missing"
            )
        return notes

    def batches(
        self, rows: slice, used: NDArray[np.bool_] | None = None
    ) -> Iterator[Batch]:
        """Read the projections of the scan, some at a time.

        Parameters
        ----------
        rows
            Detector rows to read.
        used
            (n_used,), which of `RecordedScan.frames` to read; None: all.
        """
        places = np.arange(len(self.scan.frames))
        if used is not None:
            places = places[used]
        n_rows = len(range(*rows.indices(self.n_z)))
        frame_bytes = n_rows * self.row_bytes
        at_once = max(_READ_BYTES // max(frame_bytes, 1), 1)
        for start in range(0, len(places), at_once):
            index = places[start : start + at_once]
            yield Batch(frames=self._read(self.scan.frames[index], rows), index=index)

    def all_frames(self, rows: slice) -> list[NDArray[Any]]:
        """Read rows of all projections asked for, one for each of `theta_deg`."""
        return self._read(np.arange(len(self.theta_deg)), rows)

    def _read(self, frames: NDArray[np.intp], rows: slice) -> list[NDArray[Any]]:
        found: list[NDArray[Any]] = []
        # Neighbours in one go: frames in between that are not used are few or far.
        for run in np.split(frames, np.flatnonzero(np.diff(frames) != 1) + 1):
            first = self._first + int(run[0])
            pixels = self._reader.projections(first, first + len(run), rows)
            # Read-only: nobody needs a copy of their own.
            pixels.flags.writeable = False
            found += list(pixels)
        return found

    def _projections(self, wanted: tuple[int, int] | None) -> tuple[int, int]:
        count = self._reader.shape[0]
        if wanted is None:
            return 0, count
        first, last = wanted
        if not 0 <= first < last <= count:
            raise ConfigurationError(
                f"{self._reader.path}: projections {first}:{last}: expected a part of "
                f"0:{count}"
            )
        return first, last

    def _angles(self) -> F64:
        theta_deg = self._reader.theta_deg
        if theta_deg is None:
            raise SourceError(
                f"{self.path}: /exchange/theta: there is none, and without angles "
                "nothing can be reconstructed"
            )
        return theta_deg

    def _recorded(self) -> RecordedScan:
        where = f"{self.path}: /exchange/theta"
        try:
            scan = recorded_scan(self.theta_deg, self.scan_range)
        except MalformedTableError as exc:
            raise SourceError(f"{where}: {exc}") from exc
        if self.scan_range == 360 and scan.widest_gap_deg > _MISSING_DEG:
            raise ConfigurationError(
                f"{where}: half-acquisition needs a full turn, "
                f"{scan.widest_gap_deg:.0f} degrees of it are missing"
            )
        return scan
