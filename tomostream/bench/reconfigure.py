"""`tomostream bench --reconfigure`: slices that go on while the ring is made anew.

The service's own loop runs with the engine, its queue and the machine's clock; only the
network is left out. A second thread sends frames at a detector's rate. When the ring is
full, one parameter after the other is changed, as an operator would.
"""

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from typing import Any, Literal

from rich.table import Table

from tomostream.bench.machine import cpu_model, load_average
from tomostream.bench.memory import QUEUE_BYTES, QUEUE_FRAMES
from tomostream.bench.report import load_notes, table_text
from tomostream.bench.result import PHASE, BenchConfig
from tomostream.bench.scene import Scene, draw_scene
from tomostream.core.arrivals import FieldArrival, ImageArrival
from tomostream.core.errors import ReconstructionError
from tomostream.core.frame import FrameKind
from tomostream.core.parameters import FilterType, Parameters
from tomostream.core.ports import Clock, Command
from tomostream.core.publication import Publication
from tomostream.core.slices import F32
from tomostream.core.steps import PhaseRetrieval
from tomostream.recon.engine import Engine
from tomostream.runtime.clock import SystemClock
from tomostream.runtime.queues import ArrivalQueue
from tomostream.runtime.worker import StopSignal, Worker
from tomostream.service import ServiceSettings, StreamLoop
from tomostream.service.session import SessionState
from tomostream.service.settings import AngleSource

LONGEST_GAP_S = 0.5
"""What is promised: slices go out at least this often while a ring is made anew."""
_SETTLE_S = 0.5
"""Between two changes, for the stream to run as before."""
_JOIN_S = 5.0
Wishes = Mapping[str, Any]
"""Parameters by their field's name."""


