"""What is published: three slices and what a viewer must know about them."""

from dataclasses import dataclass

from tomostream.core.geometry import Planes
from tomostream.core.slices import F32, Slices


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """One update of all output channels."""

    unique_id: int
    """Counts publications from 1."""
    published_s: float
    """Seconds since 1970, our clock."""
    data_s: float
    """Time stamp of the newest projection in it, the source's clock."""
    packed: F32
    """(max(n_out, n_z), 3 n_out), Z | Y | X, 1/pixel; not modified any more."""
    slices: Slices
    """Views into `packed`."""
    first_projection_id: int
    last_projection_id: int
    angle_deg: float
    """Of the newest projection."""
    center: float
    planes: Planes
    """Inside the volume."""
    filter_type: str
    slots_filled: int
    slots_stale: int
    completeness: float
    session: int
    oblique: F32 | None = None
    """(n_out, n_out), 1/pixel; None where it is not wanted."""

    def attributes(self) -> dict[str, float | int | str]:
        """Give the NTNDArray attributes by their published names."""
        return {
            "FirstProjectionId": self.first_projection_id,
            "LastProjectionId": self.last_projection_id,
            "Angle": self.angle_deg,
            "Center": self.center,
            "OrthoX": self.planes.x,
            "OrthoY": self.planes.y,
            "OrthoZ": self.planes.z,
            "FilterType": self.filter_type,
            "SlotsFilled": self.slots_filled,
            "SlotsStale": self.slots_stale,
            "Completeness": self.completeness,
            "Session": self.session,
        }
