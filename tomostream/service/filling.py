"""A frame that may enter the ring, and what one filling of the ring is made for."""

from dataclasses import dataclass

import numpy as np

from tomostream.core.frame import Frame
from tomostream.core.geometry import Geometry, ScanRange, output_pad, output_width
from tomostream.core.parameters import Parameters
from tomostream.core.ring import RingLedger
from tomostream.service.intake import PlacedImage
from tomostream.service.layout import FrameLayout
from tomostream.service.shapes import FrameType
from tomostream.service.slots import SlotCounter


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedFrame:
    """A frame that may enter the ring."""

    frame: Frame
    placed: PlacedImage

    @property
    def layout(self) -> FrameLayout:
        """Size of the frame and where on the detector it was read."""
        n_z, n_x = self.frame.data.shape
        image = self.placed.tracked.image
        return FrameLayout(
            n_z=n_z, n_x=n_x, binning_x=image.binning_x, offset_x=image.offset_x
        )

    @property
    def kind(self) -> FrameType:
        """What has to be the same in all frames of a ring."""
        return self.layout, self.frame.data.dtype


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """What one filling of the ring is made for; another one empties it."""

    layout: FrameLayout
    pixel_type: np.dtype[np.generic]
    scan: tuple[int, int]
    scan_range: ScanRange


_SPARE = 0.1
"""Part of a frame's width by which a centre of half-acquisition may move."""


@dataclass(slots=True)
class Ring:
    """The ring at hand: sizes, book and order of its slots."""

    filling: Filling
    geometry: Geometry
    ledger: RingLedger
    counter: SlotCounter

    def outgrown_by(self, parameters: Parameters) -> bool:
        """Tell whether a centre needs slices of another width than those at hand."""
        n_x, scan_range = self.geometry.n_x, self.geometry.scan_range
        wanted = output_width(n_x, parameters.center, scan_range)
        pad = output_pad(n_x, parameters.center, scan_range)
        # The axis on the other side of the frame, or the object's rim far outside.
        is_other_side = (pad > 0) != (self.geometry.pad_x > 0)
        return is_other_side or abs(wanted - self.geometry.n_out) > _SPARE * n_x
