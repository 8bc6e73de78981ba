"""From arrivals to frames that have an id, a kind and a place in their scan."""

import math
from collections import deque
from dataclasses import dataclass

from tomostream.core.arrivals import (
    ConnectionArrival,
    FirstIdArrival,
    FrameTypeArrival,
    ImageArrival,
    RejectedArrival,
    SourceRole,
    TableArrival,
)
from tomostream.core.errors import NoAngleError
from tomostream.core.frame import FrameKind
from tomostream.core.health import RejectReason
from tomostream.core.schedule import Assignment, TableAwaitedError
from tomostream.service.angles import AngleBook
from tomostream.service.frame_types import FrameTypeTimeline
from tomostream.service.ids import IdTracker
from tomostream.service.settings import ServiceSettings
from tomostream.service.tally import FrameTally


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedImage:
    """A projection whose id is believed."""

    image: ImageArrival
    id: int
    """Unwrapped."""
    epoch: int
    """Counts how often the source has begun to count anew."""

    @property
    def taken_s(self) -> float:
        """When it was taken, or, where that is unknown, when it came."""
        taken_s = self.image.timestamp_s
        return taken_s if 0 < taken_s < math.inf else self.image.arrived_s


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedImage:
    """A projection with its place in its scan, not decoded yet."""

    tracked: TrackedImage
    assignment: Assignment

    @property
    def filling(self) -> tuple[int, int]:
        """What all frames of one filling of the ring have in common."""
        return self.tracked.epoch, self.assignment.version


class Intake:
    """Judge images by id, kind and angle. Owned by the loop's thread."""

    def __init__(self, settings: ServiceSettings, tally: FrameTally) -> None:
        self._settings = settings
        self._tally = tally
        self._ids = IdTracker(
            wrap=settings.id_wrap, max_jump=settings.max_id_jump,
            restart_after=settings.restart_after,
        )  # fmt: skip
        self._kinds = FrameTypeTimeline(guard_s=settings.frame_type_guard_s)
        self.angles = AngleBook(settings)
        self._held: deque[TrackedImage] = deque()
        self._held_bytes = 0
        self._epoch = 0
        self._first_id: tuple[int | None, int] = None, 0
        self.problem = ""
        """Why the last frame has no angle; empty where it has."""

    @property
    def held(self) -> int:
        """Frames that wait for their angle table."""
        return len(self._held)

    def begin(self) -> None:
        """Begin a session: a fixed step counts from its first frame."""
        self.angles.begin()
        self.problem = ""

    def take_frame_type(self, arrival: FrameTypeArrival) -> None:
        """Take a change of FrameType."""
        known = arrival.timestamp_s > 0
        at_s = arrival.timestamp_s if known else arrival.arrived_s
        self._kinds.add(arrival.kind, at_s)

    def take_image(
        self, image: ImageArrival, *, is_running: bool, dropped: int
    ) -> PlacedImage | None:
        """Take an image; give it back where it can be used now.

        Parameters
        ----------
        is_running
            Whether a session wants it; ids are followed in any case.
        dropped
            Images that the queue has dropped until now.
        """
        self.angles.notice_frame()
        track = self._ids.track(image.camera_id, image.timestamp_s)
        self._tally.miss(track.missing, dropped=dropped)
        if track.is_restart:
            self._begin_epoch()
        if not is_running:
            self._tally.reject(RejectReason.IDLE, "no session is running")
        elif track.fault is not None:
            self._tally.reject(track.fault, track.message)
        else:
            tracked = TrackedImage(image=image, id=track.id, epoch=self._epoch)
            if self._is_projection(tracked):
                return self._place_or_hold(tracked)
        return None

    def take_rejected(self, arrival: RejectedArrival) -> None:
        """Count what is no image; its id has come all the same."""
        self._tally.reject(arrival.reason, arrival.message)
        if arrival.camera_id is not None:
            self._ids.refuse(arrival.camera_id)

    def take_table(self, arrival: TableArrival, *, now_s: float) -> list[PlacedImage]:
        """Take a table; give the held images that it places."""
        return self._release() if self.angles.take_table(arrival, now_s=now_s) else []

    def take_first_id(
        self, arrival: FirstIdArrival, *, now_s: float
    ) -> list[PlacedImage]:
        """Take a FirstProjid; give the held images that it places."""
        said, unwrapped = self._first_id
        # A record that is connected anew says the same again, also after a wrap: the
        # scan is the old one as long as that gives the newest frame an angle.
        if arrival.first_id != said or not self.angles.covers(self._ids.newest):
            unwrapped = self._ids.nearest(arrival.first_id)
            self._first_id = arrival.first_id, unwrapped
        is_placing = self.angles.take_first_id(unwrapped, now_s=now_s)
        return self._release() if is_placing else []

    def take_connection(self, arrival: ConnectionArrival, *, now_s: float) -> None:
        """Note who is there to tell angles."""
        if arrival.is_connected:
            self.angles.find(arrival.role, now_s=now_s)
        elif arrival.role is not SourceRole.OTHER:
            self.angles.lose(arrival.role)

    def settle(self, *, now_s: float) -> list[PlacedImage]:
        """Give the held images for which no other table is expected any more."""
        return self._release() if self.angles.settle(now_s=now_s) else []

    def abandon(self, reason: RejectReason, message: str) -> None:
        """Give up what is held."""
        self._tally.reject(reason, message, count=len(self._held))
        self._held.clear()
        self._held_bytes = 0

    def _begin_epoch(self) -> None:
        self._epoch += 1
        said, _ = self._first_id
        self.abandon(RejectReason.NO_ANGLE, "the source counts anew")
        self.angles.restart(said)
        # A scan that begins with the count's first id does so in this count too.
        kept = said if said is not None and said <= 1 else None
        self._first_id = kept, kept or 0

    def _is_projection(self, tracked: TrackedImage) -> bool:
        kind = tracked.image.kind or self._kinds.kind_at(tracked.taken_s)
        if kind is FrameKind.PROJECTION:
            return True
        if kind is None:
            self._tally.reject(
                RejectReason.GUARD, f"frame {tracked.id}: near a change of FrameType"
            )
        else:
            self._tally.reject(RejectReason.FRAME_TYPE, f"frame {tracked.id}: {kind}")
        return False

    def _place_or_hold(self, tracked: TrackedImage) -> PlacedImage | None:
        try:
            assignment = self.angles.place(tracked.id, tracked.image.angle_deg)
        except TableAwaitedError as exc:
            self.problem = str(exc)
            self._hold(tracked)
        except NoAngleError as exc:
            self.problem = str(exc)
            self._tally.reject(RejectReason.NO_ANGLE, str(exc))
        else:
            self.problem = ""
            return PlacedImage(tracked=tracked, assignment=assignment)
        return None

    def _hold(self, tracked: TrackedImage) -> None:
        self._held.append(tracked)
        self._held_bytes += tracked.image.n_bytes
        while len(self._held) > self._settings.held_frames or (
            self._held_bytes > self._settings.held_bytes
        ):
            oldest = self._held.popleft()
            self._held_bytes -= oldest.image.n_bytes
            self._tally.reject(
                RejectReason.NO_ANGLE, f"frame {oldest.id}: its angle table never came"
            )

    def _release(self) -> list[PlacedImage]:
        waiting, self._held = self._held, deque()
        self._held_bytes = 0
        placed = [self._place_or_hold(tracked) for tracked in waiting]
        return [image for image in placed if image is not None]
