"""Bounded queues that count what they lose."""

import threading
from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

from tomostream.core.arrivals import (
    Arrival,
    ConnectionArrival,
    FieldArrival,
    ImageArrival,
    RejectedArrival,
    TableArrival,
)

T = TypeVar("T")


class DropOldestQueue(Generic[T]):
    """A queue whose oldest entry goes when it is full."""

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"capacity: expected 1 or more, got {capacity}")
        self._entries: deque[T] = deque()
        self._capacity = capacity
        self._changed = threading.Condition()
        self._dropped = 0

    def put(self, entry: T) -> None:
        """Take an entry; never waits."""
        with self._changed:
            if len(self._entries) >= self._capacity:
                self._entries.popleft()
                self._dropped += 1
            self._entries.append(entry)
            self._changed.notify()

    def get(self, timeout_s: float) -> T | None:
        """Give the oldest entry, or None when none has come in time."""
        with self._changed:
            if not self._changed.wait_for(lambda: bool(self._entries), timeout_s):
                return None
            return self._entries.popleft()

    def drain(self, limit: int) -> list[T]:
        """Give at most `limit` entries, the oldest first; never waits."""
        with self._changed:
            taken = min(limit, len(self._entries))
            return [self._entries.popleft() for _ in range(taken)]

    @property
    def depth(self) -> int:
        """Entries that wait."""
        return len(self._entries)

    @property
    def dropped(self) -> int:
        """Entries that were lost because the queue was full."""
        return self._dropped


class ArrivalQueue:
    """The one ordered queue of all that comes from outside.

    What comes on the image channel (images, and what is no image) is bounded in
    number and bytes; when full, the oldest of these goes and is counted in `dropped`.
    Fields, tables, first ids and frame types never go for an image. They are bounded
    kind by kind: once `capacity_per_kind` of one kind wait, or their bytes are more
    than an image may have, a new one takes the place of the one of its kind that came
    last before it, counted in `superseded`.

    `put` is called from the EPICS libraries' threads, which hold the interpreter's
    lock: it takes constant time but for superseding, and never waits for the reader's
    work.

    Parameters
    ----------
    capacity_frames
        Images that may wait.
    capacity_bytes
        Bytes of images that may wait, by `ImageArrival.n_bytes`, and bytes of one
        kind of fields or tables; a single arrival is taken whatever its size.
    capacity_per_kind
        Darks, flats, tables, first ids, frame types, and connection changes of one
        source that may wait, each.
    """

    def __init__(
        self, *, capacity_frames: int, capacity_bytes: int, capacity_per_kind: int = 16
    ) -> None:
        if min(capacity_frames, capacity_bytes, capacity_per_kind) < 1:
            raise ValueError(
                "arrival queue: expected capacities of 1 or more, got "
                f"{capacity_frames} frames, {capacity_bytes} bytes, "
                f"{capacity_per_kind} of each kind"
            )
        self._capacity_frames = capacity_frames
        self._capacity_bytes = capacity_bytes
        self._capacity_per_kind = capacity_per_kind
        self._changed = threading.Condition(threading.Lock())
        # Two deques in step by a running number: the oldest image is found at once,
        # also behind a thousand fields.
        self._frames: deque[tuple[int, ImageArrival | RejectedArrival]] = deque()
        self._others: deque[tuple[int, Arrival]] = deque()
        self._waiting: dict[object, _Tally] = {}
        self._number = 0
        self._bytes = 0
        self._dropped = 0
        self._superseded = 0
        self._is_waited_for = False
        self._is_woken = False

    def put(self, arrival: Arrival) -> None:
        """Take an arrival; an older image may have to go for it, counted."""
        with self._changed:
            self._number += 1
            if isinstance(arrival, ImageArrival | RejectedArrival):
                self._put_frame(arrival)
            else:
                self._put_other(arrival)
            if self._is_waited_for:
                self._changed.notify()

    def drain(self, limit: int) -> list[Arrival]:
        """Give at most `limit` arrivals in the order of their coming; never waits."""
        arrivals: list[Arrival] = []
        with self._changed:
            frames, others = self._frames, self._others
            while len(arrivals) < limit and (frames or others):
                if not others or (frames and frames[0][0] < others[0][0]):
                    frame = frames.popleft()[1]
                    self._bytes -= _n_bytes(frame)
                    arrivals.append(frame)
                else:
                    arrivals.append(self._tallied(others.popleft()[1], -1))
        return arrivals

    def wait(self, timeout_s: float) -> bool:
        """Wait until something waits to be drained; tell whether it does."""
        with self._changed:
            if not (self._frames or self._others or self._is_woken):
                self._is_waited_for = True
                self._changed.wait(timeout_s)
                self._is_waited_for = False
            self._is_woken = False
            return bool(self._frames or self._others)

    def wake(self) -> None:
        """End a present or the next `wait` early: something else has to be done."""
        with self._changed:
            self._is_woken = True
            self._changed.notify()

    @property
    def depth(self) -> int:
        """Images that wait."""
        return len(self._frames)

    @property
    def n_bytes(self) -> int:
        """Bytes of the images that wait."""
        return self._bytes

    @property
    def dropped(self) -> int:
        """Images that were lost because the queue was full."""
        return self._dropped

    @property
    def fullness(self) -> float:
        """Share of the room for images that is in use, 0 to 1."""
        return max(
            len(self._frames) / self._capacity_frames,
            min(self._bytes / self._capacity_bytes, 1.0),
        )

    @property
    def superseded(self) -> int:
        """Others that gave way to a newer one of their kind."""
        return self._superseded

    @property
    def oldest_arrived_s(self) -> float | None:
        """When the image that waits longest came; None where none waits."""
        with self._changed:
            return self._frames[0][1].arrived_s if self._frames else None

    def _put_frame(self, frame: ImageArrival | RejectedArrival) -> None:
        n_bytes = _n_bytes(frame)
        while self._frames and (
            len(self._frames) >= self._capacity_frames
            or self._bytes + n_bytes > self._capacity_bytes
        ):
            self._bytes -= _n_bytes(self._frames.popleft()[1])
            self._dropped += 1
        self._frames.append((self._number, frame))
        self._bytes += n_bytes

    def _put_other(self, arrival: Arrival) -> None:
        tally = self._waiting.get(_kind(arrival))
        if tally is not None and (
            tally.count >= self._capacity_per_kind
            or (
                tally.count and tally.n_bytes + _n_bytes(arrival) > self._capacity_bytes
            )
        ):
            self._supersede(_kind(arrival))
        self._others.append((self._number, self._tallied(arrival, 1)))

    def _tallied(self, arrival: Arrival, change: int) -> Arrival:
        tally = self._waiting.setdefault(_kind(arrival), _Tally())
        tally.count += change
        tally.n_bytes += change * _n_bytes(arrival)
        return arrival

    def _supersede(self, kind: object) -> None:
        for place in range(len(self._others) - 1, -1, -1):
            if _kind(self._others[place][1]) == kind:
                self._tallied(self._others[place][1], -1)
                del self._others[place]
                self._superseded += 1
                return


@dataclass(slots=True)
class _Tally:
    count: int = 0
    n_bytes: int = 0


def _n_bytes(arrival: Arrival) -> int:
    if isinstance(arrival, ImageArrival):
        return arrival.n_bytes
    if isinstance(arrival, FieldArrival | TableArrival):
        return arrival.values.nbytes
    return 0


def _kind(arrival: Arrival) -> object:
    if isinstance(arrival, FieldArrival):
        return arrival.kind
    if isinstance(arrival, ConnectionArrival):
        return arrival.source
    return type(arrival)
