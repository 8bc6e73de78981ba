"""What comes from outside, in the order in which it comes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tomostream.core.frame import FrameKind
from tomostream.core.health import RejectReason


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageArrival:
    """An image as it stood on the wire; its pixels are decoded by who needs them."""

    camera_id: int
    """The source's uniqueId, which may wrap or start again."""
    timestamp_s: float
    """When it was taken, seconds since 1970, the source's clock; 0: unknown."""
    arrived_s: float
    """When it came, seconds since 1970, our clock."""
    pixels: Callable[[], NDArray[np.generic]]
    """Decode and orient: (n_z, n_x), counts. Raises MalformedFrameError."""
    n_bytes: int = 0
    """What it holds in memory while it waits, as it stood on the wire."""
    codec: str = ""
    """Of the bytes on the wire; empty: not compressed."""
    binning_x: float = 0.0
    """Detector pixels per column, as the dimension says; 0: not said."""
    offset_x: float = 0.0
    """First column of the region, in binned pixels, as the dimension says."""
    kind: FrameKind | None = None
    """Where the source itself says what was taken."""
    angle_deg: float | None = None
    """Where the source itself says the angle."""
    attributes: Mapping[str, float | int | str] = field(
        default_factory=dict[str, float | int | str]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldArrival:
    """An averaged dark or flat field."""

    kind: Literal[FrameKind.DARK, FrameKind.FLAT]
    values: NDArray[np.float32]
    """(n_pixels,), counts, row-major; the frame's shape is judged by its length."""
    size_x: int
    size_y: int
    """As announced; 0 where the put of the sizes has not come yet."""
    arrived_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TableArrival:
    """A new angle table."""

    values: NDArray[np.floating]
    """(n_angles,), degrees; not copied, and may be empty."""
    arrived_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstIdArrival:
    """A new FirstProjid."""

    first_id: int
    arrived_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameTypeArrival:
    """The camera takes frames of this kind from now on."""

    kind: FrameKind
    timestamp_s: float
    """Of the change, the IOC's clock."""
    arrived_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedArrival:
    """Something came on the image channel that is no image."""

    reason: RejectReason
    message: str
    arrived_s: float
    camera_id: int | None = None
    """The source's uniqueId, where it could be read: that id is not missing."""


class SourceRole(StrEnum):
    """What the loss of a source is the loss of."""

    IMAGE = "image"
    """Frames."""
    TABLE = "table"
    """Angle tables."""
    SCAN = "scan"
    """FirstProjid and FrameType."""
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionArrival:
    """A source has come or gone."""

    source: str
    """Channel or PV name."""
    is_connected: bool
    arrived_s: float
    role: SourceRole = SourceRole.OTHER


Arrival = (
    ImageArrival
    | FieldArrival
    | TableArrival
    | FirstIdArrival
    | FrameTypeArrival
    | RejectedArrival
    | ConnectionArrival
)
"""All that the one ordered queue carries."""
