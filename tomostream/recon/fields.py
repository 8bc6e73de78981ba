"""The dark and flat in use, and how many have been before."""

from dataclasses import dataclass

import numpy as np

from tomostream.core.errors import MalformedFieldError
from tomostream.recon.backend import F32, GENERATIONS, Backend


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldReport:
    """What became of a dark and a flat field."""

    generation: int
    """Counts the fields of an engine; frames are corrected by the newest."""
    dead_pixels: int
    """Pixels where flat - dark <= 0; they are interpolated in every frame."""


class Fields:
    """The newest fields, and where the backend keeps those of older frames.

    Owned by the recon thread.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._shape = (0, 0)
        self.generation = 0
        """Of the newest fields; 0: none have come."""
        self.dark = self.flat = np.zeros((0, 0), np.float32)
        """(n_z, n_x), counts; never written to."""

    def clear(self, shape: tuple[int, int]) -> None:
        """Begin with frames (n_z, n_x) that are not corrected: dark 0, flat 1."""
        self._shape, self.generation = shape, 0
        self.dark, self.flat = self._checked("dark", None), self._checked("flat", None)
        self._backend.set_fields(0, self.dark, self.flat)

    def set(self, dark: F32 | None, flat: F32 | None) -> FieldReport:
        """Correct later frames by these; None is 0 for dark, 1 for flat.

        Raises
        ------
        MalformedFieldError
            A field does not have the frames' shape; nothing has been changed.
        """
        dark, flat = self._checked("dark", dark), self._checked("flat", flat)
        dead = self._backend.set_fields((self.generation + 1) % GENERATIONS, dark, flat)
        self.generation += 1
        self.dark, self.flat = dark, flat
        return FieldReport(generation=self.generation, dead_pixels=dead)

    def place(self, generation: int) -> int:
        """Give the place of a generation, or of the oldest that is still kept."""
        return max(generation, self.generation - GENERATIONS + 1, 0) % GENERATIONS

    def _checked(self, name: str, field: F32 | None) -> F32:
        if field is None:
            return np.full(self._shape, float(name == "flat"), np.float32)
        if field.shape != self._shape:
            raise MalformedFieldError(
                f"{name}: expected {self._shape}, got {field.shape}"
            )
        # A copy of what the caller might change: snapshots show it.
        if field.flags.writeable:
            return np.array(field, np.float32, order="C")
        return np.ascontiguousarray(field, np.float32)
