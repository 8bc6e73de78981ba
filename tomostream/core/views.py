"""Pictures beside the three slices: for alignment, for orientation, for the centre."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tomostream.core.slices import F32


class View(StrEnum):
    """What is shown; the value is the suffix of its channel's name."""

    OBLIQUE = "Oblique"
    VOLUME = "Volume"
    PROJECTION = "Projection"
    SINOGRAM = "Sinogram"
    OVERLAY = "Overlay"
    CENTERS = "Centers"


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewImage:
    """One update of a view's channel."""

    view: View
    unique_id: int
    """Counts this view's updates from 1."""
    published_s: float
    """Seconds since 1970, our clock."""
    data_s: float
    """Time stamp of the newest projection in it, the source's clock."""
    pixels: F32
    """2-D, or 3-D (z, y, x); not modified any more."""
    attributes: Mapping[str, float | int | str] = field(
        default_factory=dict[str, float | int | str]
    )
    """NTNDArray attributes."""
