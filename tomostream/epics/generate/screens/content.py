"""Which records stand on which screen, in which order."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tomostream.core.controls import HEALTH, LENS_CHANGE, WIRING


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A button that writes 1 into a record, and 0 when it is let go."""

    label: str
    record: str
    has_release: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Buttons:
    """Some buttons beside each other."""

    buttons: tuple[Button, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A row of its own: label, value, unit."""

    name: str
    label: str = ""
    """None given: the record's name in words."""
    prefix: str = "$(P)$(R)"
    is_wide: bool = False
    """The value takes the whole width below its label."""
    has_slider: bool = False
    is_entry: bool = False
    """For records of others, which we know only by name: it can be written."""
    is_menu: bool = False
    unit: str = ""
    """For records of others; ours have their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A button that opens another screen."""

    label: str
    screen: str
    macros: Mapping[str, str] = field(
        default_factory=lambda: {"P": "$(P)", "R": "$(R)"}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Some links, one below the other."""

    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tweak:
    """A record, and buttons that step it down and up."""

    name: str
    step: str
    down: str
    up: str


Row = str | Record | Buttons | Links | Tweak


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Rows under a heading."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenContent:
    """A screen as columns of sections."""

    name: str
    title: str
    columns: tuple[tuple[Section, ...], ...]
    is_for_names: bool = False
    """Values are long names."""


def _records(*names: str) -> tuple[Record, ...]:
    return tuple(Record(name=name, label=_LABELS.get(name, "")) for name in names)


_LABELS = {
    "ServerRunning": "Service",
    "SessionState": "Session",
    "Session": "Sessions so far",
    "Corrected": "Dark and flat",
    "BufferSize": "Frames taken / slots",
    "ReconTime": "Last reconstruction",
    "ReconMs": "Work for a frame",
    "LatencyP50Ms": "Latency, median",
    "LatencyP99Ms": "Latency, 99 %",
    "ArrivalP50Ms": "Arrival, median",
    "ArrivalP99Ms": "Arrival, 99 %",
    "RejectedRecently": "Faulty, last 10 s",
    "Decimation": "Every n-th frame used",
    "TomoScanPVPrefix": "tomoScan, prefix of its records",
    "ImagePVAPName": "Projections: record that holds the PVA plugin's prefix",
    "DarkPVAName": "Dark field, PVA channel",
    "FlatPVAName": "Flat field, PVA channel",
    "ThetaPVAName": "Angles, PVA channel",
    "ReconPVAName": "Slices, PVA channel that is served",
    "LensChangeSync": "Move the sample",
    "LensChangeDryRun": "Dry run: only say it",
    "LensChangeMaxMove": "Farthest move",
    "LensChangeTimeout": "Time it may take",
    "LensChangeState": "State",
    "MctOpticsPVPrefix": "mctOptics, prefix of its records",
    "SampleTomo0degPVName": "Motor along x at 0 degrees",
    "SampleTomo90degPVName": "Motor along x at 90 degrees",
    "SampleYPVName": "Motor that lifts the sample",
    "RoiPluginPVPrefix": "ROI plugin, prefix of its records",
}
"""Where the record's name in words is not plain."""


_SCAN = "$(TOMO_SCAN)"

_SESSION = Section(title="Session", rows=(
    Buttons(buttons=(
        Button(label="Start", record="StartRecon"),
        Button(label="Abort", record="AbortRecon", has_release=True),
        Button(label="Empty ring", record="BufferReset", has_release=True),
    )),
    Record(name="ReconStatus", label="Status", is_wide=True),
    Record(name="ServerRunning", label="Service"),
    Record(name="SessionState", label="Session"),
    Record(name="BufferSize", label="Frames taken / slots"),
    Record(name="BufferFill", label="Slots filled"),
    Record(name="FrameRateHz", label="Frame rate"),
    Record(name="LostRecently", label="Lost, last 10 s"),
    Record(name="Latency", label="Latency"),
    Record(name="ImageConnection", label="Camera"),
    Record(name="Decimation", label="Every n-th frame used"),
    Record(name="Corrected", label="Dark and flat"),
    Record(name="ReconTime", label="Last reconstruction"),
))  # fmt: skip

_AXIS = Section(title="Rotation axis", rows=(
    Tweak(
        name="Center", step="CenterTweak",
        down="CenterTweakDown", up="CenterTweakUp",
    ),
    Record(name="AutoCenter", label="Estimated centre"),
    Record(name="AutoCenterConfidence", label="Confidence, 0 to 1"),
    Buttons(buttons=(
        Button(label="Accept estimate", record="AutoCenterAccept", has_release=True),
    )),
    Record(name="AutoCenterFollow", label="Follow the estimate"),
    Record(name="AutoCenterLimit", label="Largest step"),
    Record(name="CenterStripStep", label="Step of the strip"),
    Record(name="CameraRoll", label="Camera roll"),
    Record(name="CameraRollConfidence", label="Confidence, 0 to 1"),
))  # fmt: skip

_PLANES = Section(title="Planes", rows=(
    Record(name="OrthoX", label="X plane, column", has_slider=True),
    Record(name="OrthoY", label="Y plane, row", has_slider=True),
    Record(name="OrthoZ", label="Z plane, detector row", has_slider=True),
    Record(name="RotX", label="Turn X plane"),
    Record(name="RotY", label="Turn Y plane"),
    Record(name="RotZ", label="Tilt Z plane"),
    Record(name="CrossHair", label="Cross-hair"),
    Record(name="PublishRateLimit", label="Slices per s, at most"),
))  # fmt: skip

_OBLIQUE = Section(title="Oblique plane and preview", rows=(
    Record(name="Oblique", label="Oblique plane"),
    Record(name="ObliqueX", label="Middle, column", has_slider=True),
    Record(name="ObliqueY", label="Middle, row", has_slider=True),
    Record(name="ObliqueZ", label="Middle, detector row", has_slider=True),
    Record(name="ObliqueNX", label="Normal, x"),
    Record(name="ObliqueNY", label="Normal, y"),
    Record(name="ObliqueNZ", label="Normal, z"),
    Record(name="PreviewRate", label="Preview volumes"),
))  # fmt: skip

_STEPS = Section(title="Filter, zingers, rings", rows=(
    Record(name="FilterType", label="Filter"),
    Record(name="Dezinger", label="Zingers, median"),
    Record(name="DezingerThreshold", label="Zinger threshold"),
    Record(name="RingRemoval", label="Rings"),
    Record(name="RingWidth", label="Widest ring"),
    Record(name="ScanRange", label="Scan range, degrees"),
))  # fmt: skip

_PHASE = Section(title="Phase retrieval, on when Alpha > 0", rows=_records(
    "Energy", "Distance", "PixelSize", "Alpha", "DeltaBeta"
))  # fmt: skip

_FLATS = Section(title="Flats and attenuation", rows=(
    Record(name="FlatScale", label="Scale flats by"),
    Record(name="Exposure", label="Exposure, projection"),
    Record(name="FlatExposure", label="Exposure, flat"),
    Record(name="RegionX", label="Air, first column", has_slider=True),
    Record(name="RegionY", label="Air, first row", has_slider=True),
    Record(name="RegionWidth", label="Air, columns", has_slider=True),
    Record(name="RegionHeight", label="Air, rows", has_slider=True),
    Record(name="TransmissionFloor", label="Least transmission"),
    Record(name="BeamHardening2", label="Hardening, square"),
    Record(name="BeamHardening3", label="Hardening, cube"),
))  # fmt: skip

_MORE = Link(label="Status and diagnostics ...", screen="tomoStreamStatus")
_NAMES = Link(label="PV names ...", screen="tomoStreamEPICS_PVs")
_SCREENS_2BM = Link(label="Lens change ...", screen="tomoStreamLens_2BM")
_BEAMLINE_SCAN = Link(
    label="tomoScan stream ...", screen="tomoStreamScan",
    macros={"P": "$(P)", "R": "$(R)", "TOMO_SCAN": "$(TOMO_SCAN)"},
)  # fmt: skip


def _main(name: str, title: str, *links: Link) -> ScreenContent:
    more = Section(title="More", rows=(Links(links=(_MORE, _NAMES, *links)),))
    return ScreenContent(name=name, title=title, columns=(
        (_SESSION, more), (_AXIS, _STEPS), (_PLANES, _OBLIQUE), (_FLATS, _PHASE),
    ))  # fmt: skip


_REASONS = {
    "RejectedFrameType": "Dark or flat",
    "RejectedGuard": "Near a change of type",
    "RejectedDecimated": "Left out, overload",
    "RejectedIdle": "Not started",
    "RejectedRegion": "No light in region",
}
"""Where the reason's name is not plain."""


def _reason(name: str) -> str:
    """Give why frames were rejected, in words: RejectedNoAngle -> No angle."""
    if name in _REASONS:
        return _REASONS[name]
    words = re.findall("[A-Z][a-z]+", name.removeprefix("Rejected"))
    return " ".join(words).capitalize()


_HEALTH_NAMES = [c.name for c in HEALTH]
_REJECTED = tuple(n for n in _HEALTH_NAMES if n.startswith("Rejected"))
_FRAMES = ("FramesReceived", "FramesMissing", "FramesDropped", "PixelsRepaired")
_RING = tuple(n for n in _HEALTH_NAMES if n.startswith(("Slots", "Coverage")))
_OTHERS = tuple(n for n in _HEALTH_NAMES if n not in {*_REJECTED, *_FRAMES, *_RING})

SCREENS = (
    _main("tomoStream", "Streaming tomography   $(P)$(R)", _BEAMLINE_SCAN),
    _main(
        "tomoStream_2BM", "Streaming tomography, 2-BM   $(P)$(R)",
        _BEAMLINE_SCAN, _SCREENS_2BM,
    ),
    _main("tomoStream_7BM", "Streaming tomography, 7-BM   $(P)$(R)", _BEAMLINE_SCAN),
    ScreenContent(
        name="tomoStreamStatus", title="Status and diagnostics   $(P)$(R)", columns=(
            (
                Section(title="Service", rows=(
                    Record(name="ReconStatus", label="Status", is_wide=True),
                    Record(name="ErrorText", label="What is wrong", is_wide=True),
                    Record(name="ParametersRefused", label="Values refused"),
                    Record(name="ParametersOutside", label="Outside the frames"),
                    *_records("ServerRunning", "Watchdog", "SessionState", "Session",
                              "Corrected", "ReconTime"),
                )),
                Section(title="Sources", rows=(
                    Record(name="ImageConnection", label="Camera"),
                    Record(name="DarkConnection", label="Dark"),
                    Record(name="FlatConnection", label="Flat"),
                    Record(name="ThetaConnection", label="Angle table"),
                    Record(name="TomoScanConnection", label="tomoScan"),
                )),
                Section(title="What reconstructs", rows=(
                    *_records("Backend", "Memory"),
                    Record(name="Isa", label="Instruction set"),
                    Record(name="Device", is_wide=True),
                )),
            ),
            (
                Section(title="Frames", rows=(
                    *_records(*_FRAMES, "RejectedRecently"),
                    Record(name="LostRecently", label="Lost, last 10 s"),
                    Record(name="QueueFill", label="Queue"),
                    Record(name="Codec"),
                    Record(name="ImageWidth", label="Width"),
                    Record(name="ImageHeight", label="Height"),
                    Record(name="ImageType", label="Pixel type"),
                    *_records("Angle", "ScanType"),
                )),
                Section(title="Ring", rows=_records(
                    "BufferSize", *_RING, "BufferFill", "Completeness",
                )),
            ),
            (Section(title="Frames not used, by reason", rows=tuple(
                Record(name=name, label=_reason(name)) for name in _REJECTED
            )),),
            (
                Section(title="Rates and times", rows=_records(*_OTHERS)),
                Section(title="Dark and flat", rows=_records(
                    "DarkAge", "DarkShape", "DarkMatch",
                    "FlatAge", "FlatShape", "FlatMatch",
                )),
                Section(title="Newest click into the slices", rows=(
                    Record(name="ClickX", label="Column"),
                    Record(name="ClickY", label="Row, -1: taken"),
                )),
            ),
        ),
    ),
    ScreenContent(
        name="tomoStreamEPICS_PVs", title="PV names   $(P)$(R)", is_for_names=True,
        columns=((Section(title="What is connected to what", rows=tuple(
            Record(name=c.name, label=_LABELS.get(c.name, ""), is_wide=True)
            for c in WIRING
        )),),),
    ),
    ScreenContent(
        name="tomoStreamLens_2BM", title="Lens change   $(P)$(R)", is_for_names=True,
        columns=((
            Section(title="While the lens changes", rows=(
                *_records(*(
                    c.name for c in LENS_CHANGE if c.kind not in {"long_text", "status"}
                )),
                Record(name="LensChangeMessage", label="Message", is_wide=True),
            )),
            Section(title="What is read and moved", rows=tuple(
                Record(name=c.name, label=_LABELS.get(c.name, ""), is_wide=True)
                for c in LENS_CHANGE
                if c.kind == "long_text"
            )),
        ),),
    ),
    ScreenContent(
        name="tomoStreamScan", title="tomoScan stream   $(TOMO_SCAN)", columns=((
            Section(title="Scan", rows=(
                Record(name="FrameType", prefix=_SCAN, label="Frames are"),
                Record(name="FirstProjid", prefix=_SCAN, label="First projection id"),
                Record(
                    name="NumAngles", prefix=_SCAN, label="Angles in 180 degrees",
                    is_entry=True,
                ),
                Record(
                    name="RotationStep", prefix=_SCAN, label="Rotation step",
                    unit="deg",
                ),
            )),
            Section(title="While it streams", rows=(
                Record(
                    name="StreamMessage", prefix=_SCAN, label="Message", is_wide=True
                ),
                Record(
                    name="RetakeDarkFlat", prefix=_SCAN, label="Retake dark and flat",
                    is_menu=True,
                ),
                Record(
                    name="StreamSync", prefix=_SCAN, label="Take new step over",
                    is_menu=True,
                ),
                Record(
                    name="StreamBinning", prefix=_SCAN, label="Binning", is_menu=True
                ),
            )),
        ),),
    ),
)  # fmt: skip
"""Every screen; related ones are reached by links that hand the macros on."""
