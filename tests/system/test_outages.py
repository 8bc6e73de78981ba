"""IOC, detector and tomoScan end and come again, each by itself, in every order."""

import itertools
import logging
import random
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from tomostream.app.environment import LoopbackEnvironment

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(400)]

logger = logging.getLogger(__name__)

PROGRAMS = Path(__file__).parent / "programs"
ALL = ("ioc", "detector", "tomoscan")
STEP_DEG = 2.0
PROMISED_S = 10.0
"""From the last return to slices of new frames."""


@pytest.fixture
def environment():
    """Ports of the test's own; the detector is a server by itself."""
    return LoopbackEnvironment.find(pva_servers=("simulator", "detector", "service"))


@dataclass(frozen=True)
class Slices:
    """What one publication said of itself."""

    came_s: float
    number: int
    last_id: int
    angle_deg: float


class Beamline:
    """Three sources and a service beside them."""

    def __init__(self, start, family, client, wait_until, folder):
        self._start, self._family = start, family
        self._client, self._wait_until = client, wait_until
        self._settings = str(folder / "settings.yaml")
        self.records = f"{family}TomoStream:"
        self.running, self.published = {}, []
        self.shown: Callable[[], dict] = dict
        """Gives what the operator sees."""
        self.start_deg, self.first_id, self.n_scans = 0.0, 1, 0

    def bring(self, name):
        """Start one of the sources; give the time at which it is there."""
        make = {"ioc": self._ioc, "detector": self._camera, "tomoscan": self._scan}
        self.running[name] = make[name]()
        return time.monotonic()

    def end(self, name, number):
        self.running.pop(name).end(number)

    def serve(self):
        self.service = self._start("serve", "--prefix", self.records, "--ready-json")
        self.service.wait_ready()
        self._client.monitor(f"{self.records}StreamRecon", self._note)

    def is_right(self, slices):
        """Whether they are of the scan that goes on now, at its angles."""
        index = slices.last_id - self.first_id
        wanted_deg = self.start_deg + index * STEP_DEG
        return index >= 0 and abs(slices.angle_deg - wanted_deg) < 1e-3

    def resumed_after_s(self, returned_s):
        """Wait for slices of frames that are new; give how long it took."""

        def first():
            # Ids begin anew, so that what is of the old scan has another angle.
            new = [p for p in self.published if p.came_s > returned_s]
            return next((p for p in new if self.is_right(p)), None)

        return self._wait_until(first, 4 * PROMISED_S).came_s - returned_s

    def wrong(self, last):
        """Give what was published after `last` with angles of no scan that goes on.

        A turned plane shows the frames of before once more, at their own angles.
        """
        later = self.published[self.published.index(last) + 1 :]
        known = last.last_id, last.angle_deg
        return [
            p
            for p in later
            if not self.is_right(p) and (p.last_id, p.angle_deg) != known
        ]

    def all_ended(self):
        """Wait until what was on its way has come; give the last slices."""
        quiet_s = time.monotonic() + 0.5
        self._wait_until(lambda: time.monotonic() > quiet_s)
        return self.published[-1]

    def load(self):
        """Give threads and memory (bytes) of the service."""
        process = psutil.Process(self.service.process.pid)
        return process.num_threads(), process.memory_info().rss

    def _note(self, array):
        if len(array.dimension) == 2:
            said = {a.name: a.value for a in array.attribute}
            self.published.append(
                Slices(
                    time.monotonic(), array.uniqueId, said["LastProjectionId"],
                    said["Angle"],
                )
            )  # fmt: skip

    def _ioc(self):
        ioc = self._start(
            "ioc", "--prefix", self.records, "--autosave", self._settings,
            "--ready-json", server="ioc",
        )  # fmt: skip
        ioc.wait_ready()
        return ioc

    def _camera(self):
        program = [sys.executable, str(PROGRAMS / "detector.py")]
        camera = self._start(self._family, program=program, server="detector")
        camera.wait_ready()
        return camera

    def _scan(self):
        # No two scans have an angle in common.
        self.n_scans += 1
        start_deg = self.n_scans * 1000.0 + 0.1 * (self.n_scans % 17)
        program = [sys.executable, str(PROGRAMS / "scan_server.py")]
        scan = self._start(
            self._family, str(start_deg), str(STEP_DEG), program=program,
            server="simulator",
        )  # fmt: skip
        self.first_id = scan.wait_ready()["first_id"]
        self.start_deg = start_deg
        return scan


