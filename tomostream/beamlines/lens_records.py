"""The operator's records of the lens change, and what they name.

An IOC made for the server before this one has only LensChangeSync and the names. Its
operators expect Yes to move the sample, and so it does; the status says so.
"""

from collections.abc import Mapping
from dataclasses import replace

from tomostream.beamlines.lens_change import (
    LensChange,
    LensChangeNames,
    LensChangeState,
    LensChangeWishes,
)
from tomostream.beamlines.motor import OpenVariable
from tomostream.core.controls import LENS_CHANGE
from tomostream.core.parameters import decode, told
from tomostream.core.ports import Clock, Moment, Wish

_STATES = tuple(state.value for state in LensChangeState)
_ABSENT_S = 10.0
"""A record that has not come so long after another one of its IOC is not in it."""


_DECLARED = {c.name.removeprefix("LensChange"): c for c in LENS_CHANGE}


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
            name: open_variable(f"{prefix}LensChange{name}", is_optional=name != "Sync")
            for name in ("Sync", "DryRun", "MaxMove", "Timeout")
        }
        self._state = open_variable(f"{prefix}LensChangeState", is_optional=True)
        self._message = open_variable(
            f"{prefix}LensChangeMessage", is_text=True, is_optional=True
        )
        self._in_use: dict[str, float] = {}
        """The newest value of each setting that could be used."""
        self._sync_since_s: float | None = None
        self._has_dry_run = False

    def step(self, moment: Moment) -> Wish:
        """Follow the lens once the names are known; say what a change would do."""
        self._look()
        if self._change is None:
            named = {field: str(v.value or "") for field, v in self._named.items()}
            if not all(named.values()):
                return Wish()
            self._change = LensChange(
                LensChangeNames(**named), self._open, clock=self._clock,
                wishes=self._wishes, report=self._report,
            )  # fmt: skip
        wish = self._change.step(moment)
        note = wish.note or self._intention()
        return replace(wish, note=note, refusals=self._refusals())

    def abort(self) -> None:
        """Stop the motors."""
        if self._change is not None:
            self._change.abort()

    def _look(self) -> None:
        """Learn which records the IOC has."""
        if self._settings["DryRun"].value is not None:
            self._has_dry_run = True
        if self._settings["Sync"].value is None:
            self._sync_since_s = None
        elif self._sync_since_s is None:
            self._sync_since_s = self._clock.monotonic_s()

    @property
    def _lacks_dry_run(self) -> bool:
        """Whether the IOC has no LensChangeDryRun; one that only is away counts."""
        return (
            not self._has_dry_run
            and self._sync_since_s is not None
            and self._clock.monotonic_s() - self._sync_since_s > _ABSENT_S
        )

    def _intention(self) -> str:
        """Say what the next change of the lens would do, where one may be mistaken."""
        wishes = self._wishes()
        if not wishes.is_synchronised:
            return ""
        if self._lacks_dry_run:
            return "lens change moves the sample: the IOC has no LensChangeDryRun"
        if self._settings["DryRun"].value is None:
            return "lens change is a dry run: LensChangeDryRun is not connected"
        return "lens change is a dry run" if wishes.is_dry_run else ""

    def _wishes(self) -> LensChangeWishes:
        default = LensChangeWishes()
        # A record that is away may say Yes: nothing is moved.
        otherwise = 0.0 if self._lacks_dry_run else 1.0
        return LensChangeWishes(
            is_synchronised=self._setting("Sync", 0.0) == 1,
            is_dry_run=self._setting("DryRun", otherwise) == 1,
            max_move_mm=self._setting("MaxMove", default.max_move_mm),
            timeout_s=self._setting("Timeout", default.timeout_s),
        )

    def _setting(self, name: str, otherwise: float) -> float:
        value = self._settings[name].value
        if not isinstance(value, int | float):
            return otherwise
        if not _fault(name, value):
            self._in_use[name] = float(value)
        # No distance is above a limit that is no number: such a one limits nothing.
        return self._in_use.get(name, otherwise)

    def _refusals(self) -> tuple[str, ...]:
        """Say which record's value is not used, and why."""
        return tuple(
            f"{fault}; {self._shown(name)} stays in use"
            for name, variable in self._settings.items()
            if variable.value is not None and (fault := _fault(name, variable.value))
        )

    def _shown(self, name: str) -> str:
        declared = _DECLARED[name]
        if name not in self._in_use:
            return "the first value"
        return told(declared, decode(declared, self._in_use[name]))

    def _report(self, readings: Mapping[str, str]) -> None:
        self._state.put(_STATES.index(readings["LensChangeState"]))
        self._message.put(readings["LensChangeMessage"][:255])


def _fault(name: str, value: float | str) -> str:
    """Say why a setting's value cannot be used; empty: it can."""
    try:
        decode(_DECLARED[name], value)
    except ValueError as exc:
        return str(exc)
    return ""
