"""The published algorithm with its optional steps: zingers and phase retrieval.

The frozen program of `published` is left as it is and gets transmission images instead
of counts. Like all of its processing the steps are done twice for a batch of K frames:
for those replaced and for those that take their places.

As published, frame by frame, in float32: flat field; a median filter of each frame and
the pixels that differ too much from it; phase by complex FFTs of the frame, continued
by its edge values to twice its size. Ported as it would be on a CPU: scipy's median
filter and FFT, on as many threads as the rest, and large arrays allocated once. The
window is that of the true radius, as ours is; the published program took a window of
as many pixels as the radius.

References
----------
Paganin et al., J. Microscopy 206 (2002) 33, doi:10.1046/j.1365-2818.2002.01010.x.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from tomostream.bench.published import PublishedAlgorithm
from tomostream.bench.scene import Batch
from tomostream.core.geometry import Geometry, Planes
from tomostream.core.slices import F32
from tomostream.core.steps import PhaseRetrieval, Steps
from tomostream.runtime.spread import spread

STEP_STAGES = ("flat field", "zinger", "phase")


class PublishedWithSteps(PublishedAlgorithm):
    """A `Program`: the published algorithm on transmission images.

    Of the steps it knows `zinger_radius`, `zinger_threshold` and `phase`. Owned by one
    thread.

    Raises
    ------
    BackendUnavailableError
        scipy is not installed.
    """

    def __init__(
        self,
        geometry: Geometry,
        planes: Planes,
        *,
        center: float,
        threads: int,
        isa: str,
        steps: Steps,
    ) -> None:
        super().__init__(geometry, planes, center=center, threads=threads, isa=isa)
        shape = geometry.frame_shape
        self._steps = steps
        self._offset: F32 = np.zeros(shape, np.float32)
        self._light: F32 = np.ones(shape, np.float32)
        self._shown: F32 = np.empty((0, *shape), np.float32)
        self._padded = np.empty((0, 0, 0), np.complex64)
        self._step_s: dict[str, float] = dict.fromkeys(STEP_STAGES, 0.0)
        self._response = (
            paganin_response((2 * shape[0], 2 * shape[1]), steps.phase)
            if steps.phase
            else None
        )

    def set_fields(self, dark: F32, flat: F32) -> None:
        """Take the averaged fields, (n_z, n_x), counts; they hold for all frames."""
        self._offset, self._light = dark, np.maximum(flat - dark, np.float32(1e-6))

    def stages_ms(self, batches: Sequence[Batch]) -> dict[str, float]:
        """Add batches and give the time for a projection in each stage."""
        self._step_s = dict.fromkeys(STEP_STAGES, 0.0)
        stages = super().stages_ms(batches)
        count = sum(len(batch.frames) for batch in batches)
        steps = {name: 1e3 * time_s / count for name, time_s in self._step_s.items()}
        return {name: ms for name, ms in steps.items() if ms} | stages

    def _reconstructed(self, frames: NDArray[np.generic], cos_sin: F32) -> F32:
        if len(self._shown) < len(frames):
            self._shown = np.empty((len(frames), *self._light.shape), np.float32)
        shown = self._shown[: len(frames)]
        with self._timed_step("flat field"):
            self._flat_field(frames, shown)
        if self._steps.zinger_radius:
            with self._timed_step("zinger"):
                self._remove_zingers(shown)
        if self._response is not None:
            with self._timed_step("phase"):
                self._retrieve_phase(shown, self._response)
        return super()._reconstructed(shown, cos_sin)

    @contextmanager
    def _timed_step(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self._step_s[stage] += time.perf_counter() - start

    def _flat_field(self, frames: NDArray[np.generic], shown: F32) -> None:
        def correct(index: int) -> None:
            np.subtract(frames[index], self._offset, out=shown[index])
            shown[index] /= self._light

        spread(correct, len(shown), threads=self._threads)

    def _remove_zingers(self, shown: F32) -> None:
        from scipy.ndimage import median_filter

        width = 2 * self._steps.zinger_radius + 1
        threshold = np.float32(self._steps.zinger_threshold)

        def mend(index: int) -> None:
            frame = shown[index]
            median = median_filter(frame, size=width, mode="nearest")
            is_zinger = np.abs(frame - median) > threshold * median
            frame[is_zinger] = median[is_zinger]

        spread(mend, len(shown), threads=self._threads)

    def _retrieve_phase(self, shown: F32, response: F32) -> None:
        shape = (len(shown), *response.shape)
        if len(self._padded) < len(shown):
            self._padded = np.empty(shape, np.complex64)
        padded = self._padded[: len(shown)]
        n_z, n_x = shown.shape[1:]
        top, left = n_z // 2, n_x // 2

        def pad(index: int) -> None:
            image = padded[index]
            image[top : top + n_z, left : left + n_x] = shown[index]
            rows = image[top : top + n_z]
            rows[:, :left] = rows[:, left : left + 1]
            rows[:, left + n_x :] = rows[:, left + n_x - 1 : left + n_x]
            image[:top] = image[top]
            image[top + n_z :] = image[top + n_z - 1]

        axes, workers = (1, 2), self._threads
        spread(pad, len(shown), threads=workers)
        spectrum = self._fft.fft2(padded, axes=axes, workers=workers, overwrite_x=True)

        def weigh(index: int) -> None:
            spectrum[index] *= response

        spread(weigh, len(shown), threads=workers)
        image = self._fft.ifft2(spectrum, axes=axes, workers=workers, overwrite_x=True)
        shown[:] = image[:, top : top + n_z, left : left + n_x].real


def paganin_response(shape: tuple[int, int], phase: PhaseRetrieval) -> F32:
    """Give what the spectrum of an image of that shape is multiplied by."""
    rows, columns = (2 * np.pi * np.fft.fftfreq(n) for n in shape)
    squared = rows[:, None] ** 2 + columns**2
    return (1.0 / (1.0 + phase.strength_px2 * squared)).astype(np.float32)
