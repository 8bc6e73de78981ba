"""What the CUDA backend asks of a device.

Two implementations: CuPy on a GPU, and a shim in `tomostream.testing` that runs the
same kernels on the CPU.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

DeviceArray = Any
"""A contiguous array on the device, numpy's or CuPy's; sliced, viewed and reshaped."""
Event = Any
"""A moment of a stream."""
Shape = tuple[int, ...]
Argument = DeviceArray | np.generic


class Device(Protocol):
    """One GPU with three streams: upload, compute and download.

    Work on a stream is done in order; streams wait for each other by events only. The
    host waits in `put`, `wait` and `synchronize`, and nowhere else.
    """

    name: str
    """Of the chip."""
    isa: str
    """``sm_90``."""

    def free_bytes(self) -> int:
        """Give the memory that can still be had."""
        ...

    def empty(self, shape: Shape, dtype: type[np.generic]) -> DeviceArray:
        """Give memory of the device.

        Raises
        ------
        ReconstructionError
            There is not enough.
        """
        ...

    def pinned(self, nbytes: int) -> NDArray[np.uint8]:
        """Give host memory that a stream can copy from and to by itself.

        It is given to others once no array shows it.

        Raises
        ------
        ReconstructionError
            There is not enough.
        """
        ...

    def is_pinned(self, array: NDArray[Any]) -> bool:
        """Tell whether an array shows such memory."""
        ...

    def put(self, target: DeviceArray, source: NDArray[Any]) -> None:
        """Copy from any host memory, after all that was started; wait until done."""
        ...

    def upload(self, target: DeviceArray, source: NDArray[np.uint8]) -> Event:
        """Start a copy from pinned memory on the upload stream; give its end."""
        ...

    def download(self, target: NDArray[np.uint8], source: DeviceArray) -> Event:
        """Start a copy of what has been computed to pinned memory; give its end."""
        ...

    def clear(self, array: DeviceArray) -> None:
        """Fill with zeros, on the compute stream."""
        ...

    def launch(
        self, kernel: str, size: Sequence[int], args: Sequence[Argument]
    ) -> None:
        """Run a kernel for size (threads x, y, z) on the compute stream."""
        ...

    def rfft(self, spectrum: DeviceArray, rows: DeviceArray, *, axes: int) -> None:
        """Transform the last one or two axes, on the compute stream."""
        ...

    def irfft(self, rows: DeviceArray, spectrum: DeviceArray, *, axes: int) -> None:
        """Transform back; the spectrum may be lost."""
        ...

    def mark(self) -> Event:
        """Give this moment of the compute stream."""
        ...

    def compute_after(self, event: Event) -> None:
        """Let later computing wait for an event."""
        ...

    def upload_after(self, event: Event) -> None:
        """Let later uploads wait for an event."""
        ...

    def wait(self, event: Event) -> None:
        """Wait until an event has come."""
        ...

    def elapsed_ms(self, start: Event, end: Event) -> float:
        """Give the time between two moments of the compute stream."""
        ...

    def synchronize(self) -> None:
        """Wait until all that was started is done."""
        ...


def owner(array: NDArray[Any]) -> object:
    """Give what owns the memory that an array shows; None if an array does."""
    base: object = array
    while isinstance(base, np.ndarray):
        base = base.base
    return base.obj if isinstance(base, memoryview) else base


def nbytes(shape: Shape, dtype: type[np.generic]) -> int:
    """Give the bytes of an array."""
    return int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize


def portion(memory: Any, first: int, shape: Shape, dtype: type[np.generic]) -> Any:
    """Give a part of bytes, from byte ``first`` on, as an array."""
    return memory[first : first + nbytes(shape, dtype)].view(dtype).reshape(shape)
