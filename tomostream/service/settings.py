"""What the loop is told once, at its making; what operators turn stands in PVs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tomostream.core.errors import ConfigurationError
from tomostream.core.frame import IdWrap
from tomostream.core.orientation import Orientation
from tomostream.core.scan import MAX_SLOTS


class AngleSource(StrEnum):
    """Where a frame's angle comes from."""

    TABLE = "table"
    """tomoScan's table, from FirstProjid on."""
    FIXED_STEP = "fixed_step"
    """The first frame's angle plus a step for each id after it."""
    ATTRIBUTE = "attribute"
    """`ImageArrival.angle_deg`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """Settings of one `StreamLoop`."""

    angle_source: AngleSource = AngleSource.TABLE
    angle_step_deg: float = 1.0
    """For FIXED_STEP; negative turns backwards."""
    angle_start_deg: float = 0.0
    """For FIXED_STEP: angle of the first frame after the start."""
    angle_bins: int = 720
    """For ATTRIBUTE: ring slots in half a turn."""
    id_origin: int = 0
    """What a scan's first frame has as uniqueId minus FirstProjid."""
    id_wrap: IdWrap = IdWrap.AUTO
    max_id_jump: int = 10_000
    """A larger step forward is believed only when `restart_after` frames go on."""
    restart_after: int = 5
    """So many frames going on elsewhere mean that the source counts anew."""
    frame_type_guard_s: float = 0.0
    """Frames this close to a change of FrameType are not used."""
    first_id_patience_s: float = 2.0
    """A table that comes alone waits so long for its FirstProjid; then it holds from
    the one before it on, or from 0."""
    first_id_settle_s: float = 0.5
    """A FirstProjid that comes at most `table_pair_s` after a table that came alone,
    and is followed by none within this time, belongs to that table."""
    table_pair_s: float = 5.0
    table_patience_s: float = 10.0
    """A FirstProjid without any new table moves the old one after this time."""
    held_frames: int = 256
    """Frames that may wait for their angle table."""
    held_bytes: int = 512_000_000
    max_slots: int = 20_000
    """A table that needs more ring slots for 360 degrees is refused."""
    orientation: Orientation = field(default_factory=Orientation)
    """How frames were turned when they were decoded; fields still have to be."""
    sources: Mapping[str, str] = field(default_factory=dict[str, str])
    """Name of each source by the record that tells of its connection."""
    hardware: Mapping[str, str] = field(default_factory=dict[str, str])
    """Records of what reconstructs; they never change."""
    require_fields: bool = False
    """Show nothing before dark and flat have come."""
    refilter_on_new_fields: bool = False
    """Apply every new dark and flat to the frames in the ring too."""
    center_planes_on_first_frame: bool = True
    """Put the planes into the middle where OrthoX, OrthoY and OrthoZ are all 0."""
    auto_start: bool = False
    """Begin without waiting for StartRecon."""
    batch_frames: int = 32
    """Frames that are reconstructed at once at most."""
    max_lag_s: float = 0.25
    """From this lag on frames are left out, evenly in angle."""
    step_budget_s: float = 0.04
    """Frames are taken for so long before the slices are looked after again."""
    refilter_budget_s: float = 0.02
    """Time for re-filtering in one step."""
    quiet_after_s: float = 3.0
    """Without a usable frame for so long the session waits again."""
    gather_s: float = 0.02
    """Pause between steps in which a batch gathers, at most; none is made when slices
    are due."""

    def __post_init__(self) -> None:
        for name in (
            "max_id_jump", "restart_after", "held_frames", "held_bytes", "max_slots",
            "batch_frames", "max_lag_s", "step_budget_s", "quiet_after_s",
        ):  # fmt: skip
            if not getattr(self, name) > 0:
                raise ConfigurationError(
                    f"{name}: expected more than 0, got {getattr(self, name)}"
                )
        if not 2 <= self.angle_bins <= MAX_SLOTS:
            raise ConfigurationError(
                f"angle_bins: expected 2 to {MAX_SLOTS}, got {self.angle_bins}"
            )
        if not (math.isfinite(self.angle_step_deg) and self.angle_step_deg):
            raise ConfigurationError(
                f"angle_step_deg: expected degrees other than 0, "
                f"got {self.angle_step_deg}"
            )
        slots = 360 / abs(self.angle_step_deg)
        if self.angle_source is AngleSource.FIXED_STEP and slots > self.max_slots:
            raise ConfigurationError(
                f"angle_step_deg: {self.angle_step_deg:g} needs {slots:.0f} slots, "
                f"expected at most {self.max_slots}"
            )
