"""An NTNDArray on the wire -> an image arrival.

In the callback of the library only the header is read (some 20 us); whether the bytes
decode, and into what, is found by who calls `ImageArrival.pixels`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import numpy as np
import pvaccess
from numpy.typing import NDArray

from tomostream.core.arrivals import ImageArrival, RejectedArrival
from tomostream.core.errors import MalformedFrameError
from tomostream.core.health import RejectReason
from tomostream.core.orientation import Orientation
from tomostream.epics.compression import decompress

TimeField = Literal["timeStamp", "dataTimeStamp"]

SCALAR_TYPES: Mapping[int, np.dtype[np.generic]] = {
    code: np.dtype(name)
    for code, name in (
        (1, "i1"), (2, "i2"), (3, "i4"), (4, "i8"), (5, "u1"), (6, "u2"), (7, "u4"),
        (8, "u8"), (9, "f4"), (10, "f8"),
    )
}  # fmt: skip
"""pvData's numbers of scalar types; codec.parameters holds one of them."""

UNION_FIELDS: Mapping[np.dtype[np.generic], str] = {
    np.dtype(letter): f"{name}Value"
    for letter, name in (
        ("i1", "byte"), ("u1", "ubyte"), ("i2", "short"), ("u2", "ushort"),
        ("i4", "int"), ("u4", "uint"), ("i8", "long"), ("u8", "ulong"),
        ("f4", "float"), ("f8", "double"),
    )
}  # fmt: skip
"""The member of NTNDArray's value for each type."""
_PIXEL_FIELDS = frozenset(UNION_FIELDS.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageReader:
    """What to read from the source's NTNDArrays, and how the camera stands."""

    orientation: Orientation = field(default_factory=Orientation)
    angle_attribute: str | None = None
    """Name of the NDAttribute that holds the angle in degrees, where there is one."""
    time_field: TimeField = "timeStamp"
    """What says when a frame was taken; the other one where this one is 0.

    areaDetector's timeStamp is the IOC's clock, which tomoScan's FrameType has too;
    dataTimeStamp is the camera's own, where the driver sets it.
    """

    def read(
        self, pv: pvaccess.PvObject, arrived_s: float
    ) -> ImageArrival | RejectedArrival:
        """Give what came: an image, or why it is none. Raises nothing.

        Parameters
        ----------
        pv
            As the monitor's callback gets it. Its arrays outlive the callback, the
            object itself is written anew for the next event.
        arrived_s
            Seconds since 1970.
        """
        camera_id = None
        try:
            camera_id = pv.getInt("uniqueId")
            return self._image(pv, camera_id, arrived_s)
        except MalformedFrameError as exc:
            reason, message = RejectReason(exc.reason), str(exc)
        except (pvaccess.PvaException, LookupError, TypeError, ValueError) as exc:
            reason = RejectReason.MALFORMED
            message = f"image: expected an NTNDArray, got something else: {exc}"
        return RejectedArrival(
            reason=reason, message=message, arrived_s=arrived_s, camera_id=camera_id
        )

    def _image(
        self, pv: pvaccess.PvObject, camera_id: int, arrived_s: float
    ) -> ImageArrival:
        data = _data(pv, camera_id)
        dimensions = pv["dimension"]
        shape = _shape(dimensions, camera_id)
        codec = pv.getString("codec.name")
        if not codec:
            _check_length(data, shape, camera_id)
        dtype = _coded_type(pv, camera_id) if codec else data.dtype
        binning_x, offset_x = _region_x(dimensions, self.orientation)
        return ImageArrival(
            camera_id=camera_id,
            timestamp_s=self._taken_s(pv),
            arrived_s=arrived_s,
            pixels=partial(
                _pixels, data, codec=codec, dtype=dtype, shape=shape,
                orientation=self.orientation,
            ),
            n_bytes=data.nbytes,
            codec=codec,
            angle_deg=self._angle_deg(pv, camera_id),
            binning_x=binning_x,
            offset_x=offset_x,
        )  # fmt: skip

    def _taken_s(self, pv: pvaccess.PvObject) -> float:
        other = "timeStamp" if self.time_field != "timeStamp" else "dataTimeStamp"
        return _seconds(pv, self.time_field) or _seconds(pv, other)

    def _angle_deg(self, pv: pvaccess.PvObject, camera_id: int) -> float | None:
        if self.angle_attribute is None:
            return None
        for attribute in pv["attribute"]:
            if attribute["name"] == self.angle_attribute:
                angle = float(attribute["value"][0]["value"])
                if np.isfinite(angle):
                    return self.orientation.angle_deg(angle)
        raise MalformedFrameError(
            f"frame {camera_id}: expected its angle in the attribute "
            f"{self.angle_attribute}, got none",
            reason=RejectReason.NO_ANGLE,
        )


def is_unpublished(pv: pvaccess.PvObject) -> bool:
    """Tell whether this is a server's initial, empty object and no frame at all."""
    try:
        return (
            pv.getInt("uniqueId") == 0
            and not pv.getSelectedUnionFieldName()
            and not pv["dimension"]
        )
    except pvaccess.PvaException:
        return False


def _data(pv: pvaccess.PvObject, camera_id: int) -> NDArray[np.generic]:
    chosen: dict[str, Any] = pv["value"][0]
    if not chosen:
        raise MalformedFrameError(
            f"frame {camera_id}: expected pixels, got an empty union",
            reason=RejectReason.EMPTY,
        )
    field, data = next(iter(chosen.items()))
    # The library gives booleans as 8-bit integers: the member's name tells.
    if field not in _PIXEL_FIELDS or not isinstance(data, np.ndarray):
        raise MalformedFrameError(
            f"frame {camera_id}: expected integers or floats, got {field}"
        )
    if data.size == 0:
        raise MalformedFrameError(
            f"frame {camera_id}: expected pixels, got none", reason=RejectReason.EMPTY
        )
    return data


def _shape(dimensions: list[dict[str, Any]], camera_id: int) -> tuple[int, int]:
    sizes = [int(d["size"]) for d in dimensions]
    if len(sizes) != 2:
        raise MalformedFrameError(
            f"frame {camera_id}: expected 2 dimensions (a mono image), got {sizes}"
        )
    if min(sizes) <= 0:
        raise MalformedFrameError(
            f"frame {camera_id}: expected a width and a height above 0, got {sizes}",
            reason=RejectReason.EMPTY,
        )
    return sizes[1], sizes[0]


def _check_length(
    data: NDArray[np.generic], shape: tuple[int, int], camera_id: int
) -> None:
    if data.size != shape[0] * shape[1]:
        raise MalformedFrameError(
            f"frame {camera_id}: expected {shape[0]} x {shape[1]} pixels, "
            f"got {data.size}",
            reason=RejectReason.TRUNCATED,
        )


def _coded_type(pv: pvaccess.PvObject, camera_id: int) -> np.dtype[np.generic]:
    parameters = pv["codec"]["parameters"][0]
    code = parameters.get("value") if isinstance(parameters, dict) else None
    dtype = SCALAR_TYPES.get(code) if isinstance(code, int) else None
    if dtype is None:
        raise MalformedFrameError(
            f"frame {camera_id}: expected the pixels' type in codec.parameters, "
            f"got {code!r}",
            reason=RejectReason.CODEC,
        )
    return dtype


def _seconds(pv: pvaccess.PvObject, field: str) -> float:
    seconds = pv.getLong(f"{field}.secondsPastEpoch")
    return float(max(seconds, 0)) + 1e-9 * pv.getInt(f"{field}.nanoseconds")


def _region_x(
    dimensions: list[dict[str, Any]], orientation: Orientation
) -> tuple[float, float]:
    """Give binning and offset of the oriented columns; (0, 0): not said validly."""
    across = dimensions[1 if orientation.axis == "rows" else 0]
    binning, offset = float(across["binning"]), float(across["offset"])
    if binning < 1:
        return 0.0, 0.0
    if orientation.flip_x:
        # Counted from the other edge, which only a valid full size tells.
        offset = across["fullSize"] / binning - across["size"] - offset
    return (binning, offset) if offset >= 0 else (0.0, 0.0)


def _pixels(
    data: NDArray[np.generic],
    *,
    codec: str,
    dtype: np.dtype[np.generic],
    shape: tuple[int, int],
    orientation: Orientation,
) -> NDArray[np.generic]:
    if codec:
        image = decompress(data.view(np.uint8), codec, dtype=dtype, shape=shape)
    else:
        image = data.reshape(shape)
    return orientation.apply(image)
