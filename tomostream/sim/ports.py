"""What the camera needs: a scene before it, a way out, an operator, and an end."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tomostream.core.frame import FrameKind

F32 = NDArray[np.float32]


class Scene(Protocol):
    """What stands before the camera."""

    def projection(self, index: int, time_s: float) -> NDArray[np.generic]:
        """Give the frame at that row of the angle table; valid until the next call."""
        ...

    def field_frame(self, kind: FrameKind) -> NDArray[np.generic] | None:
        """Give a dark or flat frame; None where there is none."""
        ...

    def mean_field(self, kind: FrameKind) -> F32 | None:
        """Give the averaged dark or flat; None where there is none."""
        ...

    def table(self, least: int) -> F32:
        """Give at least that many angles, a whole number of periods, degrees."""
        ...

    def prepare(self) -> bool:
        """Do a little work ahead; tell whether any was left."""
        ...

    def set_angles(self, n_angles: int) -> None:
        """Turn in other steps from the next frame on; without effect on a file's."""
        ...

    def set_binning(self, binning: int) -> None:
        """Give frames and fields binned by this from now on."""
        ...


class Wire(Protocol):
    """The way out: channels and records."""

    def send_frame(
        self, pixels: NDArray[np.generic], *, camera_id: int, taken_s: float
    ) -> None:
        """Publish a frame."""
        ...

    def send_field(self, kind: FrameKind, field: F32) -> None:
        """Publish an averaged dark or flat."""
        ...

    def send_table(self, table_deg: F32) -> None:
        """Publish the angle table."""
        ...

    def set_binning(self, binning: int) -> None:
        """Announce later frames as binned by this."""
        ...

    def set_connected(self, is_connected: bool) -> None:
        """Take all channels away, or give them back with what they last held."""
        ...


class Operator(Protocol):
    """The records, as `sim.tomoscan.TomoScan` serves them."""

    @property
    def rate_hz(self) -> float:
        """The wanted rate."""
        ...

    @property
    def is_running(self) -> bool:
        """Whether frames are wanted."""
        ...

    @property
    def wants_retake(self) -> bool:
        """Whether dark and flat are to be taken again."""
        ...

    def end_retake(self) -> None:
        """Let the retake command fall back."""
        ...

    @property
    def n_angles(self) -> int:
        """Angles in 180 degrees that the next StreamSync takes over."""
        ...

    @property
    def wants_sync(self) -> bool:
        """Whether the new step is to be taken over, while the sample turns."""
        ...

    def end_sync(self) -> None:
        """Let the sync command fall back."""
        ...

    @property
    def binning(self) -> int:
        """The wanted binning: 1, 2 or 4."""
        ...

    def set_frame_type(self, kind: FrameKind) -> None:
        """Say what the camera takes from now on."""
        ...

    def set_first_id(self, first_id: int) -> None:
        """Write FirstProjid."""
        ...

    def say(self, message: str) -> None:
        """Write StreamMessage."""
        ...

    def report(self, *, frames_sent: int, rate_hz: float, slipped_s: float) -> None:
        """Write what was done."""
        ...


class Stop(Protocol):
    """The wish to end."""

    def wait(self, timeout_s: float) -> bool:
        """Wait for it; tell whether it came."""
        ...
