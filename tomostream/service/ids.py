"""Which ids can be true: gaps, repeats, steps back, and sources that count anew."""

from dataclasses import dataclass

from tomostream.core.frame import IdUnwrapper, IdWrap
from tomostream.core.health import RejectReason


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedId:
    """What is to be thought of a frame's id."""

    id: int
    """Unwrapped."""
    fault: RejectReason | None = None
    message: str = ""
    missing: int = 0
    """Ids that were skipped before it."""
    is_restart: bool = False
    """The source counts anew, from about here."""


class IdTracker:
    """Follow the ids of one source. Owned by the loop's thread.

    An id that lies 1 to `max_jump` above the newest one is believed. Any other is
    off the track and costs its frame, for one such id says nothing: were it believed,
    every later frame would be "backwards". When `restart_after` frames go on off the
    track, with growing ids and time stamps that are not older than the track's, the
    source is believed: further up it has lost frames (an outage), further down it
    counts anew. Frames that a network sends a second time have old time stamps; ten
    times as many of these are needed.
    """

    _REMEMBERED = 4096
    _OLD_TIMES = 10

    def __init__(
        self, *, wrap: IdWrap = IdWrap.AUTO, max_jump: int, restart_after: int
    ) -> None:
        self._unwrapper = IdUnwrapper(wrap)
        self._max_jump = max_jump
        self._restart_after = restart_after
        self._newest: int | None = None
        self._newest_s = 0.0
        self._seen = [-1] * self._REMEMBERED
        self._refused: set[int] = set()
        self._run_last: int | None = None
        self._run_length = 0
        self._run_fresh = 0

    def track(self, camera_id: int, timestamp_s: float) -> TrackedId:
        """Judge the next frame's id; time stamp 0: unknown."""
        if camera_id < 0:
            return TrackedId(
                id=camera_id, fault=RejectReason.MALFORMED,
                message=f"frame id {camera_id}: expected 0 or more",
            )  # fmt: skip
        if self._newest is None:
            return self._believe(camera_id, timestamp_s, missing=0)
        step = self._unwrapper.preview(camera_id) - self._newest
        if 1 <= step <= self._max_jump:
            return self._believe(camera_id, timestamp_s, missing=step - 1)
        if self._has_gone_on(camera_id, timestamp_s):
            if step > 0:
                return self._believe(camera_id, timestamp_s, missing=step - 1)
            return self._restart(camera_id, timestamp_s)
        return self._doubt(camera_id, step)

    def refuse(self, camera_id: int) -> None:
        """Note that an id has come, with what is no image: no more than that.

        The image itself may still follow with the same id, where a server posts an
        array's parts one after the other.
        """
        if self._newest is None or camera_id < 0:
            return
        unwrapped = self._unwrapper.preview(camera_id)
        is_near = 1 <= unwrapped - self._newest <= self._max_jump
        if is_near and len(self._refused) < self._REMEMBERED:
            self._refused.add(unwrapped)

    @property
    def newest(self) -> int | None:
        """The id believed last, unwrapped."""
        return self._newest

    def nearest(self, first_id: int) -> int:
        """Give a FirstProjid in the unwrapped counting: it wraps as the ids do."""
        return self._unwrapper.nearest(first_id)

    def _believe(
        self, camera_id: int, timestamp_s: float, *, missing: int
    ) -> TrackedId:
        unwrapped = self._unwrapper.unwrap(camera_id)
        missing -= sum(refused < unwrapped for refused in self._refused)
        self._refused.clear()
        self._newest = unwrapped
        self._newest_s = timestamp_s
        self._seen[unwrapped % self._REMEMBERED] = unwrapped
        self._run_last, self._run_length = None, 0
        return TrackedId(id=unwrapped, missing=missing)

    def _restart(self, camera_id: int, timestamp_s: float) -> TrackedId:
        self._unwrapper.restart()
        self._refused.clear()
        self._seen = [-1] * self._REMEMBERED
        believed = self._believe(camera_id, timestamp_s, missing=0)
        return TrackedId(id=believed.id, is_restart=True)

    def _has_gone_on(self, camera_id: int, timestamp_s: float) -> bool:
        last, self._run_last = self._run_last, camera_id
        if last is None or not 1 <= camera_id - last <= self._max_jump:
            self._run_length = self._run_fresh = 0
        self._run_length += 1
        is_old = 0 < timestamp_s < self._newest_s
        self._run_fresh = 0 if is_old else self._run_fresh + 1
        # Clocks can be set back too, so that even old frames are believed in the end.
        return (
            self._run_fresh >= self._restart_after
            or self._run_length >= self._OLD_TIMES * self._restart_after
        )

    def _doubt(self, camera_id: int, step: int) -> TrackedId:
        unwrapped = self._unwrapper.preview(camera_id)
        if step > 0:
            fault = RejectReason.MALFORMED
            message = f"frame id {camera_id}: jumps by {step}"
        elif self._seen[unwrapped % self._REMEMBERED] == unwrapped:
            fault, message = RejectReason.REPEATED, f"frame id {camera_id}: came before"
        else:
            fault = RejectReason.BACKWARDS
            message = f"frame id {camera_id}: {self._newest} came before it"
        return TrackedId(id=unwrapped, fault=fault, message=message)
