"""2-BM's lens change: keep the chosen point in view while the lens is exchanged.

The point where the three planes cross is brought to the rotation axis and to the
detector's middle by the sample's motors, then the planes are set to the middle: after
the change the new, larger or smaller, field of view shows it amid the slices.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from tomostream.beamlines.motor import SETTLE_S, Motor, Move, OpenVariable
from tomostream.core.geometry import Geometry, Planes
from tomostream.core.ports import Clock, Moment, ProcessVariable, Wish

_LENS_BEGINS_S = 2.0
"""Time in which a lens that was chosen begins to move."""
_SHOWN_S = 10.0
"""How long the end of a lens change stands in the status line."""


class LensChangeState(StrEnum):
    """What the lens change is doing; the choices of the record LensChangeState."""

    IDLE = "idle"
    MOVING = "moving"
    WAITING = "waiting for lens"
    ABORTED = "aborted"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class LensChangeNames:
    """Records of others; names end where their wiring records say so."""

    mct_optics: str
    """Prefix of mctOptics."""
    tomo_0_deg: str
    """Motor on the rotation stage, along x at 0 degrees."""
    tomo_90_deg: str
    """The same at 90 degrees."""
    sample_y: str
    """Motor that lifts the sample."""
    roi_plugin: str
    """Prefix of the ROI plugin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LensChangeWishes:
    """The operator's settings, as the records have them."""

    is_synchronised: bool = False
    """Move the sample."""
    is_dry_run: bool = False
    """Say what would be moved, move nothing."""
    max_move_mm: float = 5.0
    timeout_s: float = 60.0


