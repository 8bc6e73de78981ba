"""CUDA's kernels and streams on the CPU, for tests of the CUDA backend without a GPU.

g++ compiles the very source that NVRTC compiles, behind `cuda_shim.h`. Streams are
as lazy as a GPU may be: nothing is done before somebody waits for it, so a wait or an
event that is missing in the backend gives wrong slices, every time.
"""

import ctypes
import subprocess
import tempfile
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tomostream.core.errors import NotEnoughMemoryError
from tomostream.recon.backend import RingDtype
from tomostream.recon.cuda.backend import CudaBackend
from tomostream.recon.cuda.device import Argument, DeviceArray, Shape, nbytes, owner
from tomostream.recon.cuda.source import THREADS, kernel_names, source
from tomostream.recon.engine import Engine

_GARBAGE = 0xA5
"""What new memory holds, byte by byte; as halves and floats small numbers."""


@cache
def compiled_kernels() -> ctypes.CDLL:
    """Compile the kernels with g++, once a process."""
    header = Path(__file__).with_name("cuda_shim.h").read_text()
    launchers = "".join(f"LAUNCHER({name})\n" for name in kernel_names())
    with tempfile.TemporaryDirectory() as folder:
        text, library = Path(folder, "kernels.cpp"), Path(folder, "kernels.so")
        text.write_text(header + source() + launchers)
        subprocess.run(
            ["g++", "-std=c++17", "-O2", "-march=native", "-shared", "-fPIC",
             "-Wno-unknown-pragmas", "-o", library, text],
            check=True, timeout=300,
        )  # fmt: skip
        return ctypes.CDLL(str(library))


@dataclass
class _Event:
    """The end of what a stream had been told; work that it needs is done on demand."""

    stream: "_Stream"
    count: int
    time_ms: float = 0.0

    def wait(self) -> None:
        self.stream.run(self.count)


class _Stream:
    """Work that is done in order, when somebody waits for it."""

    def __init__(self) -> None:
        self._work: list[Callable[[], None]] = []
        self._started = 0
        self._told = 0

    def tell(self, work: Callable[[], None]) -> _Event:
        self._work.append(work)
        self._told += 1
        return _Event(self, self._told)

    def now(self) -> _Event:
        event = _Event(self, self._told + 1)

        def stamp() -> None:
            event.time_ms = time.perf_counter() * 1e3

        self.tell(stamp)
        return event

    def run(self, count: int) -> None:
        while self._started < count:
            self._started += 1
            self._work.pop(0)()

    def finish(self) -> None:
        self.run(self._told)


