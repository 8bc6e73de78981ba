"""Reconstruct a recorded scan by the streaming engine, block by block."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tomostream.app.air import AirLight
from tomostream.app.blocks import Block, blocks_of, margin_of, rows_in
from tomostream.app.scan_file import ScanFile
from tomostream.core.errors import SourceError
from tomostream.core.geometry import Geometry, Planes, output_pad, output_width
from tomostream.core.health import UNUSABLE, RejectReason
from tomostream.core.parameters import ReconParameters
from tomostream.core.slices import F32, Slices
from tomostream.core.steps import FlatScale, RingRemoval
from tomostream.recon.engine import Engine

Tick = Callable[[float], None]
"""Told the share of the work that is done, 0 to 1; may raise to end it."""
Take = Callable[[int, F32], None]
"""Takes a detector row and slices (n_rows, n_out y, n_out x) from that row on."""

_PLANE_BYTES = 32 << 20
_LOAD_COST = 12.0
"""Time to load a projection, in that to backproject one onto one plane."""


class FileReconstruction:
    """Slices or the volume of a recorded scan.

    The engine's ring holds all projections of some detector rows at a time.

    Parameters
    ----------
    scan
        The file.
    parameters
        As the operator sets them for the stream.
    engine
        Keeps no raw frames.
    rows
        First and last + 1 of the detector rows to reconstruct.
    memory_bytes
        For the ring, the slices and what is on its way.
    tick
        Told how it goes.
    """

    def __init__(
        self,
        scan: ScanFile,
        parameters: ReconParameters,
        *,
        engine: Engine,
        rows: tuple[int, int],
        memory_bytes: int,
        tick: Tick = lambda _: None,
    ) -> None:
        self._scan = scan
        self._parameters = parameters
        self._engine = engine
        self._rows = rows
        self._memory_bytes = memory_bytes
        self._tick = tick
        self._done = self._work = 0.0
        self._air = AirLight.named_by(parameters.steps, scan)
        self.n_out = output_width(scan.n_x, parameters.center, scan.scan_range)
        """Width of the slices, pixels."""
        self.left_out = 0
        """Projections left out of some rows at least."""
        self._reasons: set[RejectReason] = set()
        self.pixels_repaired = 0
        """Pixels interpolated in all projections."""

    @property
    def why_left_out(self) -> str:
        """Why projections were left out; empty where none was."""
        return "; ".join(UNUSABLE.get(r, str(r)) for r in sorted(self._reasons))

    @property
    def shape(self) -> tuple[int, int, int]:
        """(n_rows, n_out y, n_out x) of the volume."""
        first, last = self._rows
        return last - first, self.n_out, self.n_out

    def volume(self, take: Take) -> None:
        """Reconstruct the volume, from the first detector row to the last.

        Raises
        ------
        SourceError
            The file cannot be read, or no projection can be used.
        ReconstructionError
            There is too little memory.
        """
        # In the ring, in the volume, and in a piece of it that is turned.
        per_row = self._ring_row_bytes() + 4 * self.n_out**2
        blocks = self._blocks(rows_in(self._budget(), per_row))
        n_frames = len(self._scan.scan.frames)
        self._begin(blocks, per_block=float(n_frames * self.n_out))
        buffer = np.empty((max(b.n_rows for b in blocks), *self.shape[1:]), np.float32)
        for block in blocks:
            self._load(block)
            slices = buffer[: block.n_rows]
            for first, planes in self._planes(block):
                # (y, z, x) -> (z, y, x)
                slices[:, first : first + len(planes)] = planes.swapaxes(0, 1)
                self._advance(n_frames * len(planes))
            take(block.first, slices)

    def slices(self, planes: Planes) -> Slices:
        """Reconstruct three slices.

        Parameters
        ----------
        planes
            Inside the volume; z counts detector rows.

        Raises
        ------
        SourceError, ReconstructionError
            As for `volume`.
        """
        n_rows, n_out, _ = self.shape
        found = Slices(
            z=np.zeros((n_out, n_out), np.float32),
            y=np.empty((n_rows, n_out), np.float32),
            x=np.empty((n_rows, n_out), np.float32),
        )
        blocks = self._blocks(rows_in(self._budget(), self._ring_row_bytes()))
        self._begin(blocks, per_block=0.0)
        for block in blocks:
            inner = np.clip(planes.z, block.first, block.last - 1) - block.top
            self._load(block, replace(planes, z=int(inner)))
            part = self._engine.slices()
            there = slice(block.first - self._rows[0], block.last - self._rows[0])
            found.y[there] = part.y[block.inner]
            found.x[there] = part.x[block.inner]
            if block.first <= planes.z < block.last:
                found.z[:] = part.z
        return found

    def _budget(self) -> int:
        return max(self._memory_bytes - 2 * _PLANE_BYTES, 0)

    def _ring_row_bytes(self) -> int:
        # Four bytes, also where the ring holds halves: accumulators and a batch of
        # frames come on top.
        return 4 * self._geometry(1).n_ring * len(self._scan.scan.frames)

    def _blocks(self, limit: int) -> list[Block]:
        first, last = self._rows
        margin = margin_of(self._parameters.steps)
        return blocks_of(first, last, n_z=self._scan.n_z, margin=margin, limit=limit)

    def _geometry(self, n_z: int) -> Geometry:
        scan, center = self._scan, self._parameters.center
        return Geometry(
            n_z=n_z, n_x=scan.n_x, n_slots=len(scan.scan.frames), n_out=self.n_out,
            scan_range=scan.scan_range,
            pad_x=output_pad(scan.n_x, center, scan.scan_range),
        )  # fmt: skip

    def _planes(self, block: Block) -> Iterator[tuple[int, F32]]:
        """Give planes normal to y, some at a time: (n_planes, n_rows, n_out)."""
        n_read = block.bottom - block.top
        at_once = max(_PLANE_BYTES // (4 * n_read * self.n_out), 1)
        for first in range(0, self.n_out, at_once):
            count = min(at_once, self.n_out - first)
            yield first, self._engine.rows(first, count)[:, block.inner]

    def _load(self, block: Block, planes: Planes | None = None) -> None:
        """Fill the ring with a block's projections."""
        used = np.ones(len(self._scan.scan.frames), bool)
        self._configure(block, used, planes)
        refused, repaired = self._add_all(block, used)
        self.pixels_repaired += repaired
        if refused.any():
            self.left_out = max(self.left_out, int(refused.sum()))
            used &= ~refused
            if not used.any():
                raise SourceError(
                    f"{self._scan.path}: no projection can be used: {self.why_left_out}"
                )
        if self._parameters.steps.ring_removal is RingRemoval.NONE:
            return
        if refused.any():
            # The correction is made of the mean of as many projections as there are
            # slots, so there must not be slots that nobody fills.
            self._configure(block, used, planes)
            self._add_all(block, used)
        self._add_all(block, used)

    def _configure(
        self, block: Block, used: NDArray[np.bool_], planes: Planes | None
    ) -> None:
        geometry = replace(
            self._geometry(block.bottom - block.top), n_slots=int(used.sum())
        )
        parameters = replace(
            self._parameters, planes=planes or Planes.middle(geometry), oblique=None
        )
        if self._air is not None:
            # The region is in one block at most: `AirLight` looks at it in the file.
            steps = replace(parameters.steps, flat_scale=FlatScale.NONE, region=None)
            parameters = replace(parameters, steps=steps)
        self._engine.configure(geometry, parameters)
        dark, flat = self._scan.dark, self._scan.flat
        self._engine.set_fields(
            None if dark is None else dark[block.rows],
            None if flat is None else flat[block.rows],
        )

    def _add_all(
        self, block: Block, used: NDArray[np.bool_]
    ) -> tuple[NDArray[np.bool_], int]:
        """Put the projections in use into the ring.

        Tell which it refuses, and how many pixels it has interpolated.
        """
        angles, slots = self._scan.scan.angles_deg, np.cumsum(used) - 1
        refused, repaired = np.zeros(len(used), bool), 0
        for batch in self._scan.batches(block.rows, used):
            frames = batch.frames
            if self._air is not None:
                frames = self._air.scaled(batch, block.rows)
            report = self._engine.add(frames, angles[batch.index], slots[batch.index])
            refused[batch.index] = ~report.accepted
            self._reasons.update(filter(None, report.reasons))
            repaired += report.pixels_repaired
            self._advance(_LOAD_COST * len(frames))
        return refused, repaired

    def _begin(self, blocks: list[Block], *, per_block: float) -> None:
        rings = self._parameters.steps.ring_removal is not RingRemoval.NONE
        passes = 2 if rings else 1
        loads = passes * _LOAD_COST * len(self._scan.scan.frames)
        self._done, self._work = 0.0, len(blocks) * (loads + per_block)

    def _advance(self, work: float) -> None:
        self._done += work
        self._tick(min(self._done / self._work, 1.0))
