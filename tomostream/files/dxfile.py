"""Read a Data Exchange file: projections, dark and flat frames, angles.

References
----------
De Carlo et al., J. Synchrotron Rad. 21 (2014) 1224-1230,
doi:10.1107/S160057751401604X: the scientific data exchange format.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from tomostream.core.errors import ConfigurationError, SourceError
from tomostream.core.frame import PIXEL_TYPES, FrameKind

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
FieldKind = Literal[FrameKind.DARK, FrameKind.FLAT]

_DATA = "/exchange/data"
_THETA = "/exchange/theta"
_FIELDS: dict[FieldKind, str] = {
    FrameKind.DARK: "/exchange/data_dark",
    FrameKind.FLAT: "/exchange/data_white",
}
_ROTATION = "/process/acquisition/rotation"
_BLOCK_BYTES = 64 << 20


class DxFileReader:
    """A file that is open for reading; nothing is read before it is asked for.

    Raises
    ------
    ConfigurationError
        There is no such file, it cannot be read, or is no HDF5 file.
    SourceError
        It is no Data Exchange file, or its parts do not fit together.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = _opened(path)
        try:
            with self._reading():
                self._data = self._dataset(_DATA)
                self._check_data()
                self.theta_deg: F64 | None = self._theta()
                """(n_theta,), degrees; None where the file does not say."""
        except SourceError:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def shape(self) -> tuple[int, int, int]:
        """(n_theta, n_z, n_x)."""
        n_theta, n_z, n_x = self._data.shape
        return n_theta, n_z, n_x

    @property
    def dtype(self) -> np.dtype:
        """Type of the pixels as they are given: one of areaDetector's."""
        return _pixel_type(self._data.dtype)

    def projections(
        self, start: int, stop: int, rows: slice = slice(None)
    ) -> NDArray[np.generic]:
        """Read some projections, or some rows of them.

        Returns
        -------
        ndarray
            (stop - start, n_z, n_x), counts; fewer at the end of the file.
        """
        with self._reading():
            return self._native(self._data[start:stop, rows])

    def field_frames(self, kind: FieldKind) -> int:
        """Give how many dark or flat frames there are."""
        field = self._field(kind)
        return 0 if field is None else len(field)

    def field_frame(self, kind: FieldKind, index: int) -> NDArray[np.generic]:
        """Read one dark or flat frame: (n_z, n_x), counts."""
        field = self._field(kind)
        if field is None:
            raise SourceError(f"{self.path}: {_FIELDS[kind]}: there is none")
        with self._reading():
            return self._native(field[index])

    def mean_field(self, kind: FieldKind) -> F32 | None:
        """Give the mean dark or flat; None where the file has none.

        Returns
        -------
        ndarray
            (n_z, n_x), counts.
        """
        field = self._field(kind)
        if field is None:
            return None
        total = np.zeros(self.shape[1:])
        step = max(_BLOCK_BYTES // (total.size * field.dtype.itemsize), 1)
        with self._reading():
            for start in range(0, len(field), step):
                total += field[start : start + step].sum(axis=0, dtype=np.float64)
        return (total / len(field)).astype(np.float32)

    def _native(self, values: NDArray[np.generic]) -> NDArray[np.generic]:
        return values.astype(self.dtype, copy=False)

    def _dataset(self, name: str) -> h5py.Dataset:
        dataset = self._file.get(name)
        if not isinstance(dataset, h5py.Dataset):
            raise SourceError(
                f"{self.path}: {name}: expected a Data Exchange file, "
                "this one has no such dataset"
            )
        return dataset

    def _check_data(self) -> None:
        data = self._data
        if data.ndim != 3 or data.size == 0:
            raise SourceError(
                f"{self.path}: {_DATA}: expected (theta, y, x), got shape {data.shape}"
            )
        if _pixel_type(data.dtype) not in PIXEL_TYPES:
            raise SourceError(
                f"{self.path}: {_DATA}: expected whole numbers or floats of up to "
                f"64 bits, got {data.dtype}"
            )
        for kind in _FIELDS:
            self._field(kind)

    def _field(self, kind: FieldKind) -> h5py.Dataset | None:
        name = _FIELDS[kind]
        if name not in self._file:
            return None
        field = self._dataset(name)
        if field.ndim != 3 or field.shape[1:] != self._data.shape[1:]:
            raise SourceError(
                f"{self.path}: {name}: expected (n, {self.shape[1]}, {self.shape[2]}) "
                f"as {_DATA} has it, got shape {field.shape}"
            )
        return field if len(field) else None

    def _theta(self) -> F64 | None:
        n_theta = self.shape[0]
        if _THETA not in self._file:
            return self._theta_of_rotation()
        dataset = self._dataset(_THETA)
        if dataset.shape != (n_theta,) or dataset.dtype.kind not in "iuf":
            raise SourceError(
                f"{self.path}: {_THETA}: expected {n_theta} numbers, one a projection, "
                f"got {dataset.dtype} of shape {dataset.shape}"
            )
        theta = dataset[:].astype(np.float64)
        if not np.isfinite(theta).all():
            raise SourceError(f"{self.path}: {_THETA}: expected finite angles")
        return theta

    def _theta_of_rotation(self) -> F64 | None:
        numbers = [self._number(f"{_ROTATION}/{name}") for name in ("start", "step")]
        start, step = numbers
        if start is None or not step:
            return None
        return start + step * np.arange(self.shape[0], dtype=np.float64)

    def _number(self, name: str) -> float | None:
        dataset = self._file.get(name)
        if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind not in "iuf":
            return None
        values = np.ravel(dataset[()])
        return float(values[0]) if values.size and np.isfinite(values[0]) else None

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Translate what h5py raises over a damaged file."""
        try:
            yield
        except (OSError, RuntimeError, KeyError) as exc:
            # A filter without its plug-in, a truncated or damaged file.
            raise SourceError(f"{self.path}: cannot be read: {exc}") from exc


def _opened(path: Path) -> h5py.File:
    try:
        # Reading needs no lock, and file systems of beamlines often have none.
        return h5py.File(path, "r", locking=False)
    except FileNotFoundError as exc:
        raise ConfigurationError(f"{path}: there is no such file") from exc
    except OSError as exc:
        reason = exc.strerror if exc.errno else "it is no HDF5 file, or is damaged"
        raise ConfigurationError(f"{path}: cannot be opened: {reason}") from exc


def _pixel_type(dtype: np.dtype) -> np.dtype:
    if dtype == np.float16:
        return np.dtype(np.float32)
    return dtype.newbyteorder("=")