class LensChange:
    """A `Companion`: a state machine that a change of LensSelect sets going.

    Parameters
    ----------
    names
        Records that are read and moved.
    open_variable
        Gives the process variable of a name.
    wishes
        Gives the operator's settings.
    report
        Takes readings of LensChangeState and LensChangeMessage, by record name.
    """

    def __init__(
        self,
        names: LensChangeNames,
        open_variable: OpenVariable,
        *,
        clock: Clock,
        wishes: Callable[[], LensChangeWishes],
        report: Callable[[dict[str, str]], None],
    ) -> None:
        self._open = open_variable
        self._clock = clock
        self._wishes = wishes
        self._report = report
        optics = names.mct_optics
        self._lens = open_variable(f"{optics}LensSelect")
        self._pixel_um = open_variable(f"{optics}DetectorPixelSize")
        self._objective = open_variable(f"{optics}CameraObjective", is_text=True)
        self._lens_motor = open_variable(f"{optics}LensMotorPVName", is_text=True)
        self._binning = open_variable(f"{names.roi_plugin}BinX")
        self._x, self._y, self._z = (
            Motor(name, open_variable, clock)
            for name in (names.tomo_0_deg, names.tomo_90_deg, names.sample_y)
        )
        self._lens_is_done: ProcessVariable | None = None
        self._lens_done_of = ""
        self._lens_shown: float | str | None = None
        self._magnification = 0.0
        self._moves: tuple[Move, ...] = ()
        self._begun_s = 0.0
        self._told_s = -1e18
        self._message = ""
        self.state = LensChangeState.IDLE

    def step(self, moment: Moment) -> Wish:
        """Follow the lens; pause while it changes."""
        self._watch_lens_motor()
        if self.state is LensChangeState.MOVING:
            return self._while_moving(moment)
        if self.state is LensChangeState.WAITING:
            return self._while_waiting(moment)
        lens, before = self._lens.value, self._lens_shown
        if lens is None or before is None or lens == before or not moment.is_running:
            if lens is not None:
                self._lens_shown = lens
            # The objective of the lens that the slices are seen with.
            self._magnification = _magnification(self._objective.value)
            return Wish(note=self._message if self._is_recent() else "")
        self._lens_shown = lens
        return self._begin(moment)

    def abort(self) -> None:
        """Stop the motors; the planes stay."""
        if self.state in {LensChangeState.MOVING, LensChangeState.WAITING}:
            for move in self._moves:
                move.motor.stop()
            self._end(
                LensChangeState.ABORTED, "aborted by the operator, motors stopped"
            )

    def _begin(self, moment: Moment) -> Wish:
        self._begun_s = self._clock.monotonic_s()
        self._moves = ()
        wishes = self._wishes()
        if not wishes.is_synchronised or moment.geometry is None:
            self._enter(LensChangeState.WAITING, "sample not moved")
            return Wish(is_paused=True, note=self._message)
        planned = self._planned(moment.planes, moment.geometry)
        fault = self._unknown() or self._fault(planned, wishes)
        if fault:
            # The lens goes on without us; only the sample stays where it is.
            self._enter(LensChangeState.WAITING, f"sample not moved: {fault}")
        elif wishes.is_dry_run:
            self._enter(LensChangeState.WAITING, f"dry run: {_said(planned)}")
        else:
            self._moves = tuple(planned)
            for move in self._moves:
                move.motor.move(move.target)
            self._enter(LensChangeState.MOVING, _said(planned))
        return Wish(is_paused=True, note=self._message)

    def _unknown(self) -> str:
        """Say what must be known first and is not."""
        needed = (_positive(self._pixel_um), _positive(self._binning))
        if not (all(needed) and self._magnification):
            return "pixel size, binning or objective are not known"
        for motor in (self._x, self._y, self._z):
            if not motor.is_known:
                return f"{motor.name} is not connected"
        return ""

    def _planned(self, planes: Planes, geometry: Geometry) -> list[Move]:
        """Give the moves that bring the planes' crossing to the middle."""
        pixel_um = _positive(self._pixel_um) / (self._magnification or 1.0)
        pixel_mm = pixel_um * _positive(self._binning) / 1000.0
        right = (planes.x - geometry.n_out // 2) * pixel_mm
        down = (planes.z - geometry.n_z // 2) * pixel_mm
        # y of the slices points towards the source at 0 degrees, the motor away.
        away = (planes.y - geometry.n_out // 2) * pixel_mm
        return [
            Move(motor=motor, start=motor.position, target=motor.position + distance)
            for motor, distance in (
                (self._z, down), (self._x, right), (self._y, -away)
            )
        ]  # fmt: skip

    def _fault(self, moves: list[Move], wishes: LensChangeWishes) -> str:
        for move in moves:
            distance = abs(move.target - move.start)
            if distance > wishes.max_move_mm:
                return (
                    f"{move.motor.name} would move {distance:.4g} mm, "
                    f"LensChangeMaxMove is {wishes.max_move_mm:g}"
                )
            if fault := move.motor.fault(move.target):
                return fault
        return ""

    def _while_moving(self, moment: Moment) -> Wish:
        if all(move.motor.is_there(move.target) for move in self._moves):
            self._enter(LensChangeState.WAITING, self._message)
            self._begun_s = self._clock.monotonic_s()
            middle = Planes.middle(moment.geometry) if moment.geometry else None
            return Wish(is_paused=True, planes=middle, note=self._message)
        if self._is_late():
            late = [m for m in self._moves if not m.motor.is_there(m.target)]
            for move in self._moves:
                move.motor.stop()
            self._end(
                LensChangeState.FAILED,
                f"motors stopped, not there in time: {_said(late)}",
            )
            return Wish(note=self._message)
        return Wish(is_paused=True, note=self._message)

    def _while_waiting(self, moment: Moment) -> Wish:
        if not moment.is_running:
            self._end(LensChangeState.ABORTED, "the session has ended")
            return Wish()
        waited_s = self._clock.monotonic_s() - self._begun_s
        done = self._lens_is_done.value if self._lens_is_done else None
        if waited_s > _LENS_BEGINS_S and done == 1:
            self._end(LensChangeState.IDLE, f"lens changed; {self._message}")
            return Wish(note=self._message)
        if self._is_late():
            name = self._lens_done_of or "LensMotorPVName"
            self._end(LensChangeState.FAILED, f"{name} is not done in time")
            return Wish(note=self._message)
        return Wish(is_paused=True, note=self._message)

    def _watch_lens_motor(self) -> None:
        name = self._lens_motor.value
        if isinstance(name, str) and name and name != self._lens_done_of:
            self._lens_done_of = name
            self._lens_is_done = self._open(f"{name}.DMOV")

    def _is_late(self) -> bool:
        waited_s = self._clock.monotonic_s() - self._begun_s
        return waited_s > max(self._wishes().timeout_s, SETTLE_S)

    def _is_recent(self) -> bool:
        return self._clock.monotonic_s() - self._told_s < _SHOWN_S

    def _end(self, state: LensChangeState, message: str) -> None:
        self._moves = ()
        self._lens_shown = self._lens.value
        self._enter(state, message)

    def _enter(self, state: LensChangeState, message: str) -> None:
        self.state = state
        self._message = f"lens change: {message.removeprefix('lens change: ')}"
        self._told_s = self._clock.monotonic_s()
        self._report({"LensChangeState": state.value, "LensChangeMessage": message})


def _said(moves: list[Move]) -> str:
    return ", ".join(map(str, moves))


def _positive(variable: ProcessVariable) -> float:
    value = variable.value
    return float(value) if isinstance(value, int | float) and value > 0 else 0.0


def _magnification(value: float | str | None) -> float:
    """Give the number of an objective; 0 where there is none: 10, "10x", "10.0 X"."""
    if isinstance(value, str):
        found = re.match(r"\s*(\d+(?:\.\d+)?)", value)
        value = float(found[1]) if found else 0.0
    return float(value) if value and value > 0 else 0.0
