"""Steps that look at more than one row: zingers and phase, on whole images."""

import numpy as np
from numpy.typing import NDArray

from tomostream.core.steps import Steps
from tomostream.recon.cuda.device import DeviceArray
from tomostream.recon.cuda.pixels import Pixels
from tomostream.recon.cuda.plan import fast_length
from tomostream.recon.cuda.shared import Shared
from tomostream.recon.steps.phase import padding


class ImageSteps:
    """Makes transmission images without zingers, with their phase retrieved.

    They lie in the work buffers, which are free until line integrals are loaded.
    """

    def __init__(self, shared: Shared) -> None:
        self._device, self._n_x = shared.device, shared.geometry.n_x
        self._work = shared.work
        self._rows = self._radius = 0
        self._threshold = np.float32(0)
        self._response: DeviceArray = None
        self._padded: DeviceArray = None
        self._spectrum: DeviceArray = None

    @property
    def are_wanted(self) -> bool:
        """Whether there is anything to do."""
        return self._radius > 0 or self._response is not None

    @property
    def nbytes(self) -> int:
        """Bytes on the device."""
        arrays = (self._response, self._padded, self._spectrum)
        return sum(a.nbytes for a in arrays if a is not None)

    def set(self, steps: Steps, rows: int) -> None:
        """Process later images, of so many rows, like this."""
        self._rows, self._radius = rows, steps.zinger_radius
        self._threshold = np.float32(steps.zinger_threshold)
        self._device.synchronize()
        self._response = self._padded = self._spectrum = None
        if steps.phase is not None:
            self._plan_phase(steps.phase.strength_px2)

    def _plan_phase(self, strength_px2: float) -> None:
        height, width = (
            fast_length(size + 2 * padding(strength_px2, size))
            for size in (self._rows, self._n_x)
        )
        response = phase_response(strength_px2, (height, width))
        device = self._device
        self._response = device.empty(response.shape, np.float32)
        self._padded = device.empty((height, width), np.float32)
        self._spectrum = device.empty(response.shape, np.complex64)
        device.put(self._response, response)

    def made(self, pixels: Pixels, fields: DeviceArray) -> DeviceArray:
        """Give the images (count, rows seen, n_x)."""
        count, rows, n_x = pixels.count, self._rows, self._n_x
        before, after = (
            buffer[: count * rows * n_x].reshape(count, rows, n_x)
            for buffer in self._work
        )
        first = before if self._radius else after
        size = (n_x, rows, count)
        self._device.launch(
            "transmission", size,
            (*pixels.arguments(fields), first, np.int32(rows), np.int32(n_x)),
        )  # fmt: skip
        if self._radius:
            self._device.launch("replace_zingers", size, (
                before, after, np.int32(self._radius), self._threshold,
                np.int32(rows), np.int32(n_x),
            ))  # fmt: skip
        if self._response is not None:
            for image in after:
                self._retrieve_phase(image)
        return after

    def _retrieve_phase(self, image: DeviceArray) -> None:
        # Paganin et al., J. Microscopy 206 (2002) 33,
        # doi:10.1046/j.1365-2818.2002.01010.x
        device, rows, n_x = self._device, np.int32(self._rows), np.int32(self._n_x)
        height, width = self._padded.shape
        device.launch("pad_image", (width, height, 1), (
            image, self._padded, rows, n_x, np.int32(height), np.int32(width)
        ))  # fmt: skip
        device.rfft(self._spectrum, self._padded, axes=2)
        count = self._response.size
        device.launch("scale_spectrum", (count, 1, 1), (
            self._spectrum, self._response, np.int64(count), np.int64(count)
        ))  # fmt: skip
        device.irfft(self._padded, self._spectrum, axes=2)
        device.launch(
            "crop_image", (self._n_x, self._rows, 1),
            (self._padded, image, n_x, np.int32(width)),
        )  # fmt: skip


def phase_response(strength_px2: float, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Give ``1 / (1 + strength k^2)`` at the frequencies of a real transform."""
    k_z = 2 * np.pi * np.fft.fftfreq(shape[0])[:, np.newaxis]
    k_x = 2 * np.pi * np.fft.rfftfreq(shape[1])
    return (1 / (1 + strength_px2 * (k_z**2 + k_x**2))).astype(np.float32)