@pytest.fixture
def beamline(
    start, family, pva_client, environment, wait_until, channel_access, tmp_path
):
    """Everything at work, streaming, with settings of the operator's."""
    variables = environment.client()
    made = Beamline(start, family, pva_client(variables), wait_until, tmp_path)
    for name in ALL:
        made.bring(name)
    made.serve()
    values = {"Center": 30.5, "OrthoZ": 20, "FilterType": "Hann", "RotZ": 3.0}
    operator = {made.records + name: value for name, value in values.items()}
    channel_access(variables, values=operator | {f"{made.records}StartRecon": 1})
    wait_until(lambda: len(made.published) > 20)

    def shown():
        names = [f"{made.records}{n}" for n in ("SessionState", "StartRecon")]
        return channel_access(variables, [*names, *operator])

    made.shown = shown
    settings = tmp_path / "settings.yaml"
    wait_until(lambda: settings.exists() and "30.5" in settings.read_text(), 15)
    wait_until(lambda: next(iter(made.shown().values())) == "streaming", 20)
    return made


def report(record_property, beamline, taken_s, before):
    """Note the figures; `pytest --log-cli-level=INFO` shows them."""
    threads, rss = beamline.load()
    figures = {
        "resumed_s": [round(t, 1) for t in taken_s],
        "threads": [before[0], threads],
        "rss_mb": [round(b / 1e6, 1) for b in (before[1], rss)],
    }
    for name, value in figures.items():
        record_property(name, value)
    logger.info("%s", figures)
    return threads - before[0], rss - before[1]


def check_after(beamline, wait_until, shown_before):
    """What the operator sees is what it was."""
    # An IOC that has just come is told within a second.
    wait_until(lambda: beamline.shown() == shown_before, 20)
    assert beamline.service.process.poll() is None
    assert "Traceback" not in beamline.service.text


def test_streaming_resumes_within_ten_seconds_whatever_ends_and_in_any_order(
    beamline, wait_until, record_property
):
    draw = random.Random(4)
    orders = [*itertools.permutations(ALL)]
    orders += [draw.sample(ALL, len(ALL)) for _ in range(4)]
    shown_before = beamline.shown()
    taken_s, before, wrong = [], None, []
    for number, order in enumerate(orders):
        for name in order:
            beamline.end(name, (signal.SIGKILL, signal.SIGTERM)[number % 2])
        last = beamline.all_ended()
        back = [beamline.bring(n) for n in orders[(7 * number + 3) % len(orders)]]
        taken_s.append(beamline.resumed_after_s(back[-1]))
        wrong += beamline.wrong(last)
        # What the first outage takes, such as threads of new connections, is kept.
        before = before or beamline.load()
    threads, rss = report(record_property, beamline, taken_s, before)
    check_after(beamline, wait_until, shown_before)
    assert not wrong
    assert max(taken_s) < PROMISED_S
    # Connections that have just ended or come are a thread or two.
    assert threads <= 2
    # It grows by about 20 MB in the first ten outages (the tables of eight scans, the
    # allocator's pools), and by less than 2 MB in the twenty after them.
    assert rss < 30e6


def test_streaming_resumes_within_ten_seconds_after_two_minutes(
    beamline, wait_until, record_property
):
    """A client of EPICS left to itself takes 20 to 30 s then."""
    shown_before, before = beamline.shown(), beamline.load()
    for name in ALL:
        beamline.end(name, signal.SIGKILL)
    last = beamline.all_ended()
    over_s = time.monotonic() + 125
    wait_until(lambda: time.monotonic() > over_s, 130)
    back = [beamline.bring(name) for name in ("ioc", "detector", "tomoscan")]
    taken_s = [beamline.resumed_after_s(back[-1])]
    wrong = beamline.wrong(last)
    threads, rss = report(record_property, beamline, taken_s, before)
    check_after(beamline, wait_until, shown_before)
    assert not wrong
    assert max(taken_s) < PROMISED_S
    assert threads <= 2
    assert rss < 30e6