class ShimDevice:
    """A device that is the CPU, with so much memory."""

    name = "g++ shim"
    isa = "shim"

    def __init__(self, memory: int = 1 << 30) -> None:
        self._library = compiled_kernels()
        self._memory = memory
        self._upload, self._compute, self._download = (_Stream() for _ in range(3))
        self._pinned: list[NDArray[np.uint8]] = []
        self.launches: dict[str, int] = {}
        """Kernels started, by name."""
        self.uploaded = 0
        """Bytes copied on the upload stream."""

    def free_bytes(self) -> int:
        """Give the memory that can still be had."""
        return self._memory

    def empty(self, shape: Shape, dtype: type[np.generic]) -> DeviceArray:
        """Give memory full of garbage."""
        if nbytes(shape, dtype) > self._memory:
            raise NotEnoughMemoryError(f"not enough device memory: no room for {shape}")
        size = nbytes(shape, dtype)
        return np.full(size, _GARBAGE, np.uint8).view(dtype).reshape(shape)

    def pinned(self, nbytes: int) -> NDArray[np.uint8]:
        """Give host memory full of garbage; it is so again when nobody shows it."""
        memory = np.full(nbytes, _GARBAGE, np.uint8)
        self._pinned.append(memory)
        shown = (ctypes.c_uint8 * nbytes).from_buffer(memory.data)
        weakref.finalize(shown, memory.fill, _GARBAGE)
        return np.frombuffer(memoryview(shown), np.uint8)

    def is_pinned(self, array: NDArray[Any]) -> bool:
        """Tell whether an array shows such memory."""
        return isinstance(owner(array), ctypes.Array)

    def put(self, target: DeviceArray, source: NDArray[Any]) -> None:
        """Copy, after all that was started; wait until done."""
        if target.shape != source.shape or target.dtype != source.dtype:
            raise AssertionError(f"{source.shape} {source.dtype} put into {target}")
        self._compute.tell(lambda: np.copyto(target, source)).wait()

    def upload(self, target: DeviceArray, source: NDArray[np.uint8]) -> _Event:
        """Start a copy; give its end."""
        if not self.is_pinned(source):
            raise AssertionError("a stream copies from pinned memory only")
        self.uploaded += source.nbytes
        # Keeps nobody from giving the memory to others.
        address, count = source.ctypes.data, source.nbytes

        def work() -> None:
            ctypes.memmove(target.ctypes.data, address, count)

        return self._upload.tell(work)

    def download(self, target: NDArray[np.uint8], source: DeviceArray) -> _Event:
        """Start a copy of what has been computed; give its end."""
        computed = self._compute.now()
        self._download.tell(computed.wait)
        content = source.reshape(-1).view(np.uint8)
        return self._download.tell(lambda: np.copyto(target, content))

    def clear(self, array: DeviceArray) -> None:
        """Fill with zeros."""
        self._compute.tell(lambda: array.fill(0))

    def launch(
        self, kernel: str, size: Sequence[int], args: Sequence[Argument]
    ) -> None:
        """Run a kernel, thread after thread."""
        self.launches[kernel] = self.launches.get(kernel, 0) + 1
        blocks = (-(-size[0] // THREADS), *size[1:])
        if not all(1 <= n <= limit for n, limit in zip(
            blocks, (2**31 - 1, 65535, 65535), strict=True
        )):  # fmt: skip
            raise AssertionError(f"{kernel}: no GPU takes a grid {blocks}")
        grid = (ctypes.c_uint * 3)(*blocks)
        values = [_value(arg) for arg in args]
        pointers = (ctypes.c_void_p * len(values))(*map(ctypes.addressof, values))
        function = getattr(self._library, f"launch_{kernel}")

        def work() -> None:
            # The arrays must live until now.
            function(grid, ctypes.c_uint(THREADS), pointers)
            del_after = (values, args)
            del del_after

        self._compute.tell(work)

    def rfft(self, spectrum: DeviceArray, rows: DeviceArray, *, axes: int) -> None:
        """Transform the last one or two axes."""
        which = tuple(range(-axes, 0))
        self._compute.tell(
            lambda: np.copyto(
                spectrum, np.fft.rfftn(rows, axes=which), casting="same_kind"
            )
        )

    def irfft(self, rows: DeviceArray, spectrum: DeviceArray, *, axes: int) -> None:
        """Transform back; what was the spectrum is lost."""
        which = tuple(range(-axes, 0))

        def work() -> None:
            back = np.fft.irfftn(spectrum, rows.shape[-axes:], axes=which)
            np.copyto(rows, back, casting="same_kind")
            spectrum.fill(np.nan)

        self._compute.tell(work)

    def mark(self) -> _Event:
        """Give this moment of the compute stream."""
        return self._compute.now()

    def compute_after(self, event: _Event) -> None:
        """Let later computing wait for an event."""
        self._compute.tell(event.wait)

    def upload_after(self, event: _Event) -> None:
        """Let later uploads wait for an event."""
        self._upload.tell(event.wait)

    def wait(self, event: _Event) -> None:
        """Wait until an event has come."""
        event.wait()

    def elapsed_ms(self, start: _Event, end: _Event) -> float:
        """Give the time between two moments of the compute stream."""
        return end.time_ms - start.time_ms

    def synchronize(self) -> None:
        """Wait until all that was started is done."""
        for stream in (self._upload, self._compute, self._download):
            stream.finish()


def shim_backend(
    *, devices: int = 1, ring_dtype: RingDtype = "float", memory: int = 1 << 30
) -> CudaBackend:
    """Give a CUDA backend whose devices are the CPU."""
    return CudaBackend(
        [ShimDevice(memory) for _ in range(devices)], ring_dtype=ring_dtype
    )


def shim_engine(
    *,
    devices: int = 1,
    ring_dtype: RingDtype = "float",
    memory: int = 1 << 30,
    raw_slots: int | None = None,
) -> Engine:
    """Give an engine on such a backend."""
    backend = shim_backend(devices=devices, ring_dtype=ring_dtype, memory=memory)
    return Engine(backend=backend, raw_slots=raw_slots)


_C_TYPES = {
    np.dtype(np.int32): ctypes.c_int32,
    np.dtype(np.int64): ctypes.c_int64,
    np.dtype(np.float32): ctypes.c_float,
}


def _value(arg: Any) -> Any:
    """Give what a kernel gets for an argument."""
    if isinstance(arg, np.ndarray) and arg.ndim:
        if not arg.flags.c_contiguous:
            raise AssertionError("kernels take contiguous arrays only")
        return ctypes.c_void_p(arg.ctypes.data)
    return _C_TYPES[arg.dtype](arg.item())
