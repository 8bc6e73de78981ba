"""A GPU, driven by CuPy."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import cupy
import cupyx.scipy.fft
import numpy as np
from numpy.typing import NDArray

from tomostream.core.errors import (
    BackendUnavailableError,
    NotEnoughMemoryError,
    ReconstructionError,
)
from tomostream.recon.cuda.device import Argument, DeviceArray, Event, Shape
from tomostream.recon.cuda.pinned import PinnedBlocks
from tomostream.recon.cuda.source import OPTIONS, THREADS, kernel_names, source

_OLDEST = 75
"""Compute capability, times ten, from which on the kernels are tested."""
_TRIED = 256


class CupyDevice:
    """One GPU; compiles the kernels when it is made, or takes them from CuPy's cache.

    Raises
    ------
    BackendUnavailableError
        The GPU is too old, or a kernel does not do what it should.
    """

    def __init__(self, index: int) -> None:
        self._device = cupy.cuda.Device(index)
        self._pinned = _pinned_blocks()
        with _translated(BackendUnavailableError), self._device:
            capability = self._device.compute_capability
            properties = cupy.cuda.runtime.getDeviceProperties(index)
            name = properties["name"]
            self.name = name.decode() if isinstance(name, bytes) else str(name)
            self.isa = f"sm_{capability}"
            if int(capability) < _OLDEST:
                raise BackendUnavailableError(
                    f"{self.name}: expected compute capability 7.5 or newer, "
                    f"got {int(capability) / 10}"
                )
            # They do not wait for the default stream, which others may use.
            self._upload, self._compute, self._download = (
                cupy.cuda.Stream(non_blocking=True) for _ in range(3)
            )
            module = cupy.RawModule(code=source(), options=OPTIONS)
            module.compile()
            self._kernels = {name: module.get_function(name) for name in kernel_names()}
            self._try()

    def _try(self) -> None:
        """Let one kernel work: nothing less is a proof."""
        there = self.empty((2, _TRIED), np.float32)
        numbers = np.arange(_TRIED, dtype=np.float32)
        self.put(there[0], numbers)
        self.launch("finish_plane", (_TRIED, 1, 1), (
            there[1], there[0], np.float32(0.5), np.int64(_TRIED)
        ))  # fmt: skip
        host = self.pinned(4 * _TRIED)
        self.wait(self.download(host, there[1]))
        if not np.array_equal(host.view(np.float32), numbers / 2):
            raise BackendUnavailableError(f"{self.name}: a kernel computes nonsense")

    def free_bytes(self) -> int:
        """Give the memory that can still be had."""
        with self._device:
            cupy.get_default_memory_pool().free_all_blocks()
            # Frames of another size will be kept now.
            self._pinned.free_spare()
            return int(self._device.mem_info[0])

    def empty(self, shape: Shape, dtype: type[np.generic]) -> DeviceArray:
        """Give memory of the device."""
        with _translated(ReconstructionError), self._device, self._compute:
            return cupy.empty(shape, dtype)

    def pinned(self, nbytes: int) -> NDArray[np.uint8]:
        """Give host memory that a stream can copy from and to by itself."""
        with _translated(ReconstructionError), self._device:
            return self._pinned.array(nbytes)

    def is_pinned(self, array: NDArray[Any]) -> bool:
        """Tell whether an array shows memory that streams copy from by themselves."""
        return self._pinned.holds(array)

    def put(self, target: DeviceArray, source: NDArray[Any]) -> None:
        """Copy from any host memory, after all that was started; wait until done."""
        staged = self.pinned(source.nbytes)
        staged[:] = np.ascontiguousarray(source).reshape(-1).view(np.uint8)
        with _translated(ReconstructionError), self._device:
            target.data.copy_from_host_async(
                staged.ctypes.data, staged.nbytes, self._compute
            )
            self._compute.synchronize()

    def upload(self, target: DeviceArray, source: NDArray[np.uint8]) -> Event:
        """Start a copy from pinned memory on the upload stream; give its end."""
        with _translated(ReconstructionError), self._device:
            target.data.copy_from_host_async(
                source.ctypes.data, source.nbytes, self._upload
            )
            return self._upload.record()

    def download(self, target: NDArray[np.uint8], source: DeviceArray) -> Event:
        """Start a copy of what has been computed to pinned memory; give its end."""
        with _translated(ReconstructionError), self._device:
            self._download.wait_event(self._compute.record())
            source.data.copy_to_host_async(
                target.ctypes.data, source.nbytes, self._download
            )
            return self._download.record()

    def clear(self, array: DeviceArray) -> None:
        """Fill with zeros, on the compute stream."""
        with _translated(ReconstructionError), self._device:
            array.data.memset_async(0, array.nbytes, self._compute)

    def launch(
        self, kernel: str, size: Sequence[int], args: Sequence[Argument]
    ) -> None:
        """Run a kernel for size (threads x, y, z) on the compute stream."""
        grid = (-(-size[0] // THREADS), size[1], size[2])
        with _translated(ReconstructionError), self._device, self._compute:
            self._kernels[kernel](grid, (THREADS, 1, 1), tuple(args))

    def rfft(self, spectrum: DeviceArray, rows: DeviceArray, *, axes: int) -> None:
        """Transform the last one or two axes, on the compute stream."""
        with _translated(ReconstructionError), self._device, self._compute:
            spectrum[...] = cupyx.scipy.fft.rfftn(rows, axes=tuple(range(-axes, 0)))

    def irfft(self, rows: DeviceArray, spectrum: DeviceArray, *, axes: int) -> None:
        """Transform back; the spectrum may be lost."""
        with _translated(ReconstructionError), self._device, self._compute:
            rows[...] = cupyx.scipy.fft.irfftn(
                spectrum, rows.shape[-axes:], axes=tuple(range(-axes, 0)),
                overwrite_x=True,
            )  # fmt: skip

    def mark(self) -> Event:
        """Give this moment of the compute stream."""
        with _translated(ReconstructionError), self._device:
            return self._compute.record()

    def compute_after(self, event: Event) -> None:
        """Let later computing wait for an event."""
        with _translated(ReconstructionError):
            self._compute.wait_event(event)

    def upload_after(self, event: Event) -> None:
        """Let later uploads wait for an event."""
        with _translated(ReconstructionError):
            self._upload.wait_event(event)

    def wait(self, event: Event) -> None:
        """Wait until an event has come."""
        with _translated(ReconstructionError):
            event.synchronize()

    def elapsed_ms(self, start: Event, end: Event) -> float:
        """Give the time between two moments of the compute stream."""
        with _translated(ReconstructionError):
            return float(cupy.cuda.get_elapsed_time(start, end))

    def synchronize(self) -> None:
        """Wait until all that was started is done."""
        with _translated(ReconstructionError), self._device:
            for stream in (self._upload, self._compute, self._download):
                stream.synchronize()


@cache
def _pinned_blocks() -> PinnedBlocks:
    """Give those of all devices: what one has pinned is pinned for the others."""
    return PinnedBlocks(cupy.cuda.PinnedMemory)


@contextmanager
def _translated(error: type[ReconstructionError]) -> Iterator[None]:
    """Let CuPy's exceptions leave as one of ours."""
    try:
        yield
    except ReconstructionError:
        raise
    except cupy.cuda.memory.OutOfMemoryError as exc:
        raise NotEnoughMemoryError(f"not enough device memory: {exc}") from exc
    except (
        cupy.cuda.runtime.CUDARuntimeError,
        cupy.cuda.driver.CUDADriverError,
        cupy.cuda.compiler.CompileException,
        # cuFFT's, and a library that cannot be loaded.
        RuntimeError,
        ImportError,
    ) as exc:
        raise error(f"CUDA: {exc}") from exc
