"""The rotation axis of a recorded scan: as given, or as estimated."""

import math
from dataclasses import dataclass

from tomostream.app.scan_file import ScanFile
from tomostream.core.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class CenterFound:
    """The axis' column."""

    center: float
    """Pixels."""
    confidence: float | None = None
    """0 to 1; None: it was given."""

    def told(self) -> str:
        """Say what it is and where it comes from."""
        if self.confidence is None:
            return f"center {self.center:.2f}, as given"
        return (
            f"center {self.center:.2f}, estimated with confidence {self.confidence:.2f}"
        )


def center_of(scan: ScanFile, given: float | None) -> CenterFound:
    """Give the axis' column.

    Raises
    ------
    ConfigurationError
        The given one is not in the frames.
    ReconstructionError
        It cannot be told; says the best guess.
    """
    if given is None:
        raise ConfigurationError("--center: expected a number")
    if not (math.isfinite(given) and 0 <= given <= scan.n_x - 1):
        raise ConfigurationError(
            f"center: expected a column of 0 to {scan.n_x - 1}, got {given:g}"
        )
    return CenterFound(center=given)
