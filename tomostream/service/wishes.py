"""The operator's parameters, and what the service itself has changed of them."""

from dataclasses import dataclass, replace
from typing import Any

from tomostream.core.parameters import PARAMETER_FIELDS, Parameters
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


def unheeded(parameters: Parameters) -> list[str]:
    """Name what the operator has set and this version does not act on."""
    set_values = {
        "Dezinger": parameters.dezinger_radius != 0,
        "RingRemoval": parameters.ring_removal != "None",
        "RotX": parameters.rot_x != 0,
        "RotY": parameters.rot_y != 0,
        "RotZ": parameters.rot_z != 0,
        "Alpha": parameters.alpha > 0,
    }
    names = ", ".join(name for name, is_set in set_values.items() if is_set)
    notes = [f"{names} set but not acted on by this version"] if names else []
    if parameters.scan_range == 360:
        notes.append("ScanRange 360: overlapping views are not weighted yet")
    return notes
