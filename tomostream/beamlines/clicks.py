"""Clicks into the slices: from a file that a viewer's macro appends to, and records."""

import logging
import math
import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tomostream.core.ports import ArrivalSink, Moment, Wish
from tomostream.core.slices import Click, planes_at_click
from tomostream.runtime import DropOldestQueue, StopSignal, Worker

logger = logging.getLogger(__name__)

_LOOK_S = 0.1
_MANY = 64
_CHUNK = 1 << 16
"""Bytes of the file that are taken at a look; what is more waits for the next one."""
_LONGEST_LINE = 256
_REMEMBERED = 64
"""Bytes before the place of reading by which a file that was written anew is known."""
_FARTHEST = 1 << 20

TakeClicks = Callable[[], Sequence[Click]]
"""Gives the clicks since the last call, in order; never waits."""


class ClickedPlanes:
    """Move the planes to where a viewer was clicked. A `Companion`.

    Parameters
    ----------
    sources
        Asked for clicks at every step.
    """

    def __init__(self, sources: Sequence[TakeClicks]) -> None:
        self._sources = tuple(sources)

    def step(self, moment: Moment) -> Wish:
        """Give the planes after all clicks since the last step."""
        clicks = [click for take in self._sources for click in take()]
        if not clicks:
            return Wish()
        if moment.geometry is None:
            logger.info("clicks before the first slices, ignored: %d", len(clicks))
            return Wish()
        planes = moment.planes
        for click in clicks:
            planes = planes_at_click(click.column, click.row, planes, moment.geometry)
        return Wish(planes=None if planes == moment.planes else planes)

    def abort(self) -> None:
        """Do nothing: a click is over at once."""


class ClickFile:
    """Clicks out of a text file to which lines of ``n,x,y`` are appended.

    A worker looks at the file, which may lie on a slow disk; the loop only takes what
    was found. The file may be missing, be emptied, be replaced; lines from before the
    start are old. Other lines are counted and left.

    Parameters
    ----------
    path
        The file; it need not be there.
    """

    def __init__(self, path: Path) -> None:
        self._tail = Tail(path)
        self._clicks: DropOldestQueue[Click] = DropOldestQueue(_MANY)
        self._worker: Worker | None = None
        self.name = f"clicks {path}"
        self.lines_ignored = 0
        """Lines that were no click."""

    @property
    def is_connected(self) -> bool:
        """Always true: a file that is not there yet is nothing that is missing."""
        return True

    @property
    def error(self) -> Exception | None:
        """What ended the worker before its time."""
        return self._worker.error if self._worker is not None else None

    def start(self, sink: ArrivalSink | None = None) -> None:
        """Begin to look; returns at once."""
        del sink
        self._worker = Worker("watch clicks", self._watch)
        self._worker.start()

    def stop(self) -> None:
        """End."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop()
            worker.join(timeout_s=2.0)

    def take(self) -> Sequence[Click]:
        """Give the clicks since the last call."""
        return self._clicks.drain(_MANY)

    def look(self) -> None:
        """Read what was appended since the last look; the first one reads nothing."""
        for line in self._tail.new_lines():
            click = click_of(line)
            if click is not None:
                self._clicks.put(click)
            elif line.strip():
                self._ignore(line)

    def _watch(self, stop: StopSignal) -> None:
        while True:
            self.look()
            if stop.wait(_LOOK_S):
                return

    def _ignore(self, line: bytes) -> None:
        self.lines_ignored += 1
        if self.lines_ignored == 1:
            # Once: a file of something else would fill the log.
            shown = ascii(line[:60].decode("utf-8", "replace"))
            logger.warning("%s: expected n,x,y, line ignored: %s", self.name, shown)


def click_of(line: bytes) -> Click | None:
    """Read ``n,x,y`` in pixels of the packed image; None: it is something else."""
    parts = line.split(b",")
    if len(parts) != 3:
        return None
    try:
        x, y = float(parts[1]), float(parts[2])
    except ValueError:
        return None
    # Comparisons with NaN are false.
    if not (0 <= x < _FARTHEST and 0 <= y < _FARTHEST):
        return None
    return Click(column=math.floor(x), row=math.floor(y))


@dataclass(slots=True)
class _Place:
    """Where reading goes on."""

    file: tuple[int, int]
    """Device and inode."""
    offset: int = 0
    before: bytes = b""
    """What stands before the offset."""
    unfinished: bytes = b""
    """The beginning of a line whose end has not come."""
    is_too_long: bool = False
    """Whether the line that is being read is left out."""


class Tail:
    """Lines appended to a file, whatever becomes of the file. Owned by one thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._place: _Place | None = None
        self._is_first = True
        self._fault = ""

    def new_lines(self) -> list[bytes]:
        """Give whole lines, without their ends, that have come since the last call."""
        is_first, self._is_first = self._is_first, False
        try:
            return self._look(is_first=is_first)
        except FileNotFoundError:
            self._place = None
        except OSError as exc:
            self._tell(exc.strerror or str(exc))
        return []

    def _look(self, *, is_first: bool) -> list[bytes]:
        # A pipe of that name must not hold the opening up.
        descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            return self._read(descriptor, is_first=is_first)
        finally:
            os.close(descriptor)

    def _read(self, descriptor: int, *, is_first: bool) -> list[bytes]:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            self._tell("is no regular file")
            return []
        self._fault = ""
        identity = found.st_dev, found.st_ino
        if is_first:
            offset = found.st_size
            before = os.pread(descriptor, _REMEMBERED, max(offset - _REMEMBERED, 0))
            # The line under way at the start is of before it.
            is_amid = bool(before) and not before.endswith(b"\n")
            self._place = _Place(identity, offset, before, is_too_long=is_amid)
            return []
        place = self._place
        if place is None or place.file != identity or _is_anew(descriptor, place):
            place = self._place = _Place(identity)
        return _lines(place, os.pread(descriptor, _CHUNK, place.offset))

    def _tell(self, fault: str) -> None:
        if fault != self._fault:
            self._fault = fault
            logger.warning("clicks %s cannot be read: %s", self._path, fault)


def _is_anew(descriptor: int, place: _Place) -> bool:
    """Tell whether the file was emptied, or written again from its beginning."""
    length = len(place.before)
    return os.pread(descriptor, length, place.offset - length) != place.before


def _lines(place: _Place, chunk: bytes) -> list[bytes]:
    place.offset += len(chunk)
    place.before = (place.before + chunk)[-_REMEMBERED:]
    *lines, rest = (place.unfinished + chunk).split(b"\n")
    if place.is_too_long and lines:
        place.is_too_long = False
        del lines[0]
    if len(rest) > _LONGEST_LINE:
        place.is_too_long, rest = True, b""
    place.unfinished = rest
    return lines
