"""Frames, their kinds, and the unwrapping of camera ids."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from tomostream.core.errors import MalformedFrameError

PIXEL_TYPES = tuple(
    np.dtype(t) for t in ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8")
)
"""Every areaDetector data type, in native byte order."""


class FrameKind(StrEnum):
    """What the camera was taking; the words are those of tomoScan's FrameType."""

    PROJECTION = "Projection"
    DARK = "DarkField"
    FLAT = "FlatField"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One image, oriented: rows are z, columns are perpendicular to the axis."""

    id: int
    """Unwrapped: grows without bound."""
    data: NDArray[np.generic]
    """(n_z, n_x), counts. Not modified after it was made."""
    timestamp_s: float
    """When it was taken, seconds since 1970, the source's clock."""
    arrived_s: float
    """When it came, seconds since 1970, our clock."""
    kind: FrameKind = FrameKind.PROJECTION
    angle_deg: float | None = None
    """Where the source itself says the angle."""

    def __post_init__(self) -> None:
        if self.data.ndim != 2 or self.data.size == 0:
            raise MalformedFrameError(
                f"frame {self.id}: expected (n_z, n_x) pixels, got {self.data.shape}",
                reason="empty",
            )
        if self.data.dtype not in PIXEL_TYPES:
            raise MalformedFrameError(
                f"frame {self.id}: expected an integer or float type, "
                f"got {self.data.dtype}"
            )


class IdWrap(StrEnum):
    """How the camera's ids start again."""

    AUTO = "auto"
    """A fall from just below 65536 to just above 0 is a wrap, any other is not."""
    NONE = "none"
    BITS16 = "16-bit"
    """0 follows 65535."""
    GIGE = "gige"
    """1 follows 65535; GigE Vision block ids reserve 0."""


class IdUnwrapper:
    """Turn a camera's ids into ones that grow without bound.

    Owned by one thread. Ids may be lost around a wrap; a fall that is not a wrap is
    given back as a smaller id, for the caller to judge.
    """

    _NEAR = 4096

    def __init__(self, wrap: IdWrap = IdWrap.AUTO) -> None:
        self._wrap = wrap
        self._offset = 0
        self._last: int | None = None

    def unwrap(self, camera_id: int) -> int:
        """Give the unwrapped id; the next one is judged by it."""
        unwrapped = self.preview(camera_id)
        self._offset, self._last = unwrapped - camera_id, camera_id
        return unwrapped

    def preview(self, camera_id: int) -> int:
        """Give the unwrapped id of a frame that may turn out to be impossible."""
        if self._last is None or self._wrap is IdWrap.NONE:
            return camera_id + self._offset
        turns = self._turns(self._last, camera_id)
        return camera_id + self._offset + self._period() * turns

    def nearest(self, camera_id: int) -> int:
        """Give the unwrapped id nearest to the last one; for FirstProjid and the like.

        A number above 65535 does not wrap, nor does any where no wrap was seen.
        """
        if self._last is None or not 0 <= camera_id <= 65535:
            return camera_id
        near = self.preview(camera_id)
        is_ahead = near - (self._last + self._offset) > 32768
        return near - self._period() if is_ahead and self._offset else near

    def restart(self) -> None:
        """Forget the past: the source has started its ids anew."""
        self._offset, self._last = 0, None

    def _period(self) -> int:
        return 65535 if self._wrap is IdWrap.GIGE else 65536

    def _turns(self, last: int, now: int) -> int:
        if max(last, now) > 65535:
            return 0
        if self._wrap is IdWrap.AUTO:
            near, far = self._NEAR, 65536 - self._NEAR
            if last >= far and now < near:
                return 1
            return -1 if self._offset and last < near and now >= far else 0
        # Half a period is the farthest that a late or lost id can be away.
        if now - last < -32768:
            return 1
        return -1 if self._offset and now - last > 32768 else 0
