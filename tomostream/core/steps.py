"""What is done to a projection before the filter, as the operator wants it."""

import math
from dataclasses import dataclass, replace
from enum import StrEnum


class RingRemoval(StrEnum):
    """How stripes of the sinogram are found; only appended to."""

    NONE = "None"
    FOURIER_WAVELET = "fw"
    HIGH_PASS = "high-pass"


class FlatScale(StrEnum):
    """How a flat of another exposure is brought to the projection's; appended to."""

    NONE = "None"
    EXPOSURE = "Exposure"
    REGION = "Region"


_HC_KEV_UM = 1.239841984e-3
"""Planck's constant times the speed of light, keV um (CODATA 2018)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseRetrieval:
    """Single-distance phase retrieval of a homogeneous sample.

    The intensity is multiplied by ``1 / (1 + strength k^2)`` in Fourier space, k in
    rad/pixel along both axes.

    References
    ----------
    Paganin et al., J. Microscopy 206 (2002) 33, doi:10.1046/j.1365-2818.2002.01010.x.
    """

    energy_kev: float
    distance_mm: float
    pixel_um: float
    alpha: float
    """beta / delta of the sample."""

    def __post_init__(self) -> None:
        for name in ("energy_kev", "distance_mm", "pixel_um", "alpha"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"phase retrieval: expected {name} > 0, got {value}")

    @property
    def strength_px2(self) -> float:
        """Wavelength times distance / (4 pi alpha), in pixels squared."""
        wavelength_um = _HC_KEV_UM / self.energy_kev
        spread_um2 = wavelength_um * self.distance_mm * 1e3 / (4 * math.pi)
        return spread_um2 / (self.alpha * self.pixel_um**2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A rectangle of the detector, pixels."""

    x: int
    y: int
    width: int
    height: int

    def clipped(self, n_z: int, n_x: int) -> "Region | None":
        """Give the part inside the frames; None where nothing is."""
        left, top = max(self.x, 0), max(self.y, 0)
        right, bottom = min(self.x + self.width, n_x), min(self.y + self.height, n_z)
        if right <= left or bottom <= top:
            return None
        return Region(x=left, y=top, width=right - left, height=bottom - top)


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """The processing of a projection, in the order of the fields.

    Transmission ``p = (frame - dark) / (flat - dark)``; zingers; phase;
    ``-ln(max(p, floor))``; beam hardening; rings.
    """

    flat_scale: FlatScale = FlatScale.NONE
    exposure_ratio: float = 1.0
    """Exposure time of a projection / that of the flat, for FlatScale.EXPOSURE."""
    region: Region | None = None
    """Where nothing but air is seen, for FlatScale.REGION: its mean transmission is
    brought to 1."""
    zinger_radius: int = 0
    """Of the median's square window, pixels: 2 is 5 x 5; 0: off."""
    zinger_threshold: float = 0.2
    """A pixel that differs from the median by more than this part of it is replaced."""
    phase: PhaseRetrieval | None = None
    transmission_floor: float = 1e-6
    """Smallest transmission kept."""
    hardening: tuple[float, float] = (0.0, 0.0)
    """b, c of line + b line^2 + c line^3."""
    ring_removal: RingRemoval = RingRemoval.NONE
    ring_width: float = 6.0
    """Widest ring that is removed, pixels."""

    def effective(self, frame_shape: tuple[int, int]) -> "Steps":
        """Give the steps without what has no effect on frames (n_z, n_x).

        Equal ones give equal slices. A region outside the frames scales nothing.
        """
        default, scale = Steps(), self.flat_scale
        region = self.region.clipped(*frame_shape) if self.region else None
        if scale is FlatScale.REGION and region is None:
            scale = FlatScale.NONE
        is_exposure, is_region = scale is FlatScale.EXPOSURE, scale is FlatScale.REGION
        is_zinger = self.zinger_radius > 0
        has_rings = self.ring_removal is not RingRemoval.NONE
        return replace(
            self, flat_scale=scale,
            exposure_ratio=self.exposure_ratio if is_exposure else 1.0,
            region=region if is_region else None,
            zinger_threshold=(self if is_zinger else default).zinger_threshold,
            ring_width=(self if has_rings else default).ring_width,
        )  # fmt: skip
