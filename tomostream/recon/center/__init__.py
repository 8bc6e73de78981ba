"""The rotation centre: estimated, tracked, shown."""

from tomostream.recon.center.estimate import estimate_center
from tomostream.recon.center.overlay import Overlay, overlay
from tomostream.recon.center.strip import CenterStrip, center_strip
from tomostream.recon.center.tracking import CenterTracker, accept, follow
from tomostream.recon.center.values import TRUSTED, CenterEstimate, CenterPart

__all__ = [
    "TRUSTED",
    "CenterEstimate",
    "CenterPart",
    "CenterStrip",
    "CenterTracker",
    "Overlay",
    "accept",
    "center_strip",
    "estimate_center",
    "follow",
    "overlay",
]
