"""Work beside the stream: views that somebody looks at, and the rotation centre."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tomostream.core.parameters import Parameters
from tomostream.core.ports import Clock
from tomostream.runtime.clock import thread_cpu_s
from tomostream.runtime.worker import StopSignal
from tomostream.service.handover import Handover, Scene
from tomostream.service.notices import Notices

logger = logging.getLogger(__name__)

_LOOK_S = 0.1
"""How often it is looked whether there is something to do."""
_SCENE_S = 1.0
"""How long a scene is waited for."""
_REST = 4.0
"""Pause after a piece of work, in times of its CPU time: a fifth of one core."""
_REST_AT_OVERLOAD = 40.0
_LONGEST_REST_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Something that is done again and again, while it is wanted."""

    name: str
    period_s: Callable[[Parameters], float]
    """At the operator's present wishes; 0: not at all."""
    is_wanted: Callable[[], bool]
    work: Callable[[Scene], object]
    """May raise: costs this turn of this task only."""


class Beside:
    """Do one task after the other, and rest between them. Owned by its own thread.

    The stream goes first: after each piece of work the thread rests four times as long
    as that took of a core, and not less than it took on a busy machine; ten times
    longer while frames have to be left out. Whatever fails is logged, counted, and
    costs that one update. A task that lacks memory is told in the status and not tried
    again before a parameter changes.

    Parameters
    ----------
    handover
        Where scenes come from.
    tasks
        What there is to do.
    parameters
        Gives the operator's wishes, for the tasks' periods.
    cpu_s
        CPU time of the thread that asks.
    """

    def __init__(
        self, handover: Handover, tasks: Sequence[Task], *,
        parameters: Callable[[], Parameters], clock: Clock,
        cpu_s: Callable[[], float] = thread_cpu_s,
    ) -> None:  # fmt: skip
        self._handover = handover
        self._tasks = tasks
        self._parameters = parameters
        self._clock = clock
        self._cpu_s = cpu_s
        self._done_s = {task.name: -1e18 for task in tasks}
        self._refused: dict[str, Parameters] = {}
        self._notices = Notices(logger, clock)

    def run(self, stop: StopSignal) -> None:
        """Work until told to stop."""
        while not stop.is_set():
            stop.wait(self.step())

    def step(self) -> float:
        """Do the task that is most overdue, if any is; give how long to rest."""
        parameters = self._parameters()
        self._try_again(parameters)
        task = self._next(parameters)
        if task is None:
            return _LOOK_S
        scene = self._handover.take(_SCENE_S)
        if scene is None:
            return _LOOK_S
        started_s, cpu_s = self._clock.monotonic_s(), self._cpu_s()
        self._done_s[task.name] = started_s
        self._do(task, scene, parameters)
        took_s, cpu_s = self._clock.monotonic_s() - started_s, self._cpu_s() - cpu_s
        is_overload = self._handover.decimation.get() > 1
        times = _REST_AT_OVERLOAD if is_overload else _REST
        return min(max(times * cpu_s, took_s), _LONGEST_REST_S)

    def _try_again(self, parameters: Parameters) -> None:
        """Forget what was refused at other parameters."""
        if any(refused != parameters for refused in self._refused.values()):
            self._refused.clear()
            self._handover.lacking.set("")

    def _next(self, parameters: Parameters) -> Task | None:
        now_s = self._clock.monotonic_s()
        most, chosen = 1.0, None
        for task in self._tasks:
            period_s = task.period_s(parameters)
            if period_s <= 0 or task.name in self._refused or not task.is_wanted():
                continue
            overdue = (now_s - self._done_s[task.name]) / period_s
            if overdue >= most:
                most, chosen = overdue, task
        return chosen

    def _do(self, task: Task, scene: Scene, parameters: Parameters) -> None:
        try:
            task.work(scene)
        except Exception as exc:  # noqa: BLE001  one view's fault, whatever it is, costs that view and is counted
            self._handover.failed.set(self._handover.failed.get() + 1)
            self._notices.warn(f"{task.name} not made", f"{type(exc).__name__}: {exc}")
            if isinstance(exc, MemoryError):
                self._refused[task.name] = parameters
                self._handover.lacking.set(f"{task.name} is off: {exc}")
