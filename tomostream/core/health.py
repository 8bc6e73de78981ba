"""The service's numbers: one name each, the same in JSON, records and docs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal


class RejectReason(StrEnum):
    """Why a frame did not enter the ring."""

    EMPTY = "empty"
    """No pixels: an empty union or a size of zero."""
    SIZE = "size"
    """A single frame of another size or type between frames of the usual one."""
    TRUNCATED = "truncated"
    """Fewer or more bytes than the dimensions say."""
    CODEC = "codec"
    """Unknown codec, or the bytes do not decode."""
    PIXELS = "pixels"
    """More than 1 % of the pixels are dead or not finite."""
    REGION = "region"
    """The region that flats are scaled by shows no light."""
    NO_ANGLE = "no_angle"
    """The id lies outside the angle table."""
    FRAME_TYPE = "frame_type"
    """A dark or flat frame on the projections' channel."""
    GUARD = "guard"
    """Taken too close to a change of FrameType to know its kind."""
    REPEATED = "repeated"
    """The id has come before."""
    BACKWARDS = "backwards"
    """The id is smaller than one that has come before."""
    DECIMATED = "decimated"
    """Left out because the machine cannot keep up."""
    IDLE = "idle"
    """Came while no session was running."""
    PAUSED = "paused"
    """Came while the lens was changed."""
    NO_FIELDS = "no_fields"
    """Came before the dark and flat that are required."""
    FAILED = "failed"
    """The reconstruction failed on it."""
    STEP = "step"
    """A processing step (phase retrieval) cannot be done for it."""
    MALFORMED = "malformed"
    """Anything else that is wrong with it."""


UNUSABLE: Mapping[RejectReason, str] = {
    RejectReason.PIXELS: "more than 1 % of the pixels are dead or not finite",
    RejectReason.REGION: "no light in the region that flats are scaled by",
    RejectReason.STEP: "phase retrieval: pixels too large for a Fourier transform",
}
"""Why an engine does not use a frame, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthNumber:
    """One number: what it counts, and in which unit."""

    name: str
    kind: Literal["integer", "number"] = "integer"
    unit: str = ""
    precision: int = 0
    alarm_high: float | None = None
    """From this value on the record's severity is MINOR."""
    help: str


def _count(name: str, text: str, *, alarm_high: float | None = None) -> HealthNumber:
    return HealthNumber(name=name, help=text, alarm_high=alarm_high)


def _value(name: str, unit: str, text: str) -> HealthNumber:
    return HealthNumber(name=name, kind="number", unit=unit, precision=2, help=text)


HEALTH_NUMBERS: tuple[HealthNumber, ...] = (
    _count("frames_received", "Frames that came from the source."),
    _count("frames_missing", "Ids that never came (gaps)."),
    _count("frames_dropped", "Frames that a full queue lost."),
    *(_count(f"rejected_{r}", f"Frames not used, reason: {r}.") for r in RejectReason),
    _count("pixels_repaired", "Dead or not finite pixels that were interpolated."),
    _count("slots_filled", "Ring slots that hold a projection."),
    _count("slots_total", "Ring slots."),
    _count("slots_stale", "Ring slots whose projection should have been replaced."),
    _value("coverage_deg", "deg", "Angle that the ring covers."),
    _value("frame_rate_hz", "Hz", "Frames received per second."),
    _value("publish_rate_hz", "Hz", "Publications per second."),
    _count("queue_depth", "Frames waiting."),
    _count("decimation", "Every how many frames one is used.", alarm_high=2),
    _value("latency_p50_ms", "ms", "Time stamp to published slice, median."),
    _value("latency_p99_ms", "ms", "Time stamp to published slice, 99th percentile."),
    _value("arrival_p50_ms", "ms", "Arrival to published slice, median."),
    _value("arrival_p99_ms", "ms", "Arrival to published slice, 99th percentile."),
    _count("views_failed", "Views beside the slices that could not be made."),
    _value("clock_offset_ms", "ms", "Lead of the source's clock over ours, where seen (negative latencies)."),
    _value("recon_ms", "ms", "Reconstruction time per frame, recent mean."),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """A snapshot of the numbers."""

    frames_received: int = 0
    frames_missing: int = 0
    frames_dropped: int = 0
    rejected: Mapping[RejectReason, int] = field(
        default_factory=dict[RejectReason, int]
    )
    pixels_repaired: int = 0
    slots_filled: int = 0
    slots_total: int = 0
    slots_stale: int = 0
    coverage_deg: float = 0.0
    frame_rate_hz: float = 0.0
    publish_rate_hz: float = 0.0
    queue_depth: int = 0
    decimation: int = 1
    latency_p50_ms: float = 0.0
    latency_p99_ms: float = 0.0
    arrival_p50_ms: float = 0.0
    arrival_p99_ms: float = 0.0
    views_failed: int = 0
    clock_offset_ms: float = 0.0
    recon_ms: float = 0.0

    def flat(self) -> dict[str, float | int]:
        """Give every number by its name, in the order of `HEALTH_NUMBERS`."""
        numbers: dict[str, float | int] = {}
        for number in HEALTH_NUMBERS:
            if number.name.startswith("rejected_"):
                reason = RejectReason(number.name.removeprefix("rejected_"))
                numbers[number.name] = self.rejected.get(reason, 0)
            else:
                numbers[number.name] = getattr(self, number.name)
        return numbers


def camel_case(name: str) -> str:
    """Give the record's name of a health number.

    >>> camel_case("latency_p99_ms")
    'LatencyP99Ms'
    """
    return "".join(part.capitalize() for part in name.split("_"))
