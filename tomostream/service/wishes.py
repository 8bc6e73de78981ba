"""The operator's parameters, and what the service itself has changed of them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tomostream.core.controls import control
from tomostream.core.parameters import PARAMETER_FIELDS, Parameters, told
from tomostream.core.ports import ControlSurface


@dataclass(frozen=True, slots=True)
class _WrittenBack:
    old: Any
    new: Any


class OperatorWishes:
    """Read parameters, and write back those that the service has to change.

    A value written back needs a while to come round through the records. Until the
    record shows anything but the old value, the new one counts; otherwise the old
    Center would be taken for the operator's wish. Owned by the loop's thread.
    """

    def __init__(self, controls: ControlSurface) -> None:
        self._controls = controls
        self._written: dict[str, _WrittenBack] = {}

    def read(self) -> Parameters:
        """Give the parameters in force."""
        shown = self._controls.parameters()
        on_the_way: dict[str, Any] = {}
        for name, written in list(self._written.items()):
            if getattr(shown, name) == written.old:
                on_the_way[name] = written.new
            else:
                del self._written[name]
        return replace(shown, **on_the_way) if on_the_way else shown

    def refusals(self, in_use: Parameters, refused: Mapping[str, str]) -> list[str]:
        """Say of each record whose value is not used why, and which one is instead.

        Parameters
        ----------
        in_use
            What the slices are made with.
        refused
            Why values that the records may hold cannot be used, by record name.
        """
        return [
            f"{why}; {told(declared, getattr(in_use, declared.field))} stays in use"
            for name, why in {**refused, **self._controls.refused}.items()
            if (declared := control(name)).field
        ]

    def write_back(self, wished: Parameters, changed: Parameters) -> None:
        """Write what the service has changed of what was wished into the records."""
        values = {
            name: getattr(changed, name)
            for name in PARAMETER_FIELDS
            if getattr(changed, name) != getattr(wished, name)
        }
        if not values:
            return
        # Only these: another value may have been turned in the meantime.
        shown = self._controls.parameters()
        for name, value in values.items():
            self._written[name] = _WrittenBack(getattr(shown, name), value)
        self._controls.write_parameters(replace(shown, **values))


class PhaseRatio:
    """Keep Alpha and DeltaBeta, one the other's inverse, in step; 0 belongs to 0.

    The one that was changed last counts; where both were, Alpha does, but not a zero
    against a value. Owned by the loop's thread.
    """

    def __init__(self) -> None:
        self._alpha: float = 0.0
        self._delta_beta: float = 0.0

    def linked(self, wished: Parameters) -> Parameters:
        """Give the parameters with the other one set."""
        alpha, delta_beta = wished.alpha, wished.delta_beta
        is_alpha_changed = alpha != self._alpha
        if delta_beta != self._delta_beta and not (is_alpha_changed and alpha):
            alpha = _inverse(delta_beta, "Alpha")
        elif is_alpha_changed:
            delta_beta = _inverse(alpha, "DeltaBeta")
        self._alpha, self._delta_beta = alpha, delta_beta
        return replace(wished, alpha=alpha, delta_beta=delta_beta)


def _inverse(value: float, name: str) -> float:
    """Give 1 / value within that control's limits, where the record would clamp it."""
    if value <= 0:
        return 0.0
    return min(1.0 / value, control(name).high or math.inf)
