"""The running service: what has come goes into the ring, slices go out."""

import logging
from dataclasses import dataclass, replace

from tomostream.core.health import Health, RejectReason
from tomostream.core.ports import (
    Clock,
    Command,
    Companion,
    ControlSurface,
    SlicePublisher,
)
from tomostream.runtime.latest import Latest
from tomostream.runtime.queues import ArrivalQueue
from tomostream.runtime.worker import StopSignal
from tomostream.service.centering import Centering
from tomostream.service.companions import Companions
from tomostream.service.details import Details, SizeLimits
from tomostream.service.feed import Feed
from tomostream.service.fields import FieldBook
from tomostream.service.handover import Handover, Scene
from tomostream.service.meters import RateMeter
from tomostream.service.overload import Overload, Pressure, WorkMeter
from tomostream.service.publishing import Publishing
from tomostream.service.reconstruction import Reconstruction
from tomostream.service.reconstructor import Reconstructor
from tomostream.service.session import Session, SessionState
from tomostream.service.settings import ServiceSettings
from tomostream.service.status import StatusNotes
from tomostream.service.tally import FrameTally
from tomostream.service.vitals import Vitals, measured_health
from tomostream.service.wishes import OperatorWishes, PhaseRatio

logger = logging.getLogger(__name__)

_IDLE_WAIT_S = 0.02
"""How late a moved slice is noticed where no frames come."""
_SETTLING_S = 3.0
"""How long the first use of a ring's memory may hold frames up."""
_FIRST_BATCH = 1
"""Frames that go in at once where their cost is not known: it may be a second each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """What one step has done."""

    taken: int = 0
    """Arrivals that were looked at."""
    entered: int = 0
    """Frames that went into the ring."""
    is_published: bool = False


class StreamLoop:
    """Reconstruct a stream, one step after the other.

    `run` is the body of a thread, tests call `step`. Everything from outside comes
    through the queue, everything else through ports; one thread owns all of it.
    `health` may be read by others.
    """

    def __init__(
        self, arrivals: ArrivalQueue, engine: Reconstructor, *,
        publisher: SlicePublisher, controls: ControlSurface, clock: Clock,
        settings: ServiceSettings | None = None,
    ) -> None:  # fmt: skip
        settings = settings or ServiceSettings()
        self._companions = Companions()
        self._arrivals = arrivals
        self._controls = controls
        self._clock = clock
        self._settings = settings
        self._session = Session()
        self._tally = FrameTally(clock)
        self._fields = FieldBook(settings.orientation)
        self._recon = Reconstruction(
            engine, settings=settings, clock=clock, fields=self._fields,
            tally=self._tally,
        )  # fmt: skip
        self._feed = Feed(
            arrivals, self._recon, settings=settings, clock=clock,
            fields=self._fields, tally=self._tally,
        )  # fmt: skip
        self._publishing = Publishing(publisher, clock)
        self._overload = Overload(max_lag_s=settings.max_lag_s)
        self._work = WorkMeter()
        self.handover = Handover(clock)
        """Between the loop and the work beside it."""
        self._centering = Centering(self.handover)
        self._wishes = OperatorWishes(controls)
        self._phase_ratio = PhaseRatio()
        self._wished = self._recon.parameters
        self._vitals = Vitals(controls, clock)
        self._frame_rate = RateMeter()
        self._received = 0
        self._adapted_s = clock.monotonic_s()
        self._entered_s = -1e18
        self._status = StatusNotes(
            self._session, self._feed, self._recon,
            fields=self._fields, tally=self._tally, clock=clock,
        )  # fmt: skip
        self._details = Details(
            settings=settings, session=self._session, feed=self._feed,
            recon=self._recon, fields=self._fields, tally=self._tally, clock=clock,
        )  # fmt: skip
        self._size_limits = SizeLimits(controls)
        self._is_first_step = True

    @property
    def health(self) -> Latest[Health]:
        """The newest numbers; for any thread."""
        return self._vitals.health

    @property
    def state(self) -> SessionState:
        """What the session is doing."""
        return self._session.state

    @property
    def frames_entered(self) -> int:
        """Frames that are, or were, in the ring."""
        return self._tally.entered

    @property
    def frames_held(self) -> int:
        """Frames taken that neither entered nor were rejected yet."""
        return self._feed.held

    def accompany(self, companion: Companion) -> None:
        """Let a companion go along; before the first step."""
        self._companions.add(companion)

    def run(self, stop: StopSignal) -> None:
        """Step until told to stop, then end the session."""
        self.go_on(stop)
        self.close()

    def go_on(self, stop: StopSignal) -> None:
        """Step until told to stop; the session stays as it is."""
        while not stop.is_set():
            report = self.step()
            if not report.taken:
                self._arrivals.wait(_IDLE_WAIT_S)
            if self._feed.depth < self._settings.batch_frames:
                # Nobody sees a frame before the next publication, and a batch costs
                # less than its frames one by one.
                stop.wait(min(self._settings.gather_s, self._publishing.due_in_s))

    def close(self) -> None:
        """End the session and say so."""
        if self._session.is_running:
            self._end(SessionState.IDLE, "the service has ended")
        self._report()

    def step(self) -> StepReport:
        """Do what there is to do now."""
        entered, report = self._tally.entered, StepReport()
        try:
            report = self._work_once()
        except Exception as exc:
            # The loop's top frame: whatever failed, the operator is told, and the
            # next Start begins with a fresh ring.
            logger.exception("session failed")
            self._fail(f"{type(exc).__name__}: {exc}")
        self._size_limits.follow(self._recon.geometry)
        self._wishes.write_back(self._wished, self._recon.parameters)
        if self._vitals.is_due(self._session):
            self._report()
        return replace(report, entered=self._tally.entered - entered)

    def _work_once(self) -> StepReport:
        started_s = self._at_work_s()
        self._begin_or_end()
        self._wished = self._wishes.read()
        self._centering.look(self._recon.fillings)
        self._recon.use_parameters(
            self._centering.moved(self._phase_ratio.linked(self._wished))
        )
        self._companions.step(self._recon, is_running=self._session.is_running)
        self._feed.is_paused = self._companions.wish.is_paused
        feed_s, now_s = self._at_work_s(), self._clock.monotonic_s()
        entered = self._tally.entered
        self._adapt(now_s)
        taken = self._feed.take(now_s + self._settings.step_budget_s)
        fed_s = self._at_work_s()
        self._recon.refilter()
        self._follow_state(self._tally.entered - entered)
        is_published = self._publishing.publish(self._recon)
        self.handover.give(self._scene)
        ended_s = self._at_work_s()
        self._work.add(
            self._clock.monotonic_s(),
            frames=self._tally.entered - entered,
            frame_work_s=fed_s - feed_s,
            other_work_s=(ended_s - started_s) - (fed_s - feed_s),
        )
        return StepReport(taken=taken, is_published=is_published)

    def _at_work_s(self) -> float:
        """Give a time that stands still while a ring is made."""
        return self._clock.monotonic_s() - self._recon.all_making_s

    def _begin_or_end(self) -> None:
        if self._is_first_step:
            self._is_first_step = False
            if self._settings.auto_start:
                self._start()
        if self._session.state is SessionState.STOPPING:
            self._end(SessionState.IDLE, "stopped by the operator")
        for command in self._controls.commands():
            self._obey(command)

    def _obey(self, command: Command) -> None:
        if command is Command.ABORT:
            self._companions.abort()
        match command:
            case Command.START if self._session.is_running:
                self._say("already running")
            case Command.START:
                self._start()
            case Command.ABORT if self._session.is_running:
                # The end comes with the next step, so that viewers see the state.
                self._session.enter(SessionState.STOPPING, "stopping")
                self._feed.end()
            case Command.ABORT:
                self._say("nothing to abort: no session is running")
            case Command.ACCEPT_CENTER:
                self._say(self._centering.accept())
            case Command.RESET:
                self._recon.empty()
                self._say("ring emptied")

    def _start(self) -> None:
        # What was said of the session before, such as "nothing to abort".
        self._status.remark("")
        self._recon.empty()
        self._feed.begin()
        self._overload.reset()
        self._entered_s = -1e18
        self._session.enter(SessionState.WAITING, "for frames")

    def _end(self, state: SessionState, reason: str) -> None:
        self._feed.end()
        self._overload.reset()
        self._session.enter(state, reason)

    def _fail(self, reason: str) -> None:
        self._recon.discard(RejectReason.FAILED, reason)
        self._end(SessionState.FAILED, reason)

    def _adapt(self, now_s: float) -> None:
        # Those that wait have come as well: under overload few are taken.
        received = self._tally.taken + self._arrivals.dropped + self._feed.depth
        # While a ring was made they came, but were not looked at.
        self._frame_rate.add_since(received - self._received, self._adapted_s, now_s)
        self._received, self._adapted_s = received, now_s
        oldest_s = self._feed.oldest_arrived_s
        # Frames that are held back for their FrameType are not late.
        guard_s = self._settings.frame_type_guard_s
        lag_s = self._clock.now_s() - oldest_s - guard_s if oldest_s else 0.0
        if self._session.is_running:
            age_s = now_s - self._recon.begun_s
            is_new = age_s < _SETTLING_S
            # Frames piled up meanwhile, once; they say nothing about the load.
            excused_s = min(self._recon.making_s, self._overload.longest_wait_s) - age_s
            lag_s = max(lag_s - max(excused_s, 0.0), 0.0)
            pressure = Pressure(
                lag_s=lag_s, depth=self._feed.depth, fullness=self._arrivals.fullness,
                rate_hz=self._frame_rate.per_second(now_s),
                is_settling=is_new or self._recon.ledger is None,
            )  # fmt: skip
            self._overload.observe(now_s, pressure, self._work)
        self._feed.decimation = self._overload.decimation
        self._feed.longest_wait_s = self._overload.longest_wait_s
        self.handover.decimation.set(self._overload.decimation)
        self._recon.batch_limit = self._batch_limit()

    def _batch_limit(self) -> int:
        most = self._settings.batch_frames
        if not self._recon.is_cost_known:
            # The new steps may cost ten times as much as the old ones.
            self._work = WorkMeter()
            return _FIRST_BATCH
        cost_s = max(self._work.cost_s, self._work.newest_cost_s)
        # Time is looked at between batches, so one must not outlast the step.
        fitting = int(self._settings.step_budget_s / cost_s) if cost_s else most
        return min(max(fitting, 1), most)

    def _follow_state(self, entered: int) -> None:
        if not self._session.is_running:
            return
        now_s, ledger = self._clock.monotonic_s(), self._recon.ledger
        if entered:
            self._entered_s = now_s
        if self._feed.is_paused:
            self._session.enter(SessionState.WAITING, self._companions.wish.note)
            return
        is_quiet = now_s - self._entered_s > self._settings.quiet_after_s
        if ledger is None or not ledger.filled or is_quiet:
            has_frames = self._frame_rate.total(now_s) > 0
            reason = self._status.awaited(has_frames=has_frames)
            self._session.enter(SessionState.WAITING, reason)
            return
        state = SessionState.STREAMING if self._recon.is_full else SessionState.FILLING
        self._session.enter(state, f"{ledger.filled} of {ledger.n_slots} slots")

    def _scene(self) -> Scene | None:
        snapshot, ledger = self._recon.snapshot(), self._recon.ledger
        if snapshot is None or ledger is None or self._recon.newest is None:
            return None
        return Scene(
            snapshot=snapshot, parameters=self._recon.parameters,
            session=self._recon.fillings, completeness=ledger.completeness,
            data_s=self._recon.newest.placed.tracked.taken_s,
        )  # fmt: skip

    def _say(self, remark: str) -> None:
        logger.info("operator: %s", remark)
        self._status.remark(remark)

    def _report(self) -> None:
        now_s = self._clock.monotonic_s()
        refusals = [
            *self._wishes.refusals(self._recon.in_use, self._recon.refused),
            *self._companions.wish.refusals,
        ]
        notes = [
            *refusals, self._companions.wish.note, *self._status.notes(),
            self.handover.lacking.get(),
        ]  # fmt: skip
        health = replace(
            measured_health(self._tally, self._recon, self._publishing, now_s=now_s),
            frames_received=self._tally.taken + self._arrivals.dropped,
            frames_dropped=self._arrivals.dropped,
            frame_rate_hz=self._frame_rate.per_second(now_s),
            queue_depth=self._feed.depth,
            decimation=self._overload.decimation,
            recon_ms=1e3 * self._work.cost_s,
            views_failed=self.handover.failed.get(),
        )
        self._vitals.report(
            self._session, self._recon, health,
            corrected=self._fields.corrected,
            notes=[note for note in notes if note],
            others={
                **self._centering.readings,
                **self._details.readings(health, refusals=refusals),
            },
        )  # fmt: skip
