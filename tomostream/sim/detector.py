"""From line integrals to what a camera counts."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]

_FLAT_LEVEL = 0.85
_DARK_LEVEL = 0.015
_SPARE_NOISE = 1 << 18


class Detector:
    """A camera with a fixed pattern, an uneven beam and Poisson-like noise.

    Noise is drawn once: each frame takes a window at a random place of one pool, and
    scales it by the square root of its counts. Drawing it for every frame anew costs
    more than a core at 300 frames/s.

    Parameters
    ----------
    shape
        (n_z, n_x).
    dtype
        Type of the pixels.
    photons
        Photons that a pixel counts in the brightest flat; 0: no noise.
    seed
        Of the patterns and the noise.
    """

    def __init__(
        self, shape: tuple[int, int], dtype: np.dtype, *, photons: float, seed: int
    ) -> None:
        self.shape = shape
        self.dtype = dtype
        random = np.random.default_rng(seed)
        is_whole = dtype.kind in "iu"
        # Wide types carry the counts of a 16-bit camera, as areaDetector's do.
        self._top = min(float(np.iinfo(dtype).max), 65535.0) if is_whole else 65535.0
        self.dark: F32 = _dark_pattern(shape, random) * np.float32(
            self._top * _DARK_LEVEL
        )
        """(n_z, n_x), mean counts without beam."""
        self.beam: F32 = _beam_pattern(shape, random) * np.float32(
            self._top * _FLAT_LEVEL
        )
        """(n_z, n_x), mean counts that the beam adds."""
        self._rounding = np.float32(0.5 if is_whole else 0.0)
        self._noise_per_root = np.float32(
            (self._top * _FLAT_LEVEL / photons) ** 0.5 if photons else 0.0
        )
        self._random = random
        self._pool = random.standard_normal(
            shape[0] * shape[1] + _SPARE_NOISE, dtype=np.float32
        )
        self._sigma = np.empty(shape, np.float32)

    @property
    def flat(self) -> F32:
        """(n_z, n_x), mean counts with beam and without sample."""
        return self.dark + self.beam

    def expose(self, line_integrals: F32, out: NDArray[np.generic]) -> None:
        """Take a projection.

        Parameters
        ----------
        line_integrals
            (n_z, n_x), dimensionless. Overwritten.
        out
            (n_z, n_x), counts. Overwritten.
        """
        counts = line_integrals
        np.negative(counts, out=counts)
        np.exp(counts, out=counts)
        counts *= self.beam
        counts += self.dark
        self._count(counts, out)

    def expose_dark(self, out: NDArray[np.generic]) -> None:
        """Take a dark frame."""
        self._count(self.dark.copy(), out)

    def expose_flat(self, out: NDArray[np.generic]) -> None:
        """Take a flat frame."""
        self._count(self.flat, out)

    def attenuate(
        self, counts: NDArray[np.generic], box: tuple[slice, slice], integrals: F32
    ) -> None:
        """Put something more into the beam of a frame already taken.

        Its noise is scaled along, which for small things cannot be told from new noise.

        Parameters
        ----------
        counts
            (n_z, n_x). Modified within the box.
        box
            Rows and columns.
        integrals
            Shape of the box, dimensionless.
        """
        dark = self.dark[box]
        lit = counts[box].astype(np.float32)
        lit -= dark
        lit *= np.exp(-integrals)
        lit += dark
        self._store(lit, counts[box])

    def mean_field(self, mean: F32, frames: int) -> F32:
        """Give the mean of that many frames, with the noise that it has left."""
        sigma = np.sqrt(mean) * self._noise_per_root / max(frames, 1) ** 0.5
        return mean + sigma * self._noise()

    def _count(self, counts: F32, out: NDArray[np.generic]) -> None:
        if self._noise_per_root:
            sigma = np.sqrt(counts, out=self._sigma)
            sigma *= self._noise()
            sigma *= self._noise_per_root
            counts += sigma
        self._store(counts, out)

    def _store(self, counts: F32, out: NDArray[np.generic]) -> None:
        counts += self._rounding
        np.clip(counts, 0.0, self._top, out=counts)
        np.copyto(out, counts, casting="unsafe")

    def _noise(self) -> F32:
        start = int(self._random.integers(_SPARE_NOISE))
        size = self.shape[0] * self.shape[1]
        return self._pool[start : start + size].reshape(self.shape)


def binned(image: NDArray[Any], binning: int) -> NDArray[Any]:
    """Give the mean of binning x binning pixels; what is left over is cut."""
    if binning == 1:
        return image
    n_z, n_x = (size // binning for size in image.shape)
    cut = image[: n_z * binning, : n_x * binning]
    mean = cut.reshape(n_z, binning, n_x, binning).mean(axis=(1, 3), dtype=np.float32)
    return mean.astype(image.dtype)


def _dark_pattern(shape: tuple[int, int], random: np.random.Generator) -> F32:
    columns = random.normal(1.0, 0.08, (1, shape[1]))
    pixels = random.normal(1.0, 0.04, shape)
    return np.clip(columns * pixels, 0.5, 1.5).astype(np.float32)


def _beam_pattern(shape: tuple[int, int], random: np.random.Generator) -> F32:
    """Give a beam that fades above and below, seen through a scintillator."""
    z = np.linspace(-1.0, 1.0, shape[0])[:, None] if shape[0] > 1 else np.zeros((1, 1))
    x = np.linspace(-1.0, 1.0, shape[1])[None, :]
    profile = np.exp(-0.45 * z**2 - 0.12 * (x - 0.15) ** 2)
    texture = 1.0 + 0.02 * np.sin(9.0 * x + 4.0 * z) * np.cos(13.0 * z - 5.0 * x)
    columns = random.normal(1.0, 0.015, (1, shape[1]))
    pixels = random.normal(1.0, 0.006, shape)
    beam = profile * texture * columns * pixels
    return (beam / beam.max()).astype(np.float32)
