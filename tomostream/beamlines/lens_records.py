"""The operator's records of the lens change, and what they name."""

from collections.abc import Mapping

from tomostream.beamlines.lens_change import (
    LensChange,
    LensChangeNames,
    LensChangeState,
    LensChangeWishes,
)
from tomostream.beamlines.motor import OpenVariable
from tomostream.core.ports import Clock, Moment, Wish

_STATES = tuple(state.value for state in LensChangeState)


class LensChangeCompanion:
    """The lens change, from when its records say what it moves. A `Companion`.

    Parameters
    ----------
    prefix
        P and R together.
    """

    def __init__(self, prefix: str, open_variable: OpenVariable, clock: Clock) -> None:
        self._open = open_variable
        self._clock = clock
        self._change: LensChange | None = None
        self._named = {
            field: open_variable(prefix + record, is_text=True)
            for field, record in (
                ("mct_optics", "MctOpticsPVPrefix"),
                ("tomo_0_deg", "SampleTomo0degPVName"),
                ("tomo_90_deg", "SampleTomo90degPVName"),
                ("sample_y", "SampleYPVName"),
                ("roi_plugin", "RoiPluginPVPrefix"),
            )
        }
        self._settings = {
            name: open_variable(f"{prefix}LensChange{name}")
            for name in ("Sync", "DryRun", "MaxMove", "Timeout")
        }
        self._state = open_variable(f"{prefix}LensChangeState")
        self._message = open_variable(f"{prefix}LensChangeMessage", is_text=True)

    def step(self, moment: Moment) -> Wish:
        """Follow the lens once the names are known."""
        if self._change is None:
            named = {field: str(v.value or "") for field, v in self._named.items()}
            if not all(named.values()):
                return Wish()
            self._change = LensChange(
                LensChangeNames(**named), self._open, clock=self._clock,
                wishes=self._wishes, report=self._report,
            )  # fmt: skip
        return self._change.step(moment)

    def abort(self) -> None:
        """Stop the motors."""
        if self._change is not None:
            self._change.abort()

    def _wishes(self) -> LensChangeWishes:
        default = LensChangeWishes()
        return LensChangeWishes(
            is_synchronised=self._setting("Sync", 0.0) == 1,
            # Where the record is not known, nothing is moved.
            is_dry_run=self._setting("DryRun", 1.0) == 1,
            max_move_mm=self._setting("MaxMove", default.max_move_mm),
            timeout_s=self._setting("Timeout", default.timeout_s),
        )

    def _setting(self, name: str, otherwise: float) -> float:
        value = self._settings[name].value
        return float(value) if isinstance(value, int | float) else otherwise

    def _report(self, readings: Mapping[str, str]) -> None:
        self._state.put(_STATES.index(readings["LensChangeState"]))
        self._message.put(readings["LensChangeMessage"][:255])
