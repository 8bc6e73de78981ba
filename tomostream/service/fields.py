"""Dark and flat fields: which are in use, and which wait for frames of their size."""

from collections import OrderedDict
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from tomostream.core.arrivals import FieldArrival
from tomostream.core.frame import FrameKind
from tomostream.core.orientation import Orientation
from tomostream.core.slices import F32

_KINDS = (FrameKind.DARK, FrameKind.FLAT)
_NAMES = {FrameKind.DARK: "dark", FrameKind.FLAT: "flat"}


class FieldChange(StrEnum):
    """What a new field means for the frames at hand."""

    NONE = "none"
    """It does not fit them, or is the one in use."""
    FIRST = "first"
    """None of its kind was in use."""
    LATER = "later"
    """It takes another one's place."""


class FieldMatch(StrEnum):
    """The words of the records DarkMatch and FlatMatch."""

    NONE = "none"
    NO_FRAMES = "no frames"
    OK = "ok"
    OTHER = "another size"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewestField:
    """The newest field of a kind, whether it is in use or not."""

    n_pixels: int
    shape: tuple[int, int] | None
    """(rows, columns) as announced, where that fits the number of values."""
    arrived_s: float
    """When these values came first, seconds since 1970."""

    @property
    def text(self) -> str:
        """Its size in words."""
        if self.shape is None:
            return f"{self.n_pixels} pixels"
        return f"{self.shape[0]} x {self.shape[1]}"


class FieldBook:
    """Keep the newest fields of each size. Owned by the loop's thread.

    Values and sizes of a field are put one after the other, so a field is judged by
    its number of values alone. One that does not fit the frames is kept: after a
    change of binning frames and fields of the new size come in either order.

    Parameters
    ----------
    orientation
        How the camera looks at the rotation axis. Fields are averages of the camera's
        images as they were before they were turned.
    """

    _SIZES_KEPT = 4

    def __init__(self, orientation: Orientation | None = None) -> None:
        self._orientation = orientation or Orientation()
        self._kept: dict[FrameKind, OrderedDict[int, F32]] = {
            kind: OrderedDict() for kind in _KINDS
        }
        self._newest: dict[FrameKind, NewestField] = {}
        self._shape: tuple[int, int] | None = None

    def take(self, arrival: FieldArrival) -> FieldChange:
        """Take a field; tell what that means for the frames at hand."""
        values = np.asarray(arrival.values).reshape(-1)
        n_pixels = len(values)
        if n_pixels == 0:
            return FieldChange.NONE
        kept = self._kept[arrival.kind]
        before = kept.pop(n_pixels, None)
        kept[n_pixels] = values
        while len(kept) > self._SIZES_KEPT:
            # Never the one in use.
            del kept[next(size for size in kept if size != self._n_pixels)]
        # Values and sizes are put separately, so each field comes several times.
        is_same = before is not None and np.array_equal(before, values)
        self._note(arrival, n_pixels, is_same=is_same)
        if n_pixels != self._n_pixels:
            return FieldChange.NONE
        if before is None:
            return FieldChange.FIRST
        return FieldChange.NONE if is_same else FieldChange.LATER

    def fit(self, shape: tuple[int, int] | None) -> None:
        """Use the fields of frames of this shape, (n_z, n_x), from now on."""
        self._shape = shape

    def in_use(self, kind: FrameKind) -> F32 | None:
        """Give the field in use, oriented, (n_z, n_x), counts, or None."""
        values = self._kept[kind].get(self._n_pixels)
        if values is None or self._shape is None:
            return None
        raw = values.reshape(self._orientation.camera_shape(self._shape))
        return self._orientation.apply(raw).astype(np.float32, copy=False)

    def has_all(self, n_pixels: int) -> bool:
        """Tell whether a dark and a flat of that size have come."""
        return all(n_pixels in self._kept[kind] for kind in _KINDS)

    def newest(self, kind: FrameKind) -> NewestField | None:
        """Give the newest field of that kind, in use or not."""
        newest = self._newest.get(kind)
        if newest is None or newest.n_pixels != self._n_pixels:
            return newest
        return replace(newest, shape=self._shape)

    def match(self, kind: FrameKind) -> FieldMatch:
        """Tell whether the newest field of that kind has the frames' size."""
        newest = self._newest.get(kind)
        if newest is None:
            return FieldMatch.NONE
        if self._shape is None:
            return FieldMatch.NO_FRAMES
        is_fitting = newest.n_pixels == self._n_pixels
        return FieldMatch.OK if is_fitting else FieldMatch.OTHER

    @property
    def corrected(self) -> str:
        """Which fields are in use, by the words of the record Corrected."""
        dark, flat = (self._n_pixels in self._kept[kind] for kind in _KINDS)
        if dark and flat:
            return "corrected"
        if dark:
            return "dark only"
        return "flat only" if flat else "uncorrected"

    @property
    def notes(self) -> list[str]:
        """What an operator should know about fields that do not fit."""
        if self._shape is None:
            return []
        return [
            f"{_NAMES[kind]} of {newest.n_pixels} pixels kept aside: "
            f"frames have {self._n_pixels}"
            for kind, newest in self._newest.items()
            if newest.n_pixels != self._n_pixels
        ]

    def _note(self, arrival: FieldArrival, n_pixels: int, *, is_same: bool) -> None:
        last = self._newest.get(arrival.kind)
        # Back at an earlier size it is new, whatever its values are.
        is_same = is_same and last is not None and last.n_pixels == n_pixels
        shape = arrival.size_y, arrival.size_x
        self._newest[arrival.kind] = NewestField(
            n_pixels=n_pixels,
            shape=shape if shape[0] * shape[1] == n_pixels else None,
            arrived_s=last.arrived_s if last and is_same else arrival.arrived_s,
        )

    @property
    def _n_pixels(self) -> int:
        return self._shape[0] * self._shape[1] if self._shape else -1
