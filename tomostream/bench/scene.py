"""Frames as a detector sends them: the phantom in counts, with noise and fields."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tomostream.core.geometry import Geometry
from tomostream.core.slices import F32
from tomostream.sim.phantom import head_phantom, project

F64 = NDArray[np.float64]

_POOL_BYTES = 256 << 20
"""Several times the last-level cache of most machines: frames come from memory."""
LEAST_POOL = 32
"""Frames of a scene at least; a batch's frames are consecutive ones of the scene."""
_NOISE_FRAMES = 4
_ZINGERS = 1e-4
"""Share of the pixels that a scattered X-ray has hit."""
_BRIGHTEST = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Frames of one half turn, or as many as fit the pool, evenly spread over it."""

    frames: NDArray[np.uint16]
    """(n_frames, n_z, n_x), counts, read-only as from pvAccess."""
    theta_deg: F64
    """(n_frames,), degrees."""
    dark: F32
    """(n_z, n_x), counts."""
    flat: F32
    """(n_z, n_x), counts."""
    center: float
    """Detector column of the rotation axis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Frames that are added at once."""

    frames: NDArray[np.generic]
    """(n_frames, n_z, n_x), counts."""
    theta_deg: F64
    """(n_frames,), degrees."""
    slots: NDArray[np.intp]
    """(n_frames,)"""


def pool_bytes(size: int) -> int:
    """Give the memory of a scene's frames, at most."""
    return max(_POOL_BYTES, 2 * size * size * LEAST_POOL)


def draw_scene(size: int, angles: int, *, has_zingers: bool = False) -> Scene:
    """Draw frames of `size` rows and columns, the same ones at each call.

    Zingers are few, as scattered X-rays make them, and as bright as the detector shows.
    """
    rng = np.random.default_rng(20240801)
    shape = (size, size)
    dark = (100.0 + 5.0 * rng.standard_normal(shape)).astype(np.float32)
    column = np.linspace(-1.0, 1.0, size)
    beam = 40000.0 * (1.0 - 0.3 * column**2) * np.exp(-(column[:, None] ** 2))
    flat = (dark + beam * (1.0 + 0.02 * rng.standard_normal(shape))).astype(np.float32)
    count = min(angles, pool_bytes(size) // (2 * size * size))
    theta_deg = np.linspace(0.0, 180.0, count, endpoint=False)
    center = (size - 1) / 2 + 1.3
    body = head_phantom(size, size).still
    noise = rng.standard_normal((_NOISE_FRAMES, *shape), np.float32)
    frames = np.empty((count, *shape), np.uint16)
    for i, (frame, angle_deg) in enumerate(zip(frames, theta_deg, strict=True)):
        lines = project(
            body, float(angle_deg), center=center, out=np.zeros(shape, np.float32)
        )
        counts = np.exp(-lines) * (flat - dark)
        # Shot noise in its Gaussian limit: thousands of counts in every pixel.
        counts += np.sqrt(np.maximum(counts, 0.0)) * np.roll(
            noise[i % _NOISE_FRAMES], 37 * i
        )
        frame[:] = np.clip(counts + dark, 0.0, _BRIGHTEST)
        if has_zingers:
            frame[rng.random(shape, np.float32) < _ZINGERS] = _BRIGHTEST
    frames.flags.writeable = False
    return Scene(
        frames=frames, theta_deg=theta_deg, dark=dark, flat=flat, center=center
    )


@dataclass(slots=True)
class Feed:
    """Batches of a scene, without end: the slots go round, the frames too."""

    scene: Scene
    geometry: Geometry
    batch: int
    _next: int = field(default=0, init=False)

    def take(self, batch: int | None = None) -> Batch:
        """Give the next batch."""
        count = self.batch if batch is None else batch
        pool = len(self.scene.frames)
        # Consecutive frames, so that no copy is made to gather them.
        first = self._next % (pool - count + 1)
        index = self._next + np.arange(count)
        self._next += count
        return Batch(
            frames=self.scene.frames[first : first + count],
            theta_deg=(index * (180.0 / self.geometry.n_slots)).astype(np.float64),
            slots=index % self.geometry.n_slots,
        )

    def revolution(self) -> Iterator[Batch]:
        """Give batches that fill every slot once."""
        left = self.geometry.n_slots
        while left > 0:
            count = min(left, self.batch)
            yield self.take(count)
            left -= count
