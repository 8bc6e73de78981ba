"""Every operator control, declared once.

The table `CONTROLS` is the only place where a record's name, type, unit, limits,
choices, default and help stand. The IOC, the service, the screens and the docs are
made from it. `Parameters` is a frozen snapshot of their values.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, Literal

from tomostream.core.controls import CONTROLS, Control
from tomostream.core.geometry import ObliquePlane, Planes
from tomostream.core.steps import (
    FlatScale,
    PhaseRetrieval,
    Region,
    RingRemoval,
    Steps,
)

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
    oblique: ObliquePlane | None = None
    """None: not wanted."""
    steps: Steps = field(default_factory=Steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """A snapshot of the operator's controls, in engineering units."""

    center: float = 0.0
    filter_type: FilterType = FilterType.PARZEN
    dezinger_radius: int = 0
    dezinger_threshold: float = 0.2
    ring_removal: RingRemoval = RingRemoval.NONE
    ring_width: float = 6.0
    ortho_x: int = 0
    ortho_y: int = 0
    ortho_z: int = 0
    rot_x: float = 0.0
    rot_y: float = 0.0
    rot_z: float = 0.0
    energy_kev: float = 30.0
    distance_mm: float = 0.0
    alpha: float = 0.0
    delta_beta: float = 0.0
    pixel_um: float = 1.0
    hardening_2: float = 0.0
    hardening_3: float = 0.0
    flat_scale: FlatScale = FlatScale.NONE
    flat_exposure_s: float = 0.0
    exposure_s: float = 0.0
    region_x: int = 0
    region_y: int = 0
    region_width: int = 0
    region_height: int = 0
    transmission_floor: float = 1e-6
    is_oblique_shown: bool = False
    oblique_x: float = 0.0
    oblique_y: float = 0.0
    oblique_z: float = 0.0
    oblique_normal_x: float = 1.0
    oblique_normal_y: float = 1.0
    oblique_normal_z: float = 1.0
    preview_rate_hz: float = 0.5
    is_center_followed: bool = False
    center_step_limit: float = 1.0
    center_strip_step: float = 0.5
    scan_range: Literal[180, 360] = 180
    crosshair: bool = False
    publish_rate_limit_hz: float = 20.0

    def recon(self) -> ReconParameters:
        """Give the part that the engine needs."""
        return ReconParameters(
            center=self.center,
            filter_type=self.filter_type,
            planes=Planes(
                x=self.ortho_x, y=self.ortho_y, z=self.ortho_z,
                rot_x=self.rot_x, rot_y=self.rot_y, rot_z=self.rot_z,
            ),
            oblique=self._oblique(), steps=self._steps(),
        )  # fmt: skip

    def problems(self) -> list[str]:
        """Say which wishes contradict each other, and are not acted on."""
        problems: list[str] = []
        if self.alpha > 0 and self._phase() is None:
            problems.append("phase retrieval needs Energy, Distance and PixelSize > 0")
        if self.is_oblique_shown and self._oblique() is None:
            problems.append("the oblique plane needs a normal")
        if self.flat_scale is FlatScale.EXPOSURE and not self._exposure_ratio():
            problems.append(
                "FlatScale Exposure needs Exposure and FlatExposure > 0, "
                "within a factor of 1e6"
            )
        if self.flat_scale is FlatScale.REGION and not self._region():
            problems.append("FlatScale Region needs RegionWidth and RegionHeight > 0")
        return problems

    def _phase(self) -> PhaseRetrieval | None:
        values = (self.energy_kev, self.distance_mm, self.pixel_um, self.alpha)
        if not all(value > 0 for value in values):
            return None
        return PhaseRetrieval(
            energy_kev=self.energy_kev, distance_mm=self.distance_mm,
            pixel_um=self.pixel_um, alpha=self.alpha,
        )  # fmt: skip

    def _oblique(self) -> ObliquePlane | None:
        normal = self.oblique_normal_x, self.oblique_normal_y, self.oblique_normal_z
        if not self.is_oblique_shown or not any(normal):
            return None
        return ObliquePlane(
            x=self.oblique_x, y=self.oblique_y, z=self.oblique_z, normal=normal
        )

    def _exposure_ratio(self) -> float:
        if min(self.exposure_s, self.flat_exposure_s) <= 0:
            return 0.0
        ratio = self.exposure_s / self.flat_exposure_s
        return ratio if 1e-6 <= ratio <= 1e6 else 0.0

    def _region(self) -> Region | None:
        if min(self.region_width, self.region_height) <= 0:
            return None
        return Region(
            x=self.region_x, y=self.region_y,
            width=self.region_width, height=self.region_height,
        )  # fmt: skip

    def _steps(self) -> Steps:
        scale, region = self.flat_scale, self._region()
        ratio = self._exposure_ratio() if scale is FlatScale.EXPOSURE else 1.0
        if not ratio or (scale is FlatScale.REGION and region is None):
            scale, ratio = FlatScale.NONE, 1.0
        return Steps(
            flat_scale=scale, exposure_ratio=ratio,
            region=region if scale is FlatScale.REGION else None,
            zinger_radius=self.dezinger_radius,
            zinger_threshold=self.dezinger_threshold,
            phase=self._phase(),
            transmission_floor=self.transmission_floor,
            hardening=(self.hardening_2, self.hardening_3),
            ring_removal=self.ring_removal, ring_width=self.ring_width,
        )  # fmt: skip

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
    number = _number(control, value)
    low, high = control.low, control.high
    if (low is not None and number < low) or (high is not None and number > high):
        unit = f" {control.unit}" if control.unit else ""
        raise ValueError(
            f"{control.name}: expected {low} to {high}{unit}, got {number:g}"
        )
    return int(number) if control.kind == "integer" else number


def told(control: Control, value: Any) -> str:
    """Say a parameter's value as its record shows it: a choice's text, or the unit."""
    if control.choices:
        return control.choices[int(encode(control, value))]
    text = f"{value:.10g}" if isinstance(value, float) else str(value)
    return f"{text} {control.unit}" if control.unit else text


def encode(control: Control, value: Any) -> Value:
    """Turn a parameter's value into what its record holds (choices as their index)."""
    if control.choices:
        meanings = control.meanings or control.choices
        return meanings.index(value)
    return value


def _number(control: Control, value: Value) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{control.name}: expected a finite number, got {value}")
    return number


def _decode_choice(control: Control, value: Value) -> Any:
    meanings = control.meanings or control.choices
    try:
        index = control.choices.index(value) if isinstance(value, str) else int(value)
        found = meanings[index if index >= 0 else len(meanings)]
    except (TypeError, ValueError, OverflowError, IndexError) as exc:
        wanted = ", ".join(control.choices)
        came = f"{value:g}" if isinstance(value, float) else repr(value)
        raise ValueError(
            f"{control.name}: expected one of {wanted}, got {came}"
        ) from exc
    kind = _CHOICE_TYPES.get(control.field or "")
    return kind(found) if kind else found


_CHOICE_TYPES: dict[str, type[StrEnum]] = {
    "filter_type": FilterType,
    "ring_removal": RingRemoval,
    "flat_scale": FlatScale,
}

PARAMETER_FIELDS = tuple(f.name for f in fields(Parameters))
