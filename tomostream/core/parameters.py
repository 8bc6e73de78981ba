"""Every operator control, declared once.

The table `CONTROLS` is the only place where a record's name, type, unit, limits,
choices, default and help stand. The IOC, the service, the screens and the docs are
made from it. `Parameters` is a frozen snapshot of their values.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any, Literal

from tomostream.core.controls import CONTROLS, Control
from tomostream.core.geometry import Planes

Value = float | int | str
"""What a record can hold: a number, a choice's index, or text."""


class FilterType(StrEnum):
    """Apodised ramp filters, in the order of the record's choices; only appended to."""

    PARZEN = "Parzen"
    SHEPP_LOGAN = "Shepp-logan"
    RAMP = "Ramp"
    BUTTERWORTH = "Butterworth"
    HANN = "Hann"
    COSINE = "Cosine"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconParameters:
    """What the engine needs to know of the operator's wishes."""

    center: float
    """Detector column of the rotation axis, pixels; pixel centres are integers."""
    filter_type: FilterType = FilterType.PARZEN
    planes: Planes


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """A snapshot of the operator's controls, in engineering units."""

    center: float = 0.0
    filter_type: FilterType = FilterType.PARZEN
    dezinger_radius: int = 0
    ring_removal: str = "None"
    ortho_x: int = 0
    ortho_y: int = 0
    ortho_z: int = 0
    rot_x: float = 0.0
    rot_y: float = 0.0
    rot_z: float = 0.0
    energy_kev: float = 30.0
    distance_mm: float = 0.0
    alpha: float = 0.0
    pixel_um: float = 1.0
    scan_range: Literal[180, 360] = 180
    crosshair: bool = False
    publish_rate_limit_hz: float = 20.0

    def recon(self) -> ReconParameters:
        """Give the part that the engine needs."""
        return ReconParameters(
            center=self.center,
            filter_type=self.filter_type,
            planes=Planes(x=self.ortho_x, y=self.ortho_y, z=self.ortho_z),
        )

    def with_value(self, control: Control, value: Value) -> "Parameters":
        """Give a snapshot in which one control has a new value.

        Raises
        ------
        ValueError
            The value is not finite, not a choice, or outside the control's limits.
        """
        if control.field is None:
            raise ValueError(f"{control.name}: not a reconstruction parameter")
        return replace(self, **{control.field: decode(control, value)})

    def values(self) -> Mapping[str, Value]:
        """Give the value of each record that stands for a parameter, by record name."""
        return {c.name: encode(c, getattr(self, c.field)) for c in CONTROLS if c.field}


def decode(control: Control, value: Value) -> Any:
    """Turn a record's value into the parameter's value.

    Raises
    ------
    ValueError
        Says which control, what was wanted, what came.
    """
    if control.choices:
        return _decode_choice(control, value)
    if control.kind == "text":
        return str(value)
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{control.name}: expected a finite number, got {number}")
    low, high = control.low, control.high
    if (low is not None and number < low) or (high is not None and number > high):
        raise ValueError(
            f"{control.name}: expected {low} to {high} {control.unit}, got {number:g}"
        )
    return int(number) if control.kind == "integer" else number


def encode(control: Control, value: Any) -> Value:
    """Turn a parameter's value into what its record holds (choices as their index)."""
    if control.choices:
        meanings = control.meanings or control.choices
        return meanings.index(value)
    return value


def _decode_choice(control: Control, value: Value) -> Any:
    meanings = control.meanings or control.choices
    try:
        index = control.choices.index(value) if isinstance(value, str) else int(value)
        found = meanings[index if index >= 0 else len(meanings)]
    except (ValueError, IndexError) as exc:
        wanted = ", ".join(control.choices)
        raise ValueError(
            f"{control.name}: expected one of {wanted}; got {value!r}"
        ) from exc
    return FilterType(found) if control.field == "filter_type" else found


PARAMETER_FIELDS = tuple(f.name for f in fields(Parameters))
