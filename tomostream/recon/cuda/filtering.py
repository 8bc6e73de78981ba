"""The FBP filter on a device: line integrals in, filtered projections in the ring."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tomostream.recon.cuda.device import Device, DeviceArray
from tomostream.recon.cuda.pixels import Pixels
from tomostream.recon.cuda.shared import Shared
from tomostream.recon.cuda.source import BLOCK, POLES, SEGMENT, TAPS
from tomostream.recon.filter_form import RecursiveFilter, SpectralFilter

RING_GAIN = 1024.0
"""Filtered projections are stored times this power of two, so that faint ones do not
become subnormal halves."""


@dataclass(slots=True, kw_only=True)
class LineSettings:
    """What line integrals are made with, on the device. Owned by its worker."""

    fields: DeviceArray
    """(places, 2, rows seen, n_x), see `Row` of load.cu."""
    steps: DeviceArray
    """(3,): floor, hardening."""
    weight: DeviceArray
    """(n_x,), of half-acquisition."""
    correction: DeviceArray
    """(rows, n_x), of rings."""
    top: int
    """Rows seen above the first own one."""


class Filtering:
    """Loads and filters batches of projections."""

    def __init__(self, shared: Shared) -> None:
        device = self._device = shared.device
        geometry = self._geometry = shared.geometry
        self._slab, self._batch = shared.slab, shared.plan.batch
        self._ring, self._work, self._kind = shared.ring, shared.work, shared.kind
        self._segments = -(-geometry.n_ring // SEGMENT)
        self._states: DeviceArray = device.empty((1,), np.float32)
        self._filter: DeviceArray = device.empty((4 * POLES + TAPS,), np.float32)
        self._tail: DeviceArray = device.empty((geometry.n_ring,), np.float32)
        self._spectral: _Transform | None = None
        self._is_odd = False

    @property
    def nbytes(self) -> int:
        """Bytes on the device beside the work buffers."""
        own = self._states.nbytes + self._filter.nbytes + self._tail.nbytes
        return own + (self._spectral.nbytes if self._spectral else 0)

    def set(self, realised: RecursiveFilter | SpectralFilter) -> None:
        """Filter later batches like this."""
        device = self._device
        device.synchronize()
        self._spectral = None
        if isinstance(realised, RecursiveFilter):
            self._is_odd = realised.odd
            device.put(self._filter, recursive_table(realised))
            shape = (self._batch, self._segments, self._n_states, self._slab.pitch)
            if self._states.shape != shape:
                self._states = device.empty(shape, np.float32)
            return
        self._states = device.empty((1,), np.float32)
        device.put(self._tail, (realised.tail * RING_GAIN).astype(np.float32))
        self._spectral = _Transform(device, realised, self._slab.rows)

    @property
    def _n_states(self) -> int:
        return POLES * (4 if self._is_odd else 2)

    def run(self, pixels: Pixels, settings: LineSettings, places: list[int]) -> None:
        """Filter frames into places of the ring; the frames' table names them too."""
        if self._spectral is None:
            self._run_recursive(pixels, settings)
            return
        for k, place in enumerate(places):
            one = Pixels(data=pixels.data, table=pixels.table[k : k + 1])
            self._run_spectral(one, settings, place, self._spectral)

    def _run_recursive(self, pixels: Pixels, settings: LineSettings) -> None:
        device, slab, g = self._device, self._slab, self._geometry
        lines, partial = self._work
        pitch, rows, n_ring = map(np.int32, (slab.pitch, slab.rows, g.n_ring))
        projection = np.int64(g.n_ring * slab.pitch)
        segments, states = np.int32(self._segments), np.int32(self._n_states)
        kernel = "load_and_sum_odd" if self._is_odd else "load_and_sum"
        strides = (projection, np.int64(slab.pitch), np.int64(1))
        self._load(kernel, pixels, settings, lines, strides)
        device.launch("join_segments", (slab.rows, self._n_states, pixels.count), (
            self._states, lines, projection, self._filter, segments, states, rows,
            n_ring, pitch,
        ))  # fmt: skip
        kernel = f"filter_odd_{self._kind}" if self._is_odd else f"filter_{self._kind}"
        device.launch(kernel, (slab.rows, self._segments, pixels.count), (
            lines, partial, self._states, self._filter, pixels.table, self._ring,
            segments, states, rows, n_ring, pitch,
        ))  # fmt: skip

    def _run_spectral(
        self, pixels: Pixels, settings: LineSettings, place: int, fft: "_Transform"
    ) -> None:
        device, slab, g = self._device, self._slab, self._geometry
        strides = (np.int64(0), np.int64(1), np.int64(fft.size))
        self._load("load_lines", pixels, settings, fft.padded, strides)
        fft.run()
        blocks = -(-g.n_ring // BLOCK)
        device.launch(f"keep_{self._kind}", (slab.rows, blocks, 1), (
            fft.filtered, fft.padded, self._tail, self._ring, np.int64(place),
            np.int32(fft.size), np.int32(slab.rows), np.int32(g.n_ring),
            np.int32(slab.pitch),
        ))  # fmt: skip

    def _load(
        self, kernel: str, pixels: Pixels, settings: LineSettings, lines: DeviceArray,
        strides: tuple[np.int64, np.int64, np.int64],
    ) -> None:  # fmt: skip
        g, slab = self._geometry, self._slab
        size = (slab.rows, self._segments, pixels.count)
        numbers = (
            self._n_states, slab.rows, settings.top, pixels.data.shape[1], g.n_x,
            g.pad_x, g.n_ring, slab.pitch,
        )  # fmt: skip
        self._device.launch(kernel, size, (
            *pixels.arguments(settings.fields), settings.steps, settings.weight,
            settings.correction, lines, *strides, self._states, self._filter,
            *map(np.int32, numbers),
        ))  # fmt: skip


class _Transform:
    """The convolution of one projection's rows by FFT."""

    def __init__(self, device: Device, realised: SpectralFilter, rows: int) -> None:
        self._device = device
        response = (realised.response * RING_GAIN).astype(np.float32)
        self.size = 2 * (response.size - 1)
        self.padded = device.empty((rows, self.size), np.float32)
        """(rows, size); beyond the ring's columns zeros."""
        self.filtered = device.empty((rows, self.size), np.float32)
        self._spectrum = device.empty((rows, response.size), np.complex64)
        self._response = device.empty(response.shape, np.float32)
        device.put(self._response, response)
        device.clear(self.padded)

    @property
    def nbytes(self) -> int:
        arrays = (self.padded, self.filtered, self._spectrum, self._response)
        return sum(array.nbytes for array in arrays)

    def run(self) -> None:
        """Fill ``filtered`` from ``padded``."""
        device, count = self._device, self._spectrum.size
        device.rfft(self._spectrum, self.padded, axes=1)
        device.launch("scale_spectrum", (count, 1, 1), (
            self._spectrum, self._response, np.int64(count),
            np.int64(self._response.size),
        ))  # fmt: skip
        device.irfft(self.filtered, self._spectrum, axes=1)


def recursive_table(f: RecursiveFilter) -> NDArray[np.float32]:
    """Give a filter as the struct Filter of load.cu: poles, weights, powers, ..."""
    pole = np.zeros(POLES)
    weight = np.zeros(POLES)
    tap = np.zeros(TAPS)
    pole[: len(f.poles)], weight[: len(f.weights)] = f.poles, f.weights
    tap[: len(f.taps)] = f.taps
    steps = SEGMENT
    if f.odd:
        pole, steps = pole**2, SEGMENT // 2
    parts = (pole, weight * RING_GAIN, pole**steps, 1 / (1 - pole), tap * RING_GAIN)
    return np.concatenate(parts).astype(np.float32)
