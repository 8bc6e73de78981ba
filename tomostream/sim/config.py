"""What a simulated beamline is told at its start."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from tomostream.core.errors import ConfigurationError
from tomostream.core.frame import PIXEL_TYPES, IdWrap
from tomostream.core.record_name import LONGEST_STRING, is_record_name
from tomostream.sim.rotation import RotationKind


class FieldMoment(StrEnum):
    """When dark and flat are sent."""

    BEFORE = "before"
    """Before the first projection."""
    AFTER = "after"
    """Some time after it, as tomoScan does at its first retake."""
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamConfig:
    """What simulation and replay have in common: names, ids, rate and end."""

    tomoscan_prefix: str = "sim:TomoScanStream:"
    image_prefix: str = "sim:Pva1:"
    """Prefix of the areaDetector PVA plugin; +Image is the channel."""
    rate_hz: float = 100.0
    duration_s: float | None = None
    """End after this time; None: never."""
    frame_count: int | None = None
    """End after this many projections; None: never."""
    table_angles: int = 1 << 20
    """Least length of the angle table; a new one is sent before it is used up."""
    fields: FieldMoment = FieldMoment.BEFORE
    fields_delay_s: float = 2.0
    """Time from the first projection to the fields where they come after it."""
    frame_type_delay_s: float = 0.0
    """Time by which FrameType comes after the frames that it is about."""
    table_delay_s: float = 0.0
    """Time from a new FirstProjid to its angle table, while frames come."""
    first_id_delay_s: float = 0.0
    """Time from an angle table to its FirstProjid, while frames come; above 0 the
    table is sent first."""
    has_separate_puts: bool = False
    """Send a field's values and sizes by puts of their own, as tomoScan does."""
    field_frames: int = 10
    """Dark and flat frames, each, of a retake."""
    first_id: int = 1
    """uniqueId of the camera's first frame."""
    id_origin: int = 0
    """What a scan's first projection has as uniqueId minus FirstProjid."""
    id_wrap: IdWrap = IdWrap.NONE
    lose_every: int = 0
    """Leave out the frame of every so many ids; 0: none."""
    disconnect_every_s: float = 0.0
    """Take the PVA channels away once in this time, last thing; 0: never."""
    disconnect_s: float = 2.0
    """How long they are away then, while the camera goes on."""
    binning: int = 1
    """As announced in the NTNDArray; the frame's size is not changed by it."""
    offset_x: int = 0
    offset_z: int = 0
    """As announced in the NTNDArray, binned pixels."""

    def __post_init__(self) -> None:
        _require(self.rate_hz > 0 and np.isfinite(self.rate_hz), "rate_hz", "above 0")
        _require(self.table_angles >= 2, "table_angles", "at least 2")
        _require(self.field_frames >= 0, "field_frames", "at least 0")
        _require(self.first_id >= 0, "first_id", "at least 0")
        _require(self.lose_every == 0 or self.lose_every > 1, "lose_every", "0 or >1")
        for name in (
            "frame_type_delay_s", "table_delay_s", "first_id_delay_s", "fields_delay_s",
        ):  # fmt: skip
            value = getattr(self, name)
            _require(0 <= value <= 3600, name, "0 to 3600 seconds")
        _require(
            self.disconnect_every_s == 0
            or 0 < self.disconnect_s < self.disconnect_every_s < np.inf,
            "disconnect_every_s", "0, or more than disconnect_s, which is above 0",
        )  # fmt: skip
        _require(self.binning >= 1, "binning", "at least 1")
        _require(self.id_wrap is not IdWrap.AUTO, "id_wrap", "none, 16-bit or gige")
        for name in ("duration_s", "frame_count"):
            value = getattr(self, name)
            _require(value is None or value > 0, name, "above 0")
        for name in ("tomoscan_prefix", "image_prefix"):
            value = getattr(self, name)
            _require(
                # The image prefix is the value of a string record.
                is_record_name(value) and len(value) <= LONGEST_STRING, name,
                f"1 to {LONGEST_STRING} characters that a record's name may have",
            )  # fmt: skip

    @property
    def image_channel(self) -> str:
        """Channel of the frames."""
        return f"{self.image_prefix}Image"


@dataclass(frozen=True, slots=True, kw_only=True)
class SimConfig(StreamConfig):
    """A simulated scan of the changing phantom."""

    n_x: int = 512
    """Detector columns."""
    n_z: int = 512
    """Detector rows."""
    dtype: str = "uint16"
    """numpy name of the pixel type."""
    n_angles: int = 360
    """Angles in 180 degrees."""
    scan: RotationKind = RotationKind.CONTINUOUS
    start_deg: float = 0.0
    center: float | None = None
    """Detector column of the rotation axis; None: the middle, (n_x - 1) / 2."""
    photons: float = 20_000.0
    """Photons that a pixel counts in the brightest flat; 0: no noise."""
    change_s: float | None = 60.0
    """Time after which the changes of the sample repeat; None: nothing changes."""
    seed: int = 1
    movie_mib: int | None = None
    """Memory for rendered views; a longer movie is made coarser in angle. None: a
    sixth of the machine's, at most 4 GiB."""

    def __post_init__(self) -> None:
        # Not super(): it needs the class cell, which slots=True replaces.
        StreamConfig.__post_init__(self)
        for name, least in (("n_x", 4), ("n_z", 1), ("n_angles", 2)):
            _require(getattr(self, name) >= least, name, f"at least {least}")
        _require(self.movie_mib is None or self.movie_mib >= 1, "movie_mib", "above 0")
        _require(max(self.n_x, self.n_z) <= 1 << 15, "n_x, n_z", "at most 32768")
        _require(self.photons >= 0, "photons", "at least 0")
        _require(self.change_s is None or self.change_s > 0, "change_s", "above 0")
        types = {str(t): t for t in PIXEL_TYPES}
        _require(self.dtype in types, "dtype", f"one of {', '.join(types)}")

    @property
    def axis_column(self) -> float:
        """Detector column of the rotation axis."""
        return (self.n_x - 1) / 2 if self.center is None else self.center


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayConfig(StreamConfig):
    """A recorded scan that is sent again."""

    path: Path
    """Data Exchange file."""
    is_looped: bool = True
    """Begin again at the file's first angle when its end is reached."""
    read_ahead_mib: int = 64
    """Size of the blocks in which projections are read."""

    def __post_init__(self) -> None:
        # Not super(): it needs the class cell, which slots=True replaces.
        StreamConfig.__post_init__(self)
        _require(self.read_ahead_mib >= 1, "read_ahead_mib", "at least 1")


def _require(is_met: bool, name: str, wanted: str) -> None:
    if not is_met:
        raise ConfigurationError(f"{name}: expected {wanted}")