def usual_changes(
    dezinger: int = 3, phase: PhaseRetrieval = PHASE
) -> dict[str, Wishes]:
    """Give names and parameters of what is changed, one after the other."""
    return {
        "filter Ramp": {"filter_type": FilterType.RAMP},
        f"zingers, radius {dezinger}": {"dezinger_radius": dezinger},
        "Paganin as well": {
            "energy_kev": phase.energy_kev, "distance_mm": phase.distance_mm,
            "pixel_um": phase.pixel_um, "alpha": phase.alpha,
        },
        "filter Parzen": {"filter_type": FilterType.PARZEN},
        "zingers off": {"dezinger_radius": 0},
        "Paganin off": {"alpha": 0.0},
    }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconfigureConfig:
    """What to measure; of `base` count size, angles and the engine's choices."""

    base: BenchConfig
    rate_hz: float = 100.0
    """Frames sent in a second."""
    changes: Mapping[str, Wishes] = field(default_factory=usual_changes)
    """Made in this order; each one stays while the next ones are made."""
    patience_s: float = 120.0
    """For the ring to be filled, and for each change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one change of parameters did to the stream of slices."""

    name: str
    longest_gap_s: float
    """Between two published slices, from the last ones before the change to the first
    ones of the finished ring."""
    finish_s: float | None
    """Until the whole ring was made anew; None: not within the patience."""
    publications: int
    decimation: int
    """Every so many frames one was used, at worst: the machine had too much to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconfigureResult:
    """All changes in their order; each one stays while the next ones are made."""

    size: int
    angles: int
    rate_hz: float
    cpu: str
    backend: str
    isa: str
    threads: int
    load_average: float | None
    """Threads that wanted to run in the minute before; None: unknown."""
    changes: list[Change]

    @property
    def longest_gap_s(self) -> float:
        """The worst of all changes."""
        return max(change.longest_gap_s for change in self.changes)

    def to_json(self) -> str:
        """Give the result as JSON text."""
        return json.dumps(asdict(self), indent=2, allow_nan=False)


def reconfigure(
    config: ReconfigureConfig, report: Callable[[str], None] = lambda _: None
) -> ReconfigureResult:
    """Change parameters of a running stream and watch its slices.

    Raises
    ------
    ReconstructionError
        The ring was not filled in time, or the session failed.
    """
    base, load, clock = config.base, load_average(), SystemClock()
    report(f"drawing frames of {base.size} x {base.size} pixels")
    scene = draw_scene(base.size, base.angles, has_zingers=True)
    engine = Engine(
        backend=base.backend, isa=base.isa, threads=base.threads, ring_dtype=base.ring
    )
    arrivals = ArrivalQueue(capacity_frames=QUEUE_FRAMES, capacity_bytes=QUEUE_BYTES)
    operator = _Operator(config, engine, clock, center=scene.center, report=report)
    loop = StreamLoop(
        arrivals, engine, publisher=operator, controls=operator, clock=clock,
        settings=ServiceSettings(
            auto_start=True, angle_source=AngleSource.FIXED_STEP,
            angle_step_deg=180.0 / base.angles,
        ),
    )  # fmt: skip
    detector = _Detector(scene, arrivals, clock, rate_hz=config.rate_hz)
    sender = Worker("bench-detector", detector.run)
    report(f"filling the ring: {base.angles} projections at {config.rate_hz:g} Hz")
    sender.start()
    try:
        loop.run(operator.stop)
    finally:
        sender.stop()
        sender.join(_JOIN_S)
    if operator.failure:
        raise ReconstructionError(f"reconfigure: {operator.failure}")
    result = ReconfigureResult(
        size=base.size, angles=base.angles, rate_hz=config.rate_hz, cpu=cpu_model(),
        backend=engine.backend, isa=engine.isa, threads=engine.threads,
        load_average=load, changes=operator.found,
    )  # fmt: skip
    report(reconfigure_text(result))
    return result


class _Detector:
    """Sends dark, flat and then frames at its rate. Owned by its own thread."""

    def __init__(
        self, scene: Scene, arrivals: ArrivalQueue, clock: Clock, *, rate_hz: float
    ) -> None:
        self._scene = scene
        self._arrivals = arrivals
        self._clock = clock
        self._period_s = 1.0 / rate_hz

    def run(self, stop: StopSignal) -> None:
        """Send until told to stop."""
        self._send_field(FrameKind.DARK, self._scene.dark)
        self._send_field(FrameKind.FLAT, self._scene.flat)
        start_s, count = self._clock.monotonic_s(), 0
        while not stop.is_set():
            due_s = start_s + count * self._period_s
            stop.wait(max(due_s - self._clock.monotonic_s(), 0.0))
            self._send_frame(count)
            count += 1

    def _send_field(
        self, kind: Literal[FrameKind.DARK, FrameKind.FLAT], values: F32
    ) -> None:
        n_z, n_x = values.shape
        arrival = FieldArrival(
            kind=kind, values=values.ravel(), size_x=n_x, size_y=n_z,
            arrived_s=self._clock.now_s(),
        )  # fmt: skip
        self._arrivals.put(arrival)

    def _send_frame(self, number: int) -> None:
        pixels = self._scene.frames[number % len(self._scene.frames)]
        now_s = self._clock.now_s()
        arrival = ImageArrival(
            camera_id=number + 1, timestamp_s=now_s, arrived_s=now_s,
            pixels=lambda: pixels, n_bytes=pixels.nbytes,
        )  # fmt: skip
        self._arrivals.put(arrival)


@dataclass(slots=True)
class _Watch:
    """One change while it is at work."""

    name: str
    started_s: float
    published_s: list[float]
    """When slices went out; the first ones before the change."""
    is_seen: bool = False
    """Whether the loop has had the parameters."""
    finished_s: float | None = None
    decimation: int = 1

    def change(self, ended_s: float) -> Change:
        """Give what was seen until then."""
        gaps = [b - a for a, b in pairwise([*self.published_s, ended_s])]
        finish_s = None if self.finished_s is None else self.finished_s - self.started_s
        return Change(
            name=self.name, longest_gap_s=max(gaps), finish_s=finish_s,
            publications=sum(t > self.started_s for t in self.published_s),
            decimation=self.decimation,
        )  # fmt: skip


class _Operator:
    """The ports beside the loop: turns knobs, reads records, sees the slices go out.

    The loop calls all of it from its own thread, which also owns the engine: what the
    ring waits for can be read here.
    """

    def __init__(
        self, config: ReconfigureConfig, engine: Engine, clock: Clock, *,
        center: float, report: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._config = config
        self._engine = engine
        self._clock = clock
        self._report = report
        self._shown = Parameters(center=center)
        self._changes = deque(config.changes.items())
        self._watch: _Watch | None = None
        self._since_s = clock.monotonic_s()
        """When what is waited for was begun."""
        self._last_published_s = self._since_s
        self.stop = StopSignal()
        self.failure = ""
        self.found: list[Change] = []

    def commands(self) -> Sequence[Command]:
        """Go on with the plan; the loop asks at the beginning of each step."""
        now_s = self._clock.monotonic_s()
        is_whole = self._engine.slots_filled == self._config.base.angles
        is_done = is_whole and not self._engine.slots_waiting
        if self._watch is not None:
            self._follow(self._watch, now_s, is_done=is_done)
        elif not is_done:
            # At the very beginning, or where fields have come late.
            if now_s - self._since_s > self._config.patience_s:
                self._fail("the ring was not filled in time")
        elif now_s - self._since_s > _SETTLE_S:
            self._begin(now_s)
        return ()

    def parameters(self) -> Parameters:
        """Give what is wished for."""
        if self._watch is not None:
            self._watch.is_seen = True
        return self._shown

    @property
    def refused(self) -> Mapping[str, str]:
        """Give nothing: there is no record that could hold a value."""
        return {}

    def write_parameters(self, parameters: Parameters) -> None:
        """Take what the service has changed itself."""
        self._shown = parameters

    def limit(self, name: str, *, low: int, high: int) -> None:
        """There is no record that could take a value."""

    def report(self, readings: Mapping[str, float | int | str]) -> None:
        """Look for a failed session and for frames left out."""
        if readings.get("SessionState") == SessionState.FAILED:
            self._fail(str(readings.get("ReconStatus")))
        if self._watch is not None:
            decimation = int(readings.get("Decimation", 1))
            self._watch.decimation = max(self._watch.decimation, decimation)

    def publish(self, publication: Publication) -> None:
        """Note the time."""
        self._last_published_s = self._clock.monotonic_s()
        if self._watch is not None:
            self._watch.published_s.append(self._last_published_s)

    def _begin(self, now_s: float) -> None:
        if not self._changes:
            self.stop.set()
            return
        name, wishes = self._changes.popleft()
        self._shown = replace(self._shown, **wishes)
        self._watch = _Watch(name, now_s, [self._last_published_s])

    def _follow(self, watch: _Watch, now_s: float, *, is_done: bool) -> None:
        if is_done and watch.is_seen and watch.finished_s is None:
            watch.finished_s = now_s
        is_shown = watch.finished_s is not None and (
            self._last_published_s > watch.finished_s
        )
        if is_shown or now_s - watch.started_s > self._config.patience_s:
            change = watch.change(now_s)
            self.found.append(change)
            self._report(f"changed: {change.name}")
            self._watch, self._since_s = None, now_s
            if change.finish_s is None:
                # Whatever is changed next would be measured on top of this.
                self.stop.set()

    def _fail(self, reason: str) -> None:
        self.failure = reason
        self.stop.set()


def reconfigure_text(result: ReconfigureResult) -> str:
    """Give the table of changes, with what must be known to read it."""
    table = Table(
        title=f"{result.size} x {result.size} pixels, {result.angles} projections in "
        f"the ring, {result.rate_hz:g} frames/s"
    )
    table.add_column("changed")
    for name in ("ring finished, s", "longest gap, s", "publications", "frames used"):
        table.add_column(name, justify="right")
    for c in result.changes:
        finish = "not finished" if c.finish_s is None else f"{c.finish_s:.2f}"
        table.add_row(
            c.name, finish, f"{c.longest_gap_s:.2f}", f"{c.publications}",
            "all" if c.decimation == 1 else f"1 of {c.decimation}",
        )  # fmt: skip
    kept = result.longest_gap_s <= LONGEST_GAP_S
    lines = [
        table_text(table),
        f"longest gap {result.longest_gap_s:.2f} s, promised {LONGEST_GAP_S:g} s at "
        f"most: {'kept' if kept else 'NOT KEPT'}",
        f"{result.cpu}, {result.threads} threads, {result.backend} {result.isa}",
        *load_notes(result.load_average),
    ]
    return "\n".join(lines)
