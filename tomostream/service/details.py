"""What an operator looks at when something is odd: one reading each, none kept."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tomostream.core.controls import CONTROLS, Extent
from tomostream.core.frame import FrameKind
from tomostream.core.geometry import Geometry
from tomostream.core.health import Health
from tomostream.core.ports import Clock, ControlSurface
from tomostream.service.feed import Feed
from tomostream.service.fields import FieldBook
from tomostream.service.meters import RateMeter
from tomostream.service.reconstruction import Reconstruction
from tomostream.service.session import Session, SessionState
from tomostream.service.settings import ServiceSettings
from tomostream.service.tally import FrameTally

Readings = dict[str, float | int | str]

CONNECTIONS = (
    "ImageConnection", "DarkConnection", "FlatConnection", "ThetaConnection",
    "TomoScanConnection",
)  # fmt: skip
"""Records that tell whether a source is there."""

_RECENT_S = 10.0
_NONE = "none"


@dataclass(kw_only=True)
class Details:
    """Read the parts of the loop. Changes nothing; owned by the loop's thread.

    Counters never go back, so they have no alarm: what has one says how it is now, or
    was within the last 10 s.
    """

    settings: ServiceSettings
    session: Session
    feed: Feed
    recon: Reconstruction
    fields: FieldBook
    tally: FrameTally
    clock: Clock
    _lost: "_Recent" = field(init=False)
    _faulty: "_Recent" = field(init=False)
    _frames: Readings = field(init=False)

    def __post_init__(self) -> None:
        self._lost, self._faulty = _Recent(), _Recent()
        self._frames = {
            "Angle": 0.0, "ImageWidth": 0, "ImageHeight": 0, "ImageType": _NONE,
            "Codec": _NONE,
        }  # fmt: skip

    def readings(self, health: Health, *, refusals: Sequence[str] = ()) -> Readings:
        """Give the readings by record name, to be called twice a second or so.

        Parameters
        ----------
        health
            Of the same moment.
        refusals
            Which records' values are not used, and why.
        """
        now_s = self.clock.monotonic_s()
        lost = health.frames_missing + health.frames_dropped
        faulty = self._faulty.of(self.tally.faulty, now_s)
        ledger = self.recon.ledger
        is_shown = health.publish_rate_hz > 0
        return {
            "ErrorText": "; ".join(self._errors(refusals, is_faulty=faulty > 0)),
            "ParametersRefused": len(refusals),
            "ParametersOutside": len(self.recon.misplaced),
            "BufferFill": 100 * ledger.filled / ledger.n_slots if ledger else 0.0,
            "Completeness": 100 * ledger.completeness if ledger else 0.0,
            "QueueFill": 100 * self.feed.fullness,
            "Latency": health.latency_p50_ms if is_shown else 0.0,
            "LostRecently": self._lost.of(lost, now_s),
            "RejectedRecently": faulty,
            "ScanType": self._scan_type(),
            "Memory": self.recon.memory_bytes / 2**20,
            **self._newest_frame(),
            **self._field("Dark", FrameKind.DARK),
            **self._field("Flat", FrameKind.FLAT),
            **self._connections(),
            **self.settings.hardware,
        }

    def _errors(self, refusals: Sequence[str], *, is_faulty: bool) -> list[str]:
        """Give what is wrong now, the worst first."""
        errors: list[str] = []
        if self.session.state is SessionState.FAILED:
            errors.append(self.session.reason)
        if self.feed.disconnected:
            errors.append(f"not connected: {', '.join(self.feed.disconnected)}")
        intake = self.feed.intake
        if intake.angles.problem:
            errors.append(f"angle table not used: {intake.angles.problem}")
        if is_faulty:
            errors.append(self.tally.last_fault)
        errors += refusals
        if self.recon.problem:
            errors.append(self.recon.problem)
        return [
            *errors, *self.recon.misplaced, *self.recon.parameters.problems(),
            *self.fields.notes,
        ]  # fmt: skip

    def _scan_type(self) -> str:
        newest = self.recon.newest
        if newest is not None:
            return str(newest.placed.assignment.table.kind)
        return str(self.feed.intake.angles.kind or _NONE)

    def _newest_frame(self) -> Readings:
        newest = self.recon.newest
        if newest is not None:
            height, width = newest.frame.data.shape
            self._frames = {
                "Angle": newest.placed.assignment.angle_deg,
                "ImageWidth": width,
                "ImageHeight": height,
                "ImageType": str(newest.frame.data.dtype),
                "Codec": newest.placed.tracked.image.codec or _NONE,
            }
        return self._frames

    def _field(self, name: str, kind: FrameKind) -> Readings:
        newest = self.fields.newest(kind)
        age_s = self.clock.now_s() - newest.arrived_s if newest else 0.0
        return {
            f"{name}Age": max(int(age_s), 0),
            f"{name}Shape": newest.text if newest else _NONE,
            f"{name}Match": str(self.fields.match(kind)),
        }

    def _connections(self) -> Readings:
        return {record: self._connection(record) for record in CONNECTIONS}

    def _connection(self, record: str) -> str:
        source = self.settings.sources.get(record)
        if source is None:
            return "not used"
        return "Disconnected" if source in self.feed.disconnected else "Connected"


class SizeLimits:
    """Let records that stand for a place in the frames or the volume end where it does.

    Owned by the loop's thread.
    """

    def __init__(self, controls: ControlSurface) -> None:
        self._controls = controls
        self._extents: dict[Extent, int] = {}

    def follow(self, geometry: Geometry | None) -> None:
        """Tell the records of a volume of another size; without one they keep theirs.

        To be called before values that were moved for it are written back.
        """
        if geometry is None:
            return
        extents: dict[Extent, int] = {
            "slice": geometry.n_out - 1, "row": geometry.n_z - 1,
            "column": geometry.n_x - 1, "rows": geometry.n_z, "columns": geometry.n_x,
        }  # fmt: skip
        if extents == self._extents:
            return
        self._extents = extents
        for control in CONTROLS:
            if control.extent is not None:
                self._controls.limit(control.name, low=0, high=extents[control.extent])


class _Recent:
    """Turn a counter into what it has counted of late."""

    def __init__(self) -> None:
        self._meter = RateMeter(_RECENT_S)
        self._count = 0

    def of(self, count: int, now_s: float) -> int:
        """Give how much of it came within the last 10 s."""
        self._meter.add(count - self._count, now_s)
        self._count = count
        return int(self._meter.total(now_s))
