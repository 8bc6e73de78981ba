"""Flats of another exposure: what the region that sees nothing but air says."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tomostream.app.scan_file import Batch, ScanFile
from tomostream.core.slices import F32
from tomostream.core.steps import FlatScale, Region, Steps


class AirLight:
    """Bring the mean transmission of a region to 1, in rows that lack the region too.

    The engine does the same where it sees whole frames. The region is read once.
    """

    def __init__(self, scan: ScanFile, region: Region) -> None:
        self._scan = scan
        self._region = region
        self._light: F32 | None = None

    @classmethod
    def named_by(cls, steps: Steps, scan: ScanFile) -> Self | None:
        """Give it where the steps name a region of the frames."""
        if steps.flat_scale is not FlatScale.REGION or steps.region is None:
            return None
        region = steps.region.clipped(scan.n_z, scan.n_x)
        return None if region is None else cls(scan, region)

    def scaled(self, batch: Batch, rows: slice) -> list[NDArray[Any]]:
        """Give a batch's frames as they were, had the light been that of the flat."""
        if self._light is None:
            self._light = self._measured()
        dark = np.float32(0) if self._scan.dark is None else self._scan.dark[rows]
        scaled: list[NDArray[Any]] = []
        for frame, light in zip(batch.frames, self._light[batch.index], strict=True):
            pixels = dark + (frame.astype(np.float32) - dark) / light
            pixels.flags.writeable = False
            scaled.append(pixels)
        return scaled

    def _measured(self) -> F32:
        """Give the mean transmission of the region in each projection, (n_used,)."""
        region = self._region
        rows = slice(region.y, region.y + region.height)
        columns = slice(region.x, region.x + region.width)
        low, high = np.zeros((2, region.height, region.width))
        high += 1.0
        if self._scan.dark is not None:
            low += self._scan.dark[rows, columns]
        if self._scan.flat is not None:
            high[:] = self._scan.flat[rows, columns]
        alive = high > low
        light = np.ones(len(self._scan.scan.frames), np.float32)
        for batch in self._scan.batches(rows):
            for k, frame in zip(batch.index, batch.frames, strict=True):
                shown = (frame[:, columns] - low)[alive] / (high - low)[alive]
                shown = shown[np.isfinite(shown)]
                if shown.size and shown.mean() > 0:
                    light[k] = shown.mean()
        return light
