"""A motor record, moved without waiting for it."""

from dataclasses import dataclass
from typing import Protocol

from tomostream.core.ports import Clock, ProcessVariable


class OpenVariable(Protocol):
    """Gives process variables."""

    def __call__(
        self, name: str, *, is_text: bool = False, is_optional: bool = False
    ) -> ProcessVariable:
        """Give the one of that name; its value as text or as a number.

        One that is optional may be missing for ever, and is not complained of.
        """
        ...


SETTLE_S = 0.5
"""Time in which a motor that was told to move begins to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One motor's way."""

    motor: "Motor"
    start: float
    target: float

    def __str__(self) -> str:
        """Say it in a line: 2bmS1:m2 1.25 -> 1.5."""
        return f"{self.motor.name} {self.start:.4g} -> {self.target:.4g}"


class Motor:
    """A motor record of EPICS. Owned by the loop's thread.

    Parameters
    ----------
    name
        Of the record, without a field.
    """

    def __init__(self, name: str, open_variable: OpenVariable, clock: Clock) -> None:
        self.name = name
        self._clock = clock
        self._setpoint = open_variable(f"{name}.VAL")
        self._readback = open_variable(f"{name}.RBV")
        self._is_done = open_variable(f"{name}.DMOV")
        self._low = open_variable(f"{name}.LLM")
        self._high = open_variable(f"{name}.HLM")
        self._deadband = open_variable(f"{name}.RDBD")
        self._stop = open_variable(f"{name}.STOP")
        self._told_s = -1e18

    @property
    def is_known(self) -> bool:
        """Whether its position and whether it moves are known."""
        return None not in {self._setpoint.value, self._is_done.value}

    @property
    def position(self) -> float:
        """Where it was sent to last, in its own unit."""
        return _number(self._setpoint) or 0.0

    def fault(self, target: float) -> str:
        """Say why it cannot go there; empty: it can."""
        if not self.is_known:
            return f"{self.name} is not connected"
        low, high = _number(self._low), _number(self._high)
        # A motor record without soft limits has both at 0.
        if low is None or high is None or low == high or low <= target <= high:
            return ""
        return (
            f"{self.name} would go to {target:.4g}, its limits are {low:g} to {high:g}"
        )

    def move(self, target: float) -> None:
        """Begin to move; nothing waits."""
        self._told_s = self._clock.monotonic_s()
        self._setpoint.put(target)

    def stop(self) -> None:
        """Stop where it is."""
        self._stop.put(1)

    def is_there(self, target: float) -> bool:
        """Tell whether it stands still at a place that it was told."""
        if self._clock.monotonic_s() - self._told_s < SETTLE_S:
            # It may not have begun yet.
            return False
        position = _number(self._readback)
        if _number(self._is_done) != 1 or position is None:
            return False
        return abs(position - target) <= max(_number(self._deadband) or 0.0, 1e-3)


def _number(variable: ProcessVariable) -> float | None:
    value = variable.value
    return float(value) if isinstance(value, int | float) else None
