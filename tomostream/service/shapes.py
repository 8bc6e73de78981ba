"""One stray frame must not empty the ring; two of a new size mean a new size."""

from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from tomostream.service.layout import FrameLayout

T = TypeVar("T")

FrameType = tuple[FrameLayout, np.dtype[np.generic]]
"""What has to be the same in all frames of a ring."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission(Generic[T]):
    """What may go on, in order, and what was a stray."""

    admitted: tuple[T, ...] = ()
    stray: tuple[T, ...] = ()


class ShapeGate(Generic[T]):
    """Let frames of the usual size and type through. Owned by the loop's thread.

    The first frame says what is usual. A frame of another size waits for the next
    one: of the same new size, and both are the beginning of something; of any other,
    and it was a stray.
    """

    def __init__(self) -> None:
        self._usual: FrameType | None = None
        self._waiting: tuple[FrameType, T] | None = None

    def admit(self, frame: T, frame_type: FrameType) -> Admission[T]:
        """Take the next frame."""
        waiting, self._waiting = self._waiting, None
        if self._usual is None:
            self._usual = frame_type
        if frame_type == self._usual:
            stray = () if waiting is None else (waiting[1],)
            return Admission(admitted=(frame,), stray=stray)
        if waiting is not None and waiting[0] == frame_type:
            self._usual = frame_type
            return Admission(admitted=(waiting[1], frame))
        self._waiting = (frame_type, frame)
        return Admission(stray=() if waiting is None else (waiting[1],))

    @property
    def waiting(self) -> int:
        """Frames that wait for the next one, 0 or 1."""
        return 0 if self._waiting is None else 1

    def reset(self) -> Admission[T]:
        """Forget what is usual, and give up what waits."""
        waiting, self._waiting = self._waiting, None
        self._usual = None
        return Admission(stray=() if waiting is None else (waiting[1],))
