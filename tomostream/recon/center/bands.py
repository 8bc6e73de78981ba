"""Line integrals of a ring's frames, averaged over bands of rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tomostream.core.slices import F32
from tomostream.recon.snapshot import RingSnapshot

F64 = NDArray[np.float64]

_LEAST_TRANSMISSION = 1e-4
"""Below it there is noise of the camera, and no sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bands:
    """Bands of neighbouring rows, spread over the height of the frames."""

    snapshot: RingSnapshot
    starts: tuple[int, ...]
    rows: int
    """Of each band."""
    gain: tuple[F32, ...]
    """Of each band (rows, n_x): 1 / (flat - dark); 0 where a pixel is dead."""

    @classmethod
    def over(cls, snapshot: RingSnapshot, *, most: int, most_rows: int) -> "Bands":
        """Divide the height into bands, and of high ones take the middle rows.

        Parameters
        ----------
        most
            Bands at most.
        most_rows
            Rows of a band at most: what is not read costs nothing.
        """
        n_z = snapshot.geometry.n_z
        count = min(most, n_z)
        edges = np.linspace(0, n_z, count + 1)
        rows = max(min(int(n_z / count), most_rows), 1)
        middles = (edges[1:] + edges[:-1]) / 2
        starts = tuple(
            int(min(max(round(middle - rows / 2), 0), n_z - rows)) for middle in middles
        )
        return cls.at(snapshot, starts=starts, rows=rows)

    @classmethod
    def at(
        cls, snapshot: RingSnapshot, *, starts: tuple[int, ...], rows: int
    ) -> "Bands":
        """Take bands that begin at these rows."""
        gain: list[F32] = []
        for start in starts:
            place = slice(start, start + rows)
            light = snapshot.flat[place] - snapshot.dark[place]
            alive = np.isfinite(light) & (light > 0)
            inverse = np.zeros_like(light, np.float32)
            np.divide(1.0, light, out=inverse, where=alive)
            gain.append(inverse)
        return cls(snapshot=snapshot, starts=starts, rows=rows, gain=tuple(gain))

    @property
    def middles(self) -> F64:
        """Row in the middle of each band."""
        return np.array(self.starts) + (self.rows - 1) / 2

    def lines(self, index: int) -> F32:
        """Give the mean line integrals of one frame's bands.

        Dead pixels have no share in the mean; where a whole column of a band is dead,
        its neighbours along x stand for it.

        Returns
        -------
        ndarray
            (n_bands, n_x), dimensionless.
        """
        frame = self.snapshot.frames[index]
        out = np.empty((len(self.starts), self.snapshot.geometry.n_x), np.float32)
        for band, start in enumerate(self.starts):
            place = slice(start, start + self.rows)
            out[band] = _mean_lines(
                frame[place], self.snapshot.dark[place], self.gain[band]
            )
        return out


def stripes(still: F64, *, width: int = 9) -> F64:
    """Give what is narrow in lines that stand still: the detector's, and no sample.

    Parameters
    ----------
    still
        (n_bands, n_x), mean of many views.
    width
        Columns of the median that is taken off; of what is narrower than half of it
        all is given, and nothing of an edge.
    """
    half = width // 2
    padded = np.pad(still, ((0, 0), (half, half)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, width, axis=-1)
    return still - np.median(windows, axis=-1)


def _mean_lines(frame: NDArray[Any], dark: F32, gain: F32) -> F32:
    shown = (frame.astype(np.float32) - dark) * gain
    alive = (gain > 0) & np.isfinite(shown)
    shown[~alive] = 1.0
    np.clip(shown, _LEAST_TRANSMISSION, 1 / _LEAST_TRANSMISSION, out=shown)
    np.log(shown, out=shown)
    count = alive.sum(axis=0)
    mean = -shown.sum(axis=0) / np.maximum(count, 1)
    if count.all() or not count.any():
        return mean
    columns = np.arange(len(mean))
    return np.interp(columns, columns[count > 0], mean[count > 0]).astype(np.float32)
