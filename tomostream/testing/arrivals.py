"""Arrivals as sources put them, with defaults for what a test does not care about."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tomostream.core.arrivals import (
    FieldArrival,
    FirstIdArrival,
    FrameTypeArrival,
    ImageArrival,
    TableArrival,
)
from tomostream.core.frame import FrameKind


def image_arrival(
    camera_id: int,
    pixels: NDArray[Any] | None = None,
    *,
    now_s: float = 1_700_000_000.0,
    timestamp_s: float | None = None,
    **others: Any,
) -> ImageArrival:
    """Make an image, (2, 8) uint16 holding its id unless given."""
    if pixels is None:
        pixels = np.full((2, 8), camera_id % 65536, np.uint16)
    data = pixels
    return ImageArrival(
        camera_id=camera_id,
        timestamp_s=now_s if timestamp_s is None else timestamp_s,
        arrived_s=now_s,
        pixels=lambda: data,
        n_bytes=data.nbytes,
        **others,
    )


def field_arrival(
    kind: Literal[FrameKind.DARK, FrameKind.FLAT],
    value: float = 1.0,
    n_pixels: int = 16,
    *,
    shape: tuple[int, int] = (0, 0),
    now_s: float = 0.0,
) -> FieldArrival:
    """Make a field of equal values; its sizes, (rows, columns), are not put yet."""
    return FieldArrival(
        kind=kind, values=np.full(n_pixels, value, np.float32), size_x=shape[1],
        size_y=shape[0], arrived_s=now_s,
    )  # fmt: skip


def table_arrival(
    values: Sequence[float] | NDArray[Any] | None = None,
    *,
    step_deg: float = 1.0,
    count: int = 1000,
    start_deg: float = 0.0,
) -> TableArrival:
    """Make a table from values, or a continuous one from its rule, as float32."""
    if values is None:
        values = start_deg + step_deg * np.arange(count)
    return TableArrival(values=np.asarray(values, np.float32), arrived_s=0.0)


def first_id_arrival(first_id: int) -> FirstIdArrival:
    """Make a FirstProjid."""
    return FirstIdArrival(first_id=first_id, arrived_s=0.0)


def frame_type_arrival(kind: FrameKind, at_s: float) -> FrameTypeArrival:
    """Make a change of FrameType."""
    return FrameTypeArrival(kind=kind, timestamp_s=at_s, arrived_s=at_s)
