"""What the parts of one device's worker share."""

from dataclasses import dataclass

import numpy as np

from tomostream.core.geometry import Geometry
from tomostream.recon.cuda.device import Device, DeviceArray
from tomostream.recon.cuda.feed import Feed
from tomostream.recon.cuda.plan import DevicePlan, Slab
from tomostream.recon.cuda.stopwatch import Stopwatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """One device's memory and sizes. Owned by its worker."""

    device: Device
    geometry: Geometry
    plan: DevicePlan
    ring: DeviceArray
    """(places, n_ring, pitch), halves (as 16 bits) or floats."""
    work: DeviceArray
    """(2, values): two buffers of float32 for what is between raw and ring."""
    tables: Feed
    """For small tables that kernels read."""
    watch: Stopwatch

    @property
    def slab(self) -> Slab:
        """Rows of the device."""
        return self.plan.slab

    @property
    def kind(self) -> str:
        """Ending of the kernels' names that touch the ring."""
        return "half" if self.ring.dtype == np.uint16 else "float"
