"""One YAML file: the wiring, and nothing that an operator turns while it runs."""

import difflib
import math
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from tomostream.app.config_faults import (
    UniqueKeyLoader,
    place_of,
    value_fault,
    yaml_fault,
)
from tomostream.core.controls import prefix_fault
from tomostream.core.errors import ConfigurationError
from tomostream.core.frame import IdWrap
from tomostream.core.record_name import longest_prefix


def _own_prefix(text: str) -> str:
    if fault := prefix_fault(text):
        raise ValueError(fault)
    return text


Prefix = Annotated[str, AfterValidator(_own_prefix)]
TomoScanPrefix = Annotated[
    str,
    Field(
        pattern=r"^[^\s.]+$", max_length=longest_prefix(["FrameType", "FirstProjid"])
    ),
]
Channel = Annotated[str, Field(pattern=r"^\S+$", max_length=255)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TableAngles(_Section):
    """Angles from a table that comes over pvAccess, as tomoScan sends it."""

    source: Literal["table"] = "table"


class FixedStepAngles(_Section):
    """Angles that grow by the same step from frame to frame, without a table."""

    source: Literal["fixed_step"]
    step_deg: float
    """Degrees per frame; negative turns backwards."""
    start_deg: float = 0.0
    """Angle of the first frame."""

    @field_validator("step_deg")
    @classmethod
    def _is_a_step(cls, step: float) -> float:
        if not math.isfinite(step) or step == 0 or abs(step) > 180:
            raise ValueError("expected degrees other than 0, at most 180")
        return step


class AttributeAngles(_Section):
    """Angles that travel with each frame as an NTNDArray attribute."""

    source: Literal["attribute"]
    attribute: str
    """Name of the attribute, whose value is in degrees."""
    bins: int = Field(default=720, ge=2, le=4096)
    """Ring slots, evenly spread over the scan range."""


Angles = Annotated[
    TableAngles | FixedStepAngles | AttributeAngles, Field(discriminator="source")
]


class InputSection(_Section):
    """Where frames, fields and angles come from; null: asked of the records."""

    image_channel: Channel | None = None
    """pvAccess channel of the projections."""
    dark_channel: Channel | None = None
    """pvAccess channel of the averaged dark field."""
    flat_channel: Channel | None = None
    """pvAccess channel of the averaged flat field."""
    theta_channel: Channel | None = None
    """pvAccess channel of the angle table."""
    tomoscan_prefix: TomoScanPrefix | None = None
    """FrameType and FirstProjid are read below it."""
    has_tomoscan: bool = True
    """false: nothing is read from a tomoScan, fields and tables neither."""


class IdSection(_Section):
    """How a camera counts."""

    origin: int = 0
    """What a scan's first frame has as uniqueId minus FirstProjid."""
    wrap: IdWrap = IdWrap.AUTO
    """auto, none, 16-bit (0 follows 65535) or gige (1 follows 65535)."""


class OrientationSection(_Section):
    """How the detector stands; images and fields are turned alike."""

    axis: Literal["columns", "rows"] = "columns"
    """Whether the rotation axis lies along the image's columns or rows."""
    flip_x: bool = False
    """Mirror columns, after the axis was put upright."""
    flip_z: bool = False
    """Mirror rows."""
    rotation_sign: Literal[1, -1] = 1
    """-1: angles grow the other way round."""
    roll_deg: float = Field(default=0.0, ge=-10, le=10)
    """Camera roll that is taken out, degrees."""


class EngineSection(_Section):
    """What reconstructs."""

    backend: Literal["auto", "cpu", "cuda"] = "auto"
    isa: Literal["auto", "avx512", "avx2", "baseline"] = "auto"
    """Instruction set of the CPU backend."""
    threads: int | None = Field(default=None, ge=1, le=256)
    """null: as many as there are cores for this process."""
    ring: Literal["half", "float"] = "half"
    """Number format of the ring of filtered projections."""
    raw_ring_frames: int | None = Field(default=None, ge=0)
    """Raw frames kept for a change of filter; null: as many as the ring has slots."""


class LimitSection(_Section):
    """Bounds on memory and lag."""

    queue_frames: int = Field(default=400, ge=2, le=100_000)
    """Frames that may wait."""
    queue_megabytes: int = Field(default=1024, ge=16)
    """Memory that waiting frames may take, MB (10^6 bytes)."""
    lag_ms: float = Field(default=250.0, gt=0, le=10_000)
    """From this lag on frames are left out, evenly in angle."""
    batch_frames: int = Field(default=32, ge=1, le=1024)
    """Frames that are reconstructed at once at most."""
    preview_voxels: int = Field(default=128, ge=8, le=512)
    """Voxels along the longest edge of the preview volume, and its projections."""


class ClicksSection(_Section):
    """Where viewers leave clicks, besides the records ClickX and ClickY."""

    file: Path | None = None
    """File that lines of n,x,y are appended to; it need not be there."""

    @field_validator("file")
    @classmethod
    def _at_home(cls, file: Path | None) -> Path | None:
        return file.expanduser() if file is not None else None


class LogSection(_Section):
    """What is written down."""

    file: Path | None = None
    """null: standard error only."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    megabytes: float = Field(default=5.0, gt=0, le=1000)
    """Size at which the file is put aside and a new one begun."""
    kept: int = Field(default=3, ge=0, le=100)
    """Files put aside."""


class Config(_Section):
    """The wiring of one `tomostream serve`."""

    prefix: Prefix = "sim:TomoStream:"
    """Prefix of our own records, P and R together."""
    use_records: bool = True
    """false: no IOC; start at once, with all parameters at their defaults."""
    recon_channel: Channel | None = None
    """Channel of the packed slices; null: asked of the records, or made from prefix."""
    input: InputSection = InputSection()
    angles: Angles = TableAngles()
    ids: IdSection = IdSection()
    require_fields: bool = False
    """Wait for dark and flat before anything is shown."""
    frame_type_guard_ms: float = Field(default=0.0, ge=0, le=10_000)
    """Frames this close to a change of FrameType are not used; all frames wait so long
    for a FrameType that comes late."""
    orientation: OrientationSection = OrientationSection()
    engine: EngineSection = EngineSection()
    limits: LimitSection = LimitSection()
    clicks: ClicksSection = ClicksSection()
    log: LogSection = LogSection()
    start_at_once: bool = False
    """Begin without waiting for StartRecon."""
    lens_change: bool = False
    """Follow the lens of 2-BM's mctOptics; its records must be there."""

    @model_validator(mode="after")
    def _is_whole(self) -> "Config":
        if not self.use_records and self.input.image_channel is None:
            raise ValueError(
                "input.image_channel: without records it must be named here"
            )
        if self.lens_change and not self.use_records:
            raise ValueError("lens_change: without records there is nothing to follow")
        if isinstance(self.angles, TableAngles) and not self.input.has_tomoscan:
            raise ValueError(
                "angles: without a tomoScan there is no table; "
                "expected source fixed_step or attribute"
            )
        return self


def load_config(path: Path) -> Config:
    """Read a configuration file.

    Raises
    ------
    ConfigurationError
        The file cannot be read, is no YAML, or a key or value is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "it is no UTF-8 text"
        raise ConfigurationError(f"{path}: cannot be read: {reason}") from exc
    return parse_config(text, where=str(path))


def parse_config(text: str, *, where: str = "configuration") -> Config:
    """Read a configuration from YAML text.

    Raises
    ------
    ConfigurationError
        Names the file, the key, what was wanted and what came.
    """
    try:
        values: object = yaml.load(text, UniqueKeyLoader)
    except yaml.YAMLError as exc:
        raise ConfigurationError(f"{where}: {yaml_fault(exc)}") from exc
    if values is None:
        values = {}
    if not isinstance(values, dict):
        raise ConfigurationError(f"{where}: expected keys and values")
    try:
        return Config.model_validate(cast("dict[str, Any]", values))
    except ValidationError as exc:
        raise ConfigurationError(f"{where}: {_sentence(exc)}") from exc


def _sentence(error: ValidationError) -> str:
    """Say the first fault in words; a file is mended one fault after the other."""
    faults = error.errors(include_url=False)
    # A key spelt wrong is why another one is missing.
    fault = min(faults, key=lambda f: f["type"] != "extra_forbidden")
    if fault["type"] == "extra_forbidden":
        hint = _suggestion(fault["loc"])
        return f"{place_of(fault)}: there is no such key{hint}"
    return value_fault(fault)


def _suggestion(place: tuple[int | str, ...]) -> str:
    known = {name for model in _models() for name in model.model_fields}
    near = difflib.get_close_matches(str(place[-1]), sorted(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _models() -> list[type[BaseModel]]:
    return [
        Config, InputSection, FixedStepAngles, AttributeAngles, IdSection,
        OrientationSection, EngineSection, LimitSection, LogSection,
        ClicksSection,
    ]  # fmt: skip
