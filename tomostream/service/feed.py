"""From the queue into the ring, frame by frame, within the time for it."""

import logging
import math
from collections import deque
from collections.abc import Collection
from typing import assert_never

from tomostream.core.arrivals import (
    Arrival,
    ConnectionArrival,
    FieldArrival,
    FirstIdArrival,
    FrameTypeArrival,
    ImageArrival,
    RejectedArrival,
    TableArrival,
)
from tomostream.core.errors import MalformedFrameError
from tomostream.core.frame import Frame
from tomostream.core.health import RejectReason
from tomostream.core.ports import Clock
from tomostream.runtime.queues import ArrivalQueue
from tomostream.service.fields import FieldBook
from tomostream.service.filling import DecodedFrame
from tomostream.service.intake import Intake, PlacedImage
from tomostream.service.reconstruction import Reconstruction
from tomostream.service.settings import ServiceSettings
from tomostream.service.shapes import Admission, ShapeGate
from tomostream.service.tally import FrameTally, counted_as

logger = logging.getLogger(__name__)

_LEAST_WIDTH = 4
"""Columns; narrower frames cannot be filtered."""

_MOST_HELD_BACK = 512
"""Frames that wait for a FrameType at most."""


class Feed:
    """Take arrivals in their order and put frames into the ring.

    Owned by the loop's thread.
    """

    def __init__(
        self, arrivals: ArrivalQueue, recon: Reconstruction, *,
        settings: ServiceSettings, clock: Clock, fields: FieldBook, tally: FrameTally,
    ) -> None:  # fmt: skip
        self._arrivals = arrivals
        self._recon = recon
        self._settings = settings
        self._clock = clock
        self._fields = fields
        self._tally = tally
        self.intake = Intake(settings, tally)
        self._gate: ShapeGate[DecodedFrame] = ShapeGate()
        self._pending: deque[Arrival | PlacedImage] = deque()
        # Until a source says that it is there, it is waited for.
        self._disconnected = dict.fromkeys(settings.sources.values())
        self.is_open = False
        """Whether a session wants the frames."""
        self.is_paused = False
        """Whether frames are not to be used for now."""
        self.decimation = 1
        self.longest_wait_s = math.inf
        """Frames that have waited longer are left out where others wait behind."""

    def begin(self) -> None:
        """Want the frames that come from now on."""
        self.intake.begin()
        self._forget(RejectReason.SIZE)
        self.is_open = True
        self.decimation = 1
        self.longest_wait_s = math.inf

    def end(self) -> None:
        """Want no more frames; fields, tables and ids are followed all the same."""
        self.is_open = False
        self._forget(RejectReason.IDLE)

    def take(self, until_s: float) -> int:
        """Take what has come; stop at that monotonic time.

        Returns
        -------
        int
            Arrivals that were taken.
        """
        if not self._pending or self._settings.frame_type_guard_s > 0:
            # With a guard always: what has come decides about the frames that wait.
            self._drain()
        self._settle()
        taken = 0
        while self._pending and (taken == 0 or self._clock.monotonic_s() < until_s):
            if self._is_held_back(self._pending[0]):
                break
            self._take(self._pending.popleft())
            taken += 1
        self._recon.flush()
        return taken

    @property
    def depth(self) -> int:
        """Frames that wait in the queue, or were drained and not looked at yet."""
        return self._arrivals.depth + len(self._pending)

    @property
    def held(self) -> int:
        """Frames that wait for their table, for a second one of their size, or here."""
        pending = sum(isinstance(p, PlacedImage) for p in self._pending)
        return self.intake.held + self._gate.waiting + pending

    @property
    def oldest_arrived_s(self) -> float | None:
        """When the frame came that has waited longest for its turn."""
        for arrival in self._pending:
            if isinstance(arrival, ImageArrival):
                return arrival.arrived_s
        return self._arrivals.oldest_arrived_s

    @property
    def fullness(self) -> float:
        """Share of the queue's room for images that is in use, 0 to 1."""
        return self._arrivals.fullness

    @property
    def disconnected(self) -> Collection[str]:
        """Sources that are not there."""
        return self._disconnected.keys()

    @property
    def notes(self) -> list[str]:
        """What an operator should know about the sources."""
        lost, superseded = ", ".join(self._disconnected), self._arrivals.superseded
        notes = [f"not connected: {lost}"] if lost else []
        if superseded:
            notes.append(f"{superseded} fields or tables came too fast to be used")
        return notes

    def _is_held_back(self, arrival: Arrival | PlacedImage) -> bool:
        """Tell whether the FrameType of this frame may still be on its way."""
        if not isinstance(arrival, ImageArrival):
            return False
        waited_s = self._clock.now_s() - arrival.arrived_s
        return 0.0 <= waited_s < self._settings.frame_type_guard_s

    def _drain(self) -> None:
        limit = self._settings.batch_frames * self.decimation
        if self._settings.frame_type_guard_s > 0:
            # Frames that are held back must not keep a FrameType behind them from
            # being seen, nor pile up here.
            limit = max(_MOST_HELD_BACK - len(self._pending), 0)
        drained = self._arrivals.drain(limit)
        self._pending.extend(drained)
        # Frames are matched by time, and a change of FrameType often comes a moment
        # after the first frames that were taken after it.
        for arrival in drained:
            if isinstance(arrival, FrameTypeArrival):
                self.intake.take_frame_type(arrival)

    def _take(self, arrival: Arrival | PlacedImage) -> None:
        match arrival:
            case PlacedImage():
                self._take_placed(arrival)
            case ImageArrival():
                self._take_image(arrival)
            case RejectedArrival():
                self._tally.taken += 1
                self.intake.take_rejected(arrival)
            case FieldArrival():
                self._recon.take_field(arrival)
            case ConnectionArrival():
                self._take_connection(arrival)
            case FrameTypeArrival():
                pass
            case TableArrival() | FirstIdArrival():
                self._take_angles(arrival)
            case _:
                assert_never(arrival)

    def _take_image(self, image: ImageArrival) -> None:
        self._tally.taken += 1
        placed = self.intake.take_image(
            image, is_running=self.is_open, dropped=self._arrivals.dropped
        )
        if placed is not None:
            self._take_placed(placed, is_late=self._is_late(image))

    def _is_late(self, image: ImageArrival) -> bool:
        guard_s = self._settings.frame_type_guard_s
        waited_s = self._clock.now_s() - image.arrived_s - guard_s
        return waited_s > self.longest_wait_s and self.depth > 0

    def _take_angles(self, arrival: TableArrival | FirstIdArrival) -> None:
        now_s = self._clock.monotonic_s()
        if isinstance(arrival, FirstIdArrival):
            released = self.intake.take_first_id(arrival, now_s=now_s)
        else:
            released = self.intake.take_table(arrival, now_s=now_s)
        self._use_released(released)

    def _settle(self) -> None:
        # What was released before has its angles of what was known then, and is first.
        if not self._pending or not isinstance(self._pending[0], PlacedImage):
            self._use_released(self.intake.settle(now_s=self._clock.monotonic_s()))

    def _use_released(self, released: list[PlacedImage]) -> None:
        if self.intake.angles.has_misplaced():
            logger.warning("ring emptied: its newest frames are of the next scan")
            self._recon.empty()
        self._pending.extendleft(reversed(released))

    def _take_connection(self, arrival: ConnectionArrival) -> None:
        self.intake.take_connection(arrival, now_s=self._clock.monotonic_s())
        if arrival.is_connected:
            self._disconnected.pop(arrival.source, None)
        else:
            self._disconnected[arrival.source] = None

    def _take_placed(self, placed: PlacedImage, *, is_late: bool = False) -> None:
        if not self.is_open:
            self._tally.reject(RejectReason.IDLE, "no session is running")
        elif self.is_paused:
            self._tally.reject(RejectReason.PAUSED, "paused")
        elif is_late or self._is_left_out(placed):
            self._tally.reject(RejectReason.DECIMATED, "overload")
        elif (decoded := self._decoded(placed)) is not None:
            admission = self._gate.admit(decoded, decoded.kind)
            self._count_strays(admission, RejectReason.SIZE)
            self._recon.enter(admission.admitted)

    def _is_left_out(self, placed: PlacedImage) -> bool:
        if self.decimation == 1:
            return False
        place = self._recon.place(placed)
        return place is not None and not place.is_taken(self.decimation)

    def _decoded(self, placed: PlacedImage) -> DecodedFrame | None:
        image, frame_id = placed.tracked.image, placed.tracked.id
        try:
            pixels = image.pixels()
            frame = Frame(
                id=frame_id, data=pixels, timestamp_s=image.timestamp_s,
                arrived_s=image.arrived_s, angle_deg=placed.assignment.angle_deg,
            )  # fmt: skip
            _check_width(frame)
        except MalformedFrameError as exc:
            self._tally.reject(counted_as(exc), str(exc))
        except Exception as exc:  # noqa: BLE001  a foreign decoder's fault, whatever it is, costs its frame and is counted
            self._tally.reject(RejectReason.MALFORMED, f"frame {frame_id}: {exc!r}")
        else:
            if self._settings.require_fields and not self._fields.has_all(pixels.size):
                self._tally.reject(RejectReason.NO_FIELDS, "dark and flat are required")
                return None
            return DecodedFrame(frame=frame, placed=placed)
        return None

    def _forget(self, reason: RejectReason) -> None:
        self.intake.abandon(RejectReason.IDLE, "no session is running")
        self._count_strays(self._gate.reset(), reason)

    def _count_strays(
        self, admission: Admission[DecodedFrame], reason: RejectReason
    ) -> None:
        for stray in admission.stray:
            n_z, n_x = stray.frame.data.shape
            self._tally.reject(
                reason,
                f"frame {stray.frame.id}: a single one of {n_z} x {n_x} "
                f"{stray.frame.data.dtype}",
            )


def _check_width(frame: Frame) -> None:
    n_x = frame.data.shape[1]
    if n_x < _LEAST_WIDTH:
        raise MalformedFrameError(
            f"frame {frame.id}: expected {_LEAST_WIDTH} columns or more, got {n_x}",
            reason=RejectReason.SIZE,
        )
