"""The published streaming algorithm, frozen: what our engine is timed against.

The raw frames of half a turn stay in host memory. For a batch of K frames the slices of
the K frames that they replace are computed and subtracted, then those of the K new ones
are computed and added: flat field, -log, filter by FFT of all rows (float32, rows not
padded, as published), backprojection into three slices. Any change of a parameter, were
it one plane by one pixel, processes the whole buffer again.

This is an optimised port for CPUs: loops are compiled for the instruction set that
our engine uses and run on as many threads, -log is our engine's vectorised one, the
FFTs are scipy's on as many workers, large arrays are allocated once. Do not change it:
the ratios of all versions of tomostream are taken against this module.

References
----------
Nikitin et al., Real-time streaming tomographic reconstruction with on-demand data
capturing and 3D zooming to regions of interest, J. Synchrotron Rad. 29 (2022) 816,
doi:10.1107/S1600577522003095.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from tomostream.bench.scene import Batch
from tomostream.core.errors import BackendUnavailableError
from tomostream.core.geometry import Geometry, Planes
from tomostream.core.slices import F32
from tomostream.recon.cpu._core import Published

STAGES: tuple[str, ...] = ("copy", "minus_log", "filter", "backproject")

_CHUNK = 16
"""Frames processed at once when the whole buffer is; about what fits in cache."""


class PublishedAlgorithm:
    """A `Program`: three slices from a buffer of raw frames. Owned by one thread.

    The fields must be set before the first frame. The slots of one batch must differ
    from each other (the published program counts a repeated one twice).

    Raises
    ------
    BackendUnavailableError
        scipy is not installed.
    """

    name = "published algorithm"

    def __init__(
        self,
        geometry: Geometry,
        planes: Planes,
        *,
        center: float,
        threads: int,
        isa: str,
    ) -> None:
        self._fft = _scipy_fft()
        self._geometry, self._planes, self._center = geometry, planes, center
        self._threads = threads
        self._loops = Published(isa, threads)
        self._raw: NDArray[np.generic] | None = None
        self._cos_sin = np.zeros((geometry.n_slots, 2), np.float32)
        self._is_filled = np.zeros(geometry.n_slots, bool)
        self._dark = np.zeros(geometry.frame_shape, np.float32)
        self._flat = np.ones(geometry.frame_shape, np.float32)
        # |f| at the row's own frequencies: cyclic, and zero at f = 0.
        self._ramp = np.fft.rfftfreq(geometry.n_x).astype(np.float32)
        self._lines = np.empty((0, *geometry.frame_shape), np.float32)
        self._part: F32 = np.zeros(geometry.packed_shape, np.float32)
        self._packed: F32 = np.zeros(geometry.packed_shape, np.float32)
        self._stage_s: dict[str, float] = dict.fromkeys(STAGES, 0.0)

    def set_fields(self, dark: F32, flat: F32) -> None:
        """Take the averaged fields, (n_z, n_x), counts; they hold for all frames."""
        self._dark, self._flat = dark, flat

    def add(self, batch: Batch) -> F32:
        """Put a batch of frames into their slots; give the slices like `slices`."""
        slots = batch.slots
        if self._raw is None:
            shape = (self._geometry.n_slots, *self._geometry.frame_shape)
            self._raw = np.zeros(shape, batch.frames.dtype)
        old = slots[self._is_filled[slots]]
        if len(old):
            with self._timed("copy"):
                replaced = self._raw[old]
            self._packed -= self._reconstructed(replaced, self._cos_sin[old])
        with self._timed("copy"):
            self._raw[slots] = batch.frames
        theta = np.deg2rad(batch.theta_deg)
        self._cos_sin[slots] = np.stack([np.cos(theta), np.sin(theta)], axis=1)
        self._is_filled[slots] = True
        self._packed += self._reconstructed(batch.frames, self._cos_sin[slots])
        return self._packed

    def slices(self) -> F32:
        """Give Z | Y | X, 1/pixel; the next call changes the array."""
        return self._packed

    def move(self, planes: Planes) -> None:
        """Show other planes: the whole buffer is processed again."""
        self._planes = planes
        self._packed.fill(0.0)
        filled = np.flatnonzero(self._is_filled)
        for first in range(0, len(filled), _CHUNK):
            slots = filled[first : first + _CHUNK]
            if self._raw is not None:
                self._packed += self._reconstructed(
                    self._raw[slots], self._cos_sin[slots]
                )

    def stages_ms(self, batches: Sequence[Batch]) -> dict[str, float]:
        """Add batches and give the time for a projection in each stage."""
        self._stage_s = dict.fromkeys(STAGES, 0.0)
        for batch in batches:
            self.add(batch)
        count = sum(len(batch.frames) for batch in batches)
        return {stage: 1e3 * time_s / count for stage, time_s in self._stage_s.items()}

    def _reconstructed(self, frames: NDArray[np.generic], cos_sin: F32) -> F32:
        """Give the part of the packed slices that comes from some frames."""
        count, planes = len(frames), self._planes
        if len(self._lines) < count:
            self._lines = np.empty((count, *self._geometry.frame_shape), np.float32)
        lines = self._lines[:count]
        with self._timed("minus_log"):
            self._loops.minus_log(frames, self._dark, self._flat, lines)
        with self._timed("filter"):
            spectrum = self._fft.rfft(lines, axis=-1, workers=self._threads)
            spectrum *= self._ramp
            filtered = self._fft.irfft(
                spectrum,
                self._geometry.n_x,
                axis=-1,
                workers=self._threads,
                overwrite_x=True,
            )
        with self._timed("backproject"):
            self._part.fill(0.0)
            self._loops.backproject(
                filtered,
                cos_sin,
                self._part,
                self._center,
                (planes.x, planes.y, planes.z),
            )
            self._part *= np.float32(np.pi / self._geometry.n_slots)
        return self._part

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self._stage_s[stage] += time.perf_counter() - start


def _scipy_fft() -> ModuleType:
    try:
        import scipy.fft
    except ImportError as exc:
        raise BackendUnavailableError(
            "the published algorithm needs scipy: pip install 'tomostream[bench]'"
        ) from exc
    return scipy.fft
