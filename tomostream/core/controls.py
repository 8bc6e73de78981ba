"""The table of records: each declared once, in the operator's terms."""

from dataclasses import dataclass
from typing import Literal

from tomostream.core.health import HEALTH_NUMBERS, camel_case

RecordKind = Literal[
    "number", "integer", "choice", "text", "long_text", "status",
    "busy", "command", "tweak", "watchdog", "running",
]  # fmt: skip

Severity = Literal["NO_ALARM", "MINOR", "MAJOR"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One record below ``$(P)$(R)``."""

    name: str
    """Record suffix, CamelCase."""
    kind: RecordKind
    help: str
    """One sentence for the docs and the record's description."""
    writer: Literal["operator", "service"] = "operator"
    """Who changes the value."""
    field: str | None = None
    """Attribute of Parameters that the record stands for."""
    unit: str = ""
    low: float | None = None
    high: float | None = None
    precision: int = 0
    choices: tuple[str, ...] = ()
    meanings: tuple[object, ...] = ()
    """What each choice means where that is not the choice's own text."""
    severities: tuple[Severity, ...] = ()
    """Alarm severity of each choice, where any has one."""
    default: float | int | str = 0
    is_saved: bool = False
    """Kept across a restart of the IOC."""
    alarm_high: float | None = None
    """From this value on the record's severity is MINOR."""
    alarm_major: float | None = None
    """From this value on the record's severity is MAJOR."""
    written: str = ""
    """Who writes it and when, where that is not what its group says."""


_PLANES = ("OrthoX", "OrthoY", "OrthoZ")
_BY_FRAMES = (
    "operator; service at the first frame, when the frames' size changes, and by the "
    "lens change. The upper limit follows the frames' size"
)


def _wiring(name: str, text: str, default: str) -> Control:
    return Control(
        name=name, kind="long_text", help=text, default=default, is_saved=True
    )


def _plane(name: str, field: str, text: str) -> Control:
    return Control(
        name=name, kind="integer", field=field, unit="pixel", low=0, high=65535,
        help=text, is_saved=True, written=_BY_FRAMES if name in _PLANES else "",
    )  # fmt: skip


def _angle(name: str, field: str, text: str) -> Control:
    return Control(
        name=name, kind="number", field=field, unit="deg", low=-180, high=180,
        precision=1, help=text, default=0.0, is_saved=True,
    )  # fmt: skip


def _coefficient(name: str, field: str, text: str) -> Control:
    return Control(
        name=name, kind="number", field=field, low=-100, high=100, precision=5,
        default=0.0, help=text, is_saved=True,
    )  # fmt: skip


def _exposure(name: str, field: str, text: str) -> Control:
    return Control(
        name=name, kind="number", field=field, unit="s", low=0, high=1e4, precision=6,
        default=0.0, help=text, is_saved=True,
    )  # fmt: skip


def _place(name: str, field: str, text: str) -> Control:
    return Control(
        name=name, kind="number", field=field, unit="pixel", low=-65536, high=65536,
        precision=1, default=0.0, help=text, is_saved=True,
    )  # fmt: skip


def _direction(name: str, field: str, text: str) -> Control:
    return Control(
        name=name, kind="number", field=field, low=-1e6, high=1e6, precision=3,
        default=1.0, help=text, is_saved=True,
    )  # fmt: skip


_SWITCH = ("No", "Yes")

WIRING = (
    _wiring("TomoScanPVPrefix", "Prefix of the tomoScan instance; FrameType and FirstProjid are read below it.", "$(TOMO_SCAN)"),
    _wiring("ImagePVAPName", "Name of a PV whose value is the areaDetector PVA plugin's prefix; +Image is the channel.", "$(IMAGE_P)"),
    _wiring("DarkPVAName", "PVA channel of the averaged dark field.", "$(DARK_PVA)"),
    _wiring("FlatPVAName", "PVA channel of the averaged flat field.", "$(FLAT_PVA)"),
    _wiring("ThetaPVAName", "PVA channel of the angle table, degrees.", "$(THETA_PVA)"),
    _wiring("ReconPVAName", "PVA channel on which the packed slices are served.", "$(RECON_PVA)"),
)  # fmt: skip

FILTERS = ("Parzen", "Shepp-logan", "Ramp", "Butterworth", "Hann", "Cosine")

RECONSTRUCTION = (
    Control(
        name="Center", kind="number", field="center", unit="pixel",
        low=-65536, high=65536, precision=3, default=0.0, is_saved=True,
        help="Detector column of the rotation axis; rescaled when the frame size changes.",
        written="operator; service when the frames' size changes, at AutoCenterAccept, "
        "and with AutoCenterFollow",
    ),
    Control(
        name="FilterType", kind="choice", field="filter_type", choices=FILTERS,
        meanings=FILTERS, is_saved=True,
        help="Apodisation of the ramp filter; a change re-filters the ring.",
    ),
    Control(
        name="Dezinger", kind="choice", field="dezinger_radius",
        choices=("None", "Radius 2", "Radius 3", "Radius 4"), meanings=(0, 2, 3, 4),
        is_saved=True, help="Radius of the median that removes zingers.",
    ),
    Control(
        name="DezingerThreshold", kind="number", field="dezinger_threshold", low=0,
        high=100, precision=3, default=0.2, is_saved=True,
        help="Part of the median by which a zinger differs from it.",
    ),
    Control(
        name="RingRemoval", kind="choice", field="ring_removal",
        choices=("None", "fw", "high-pass"), meanings=("None", "fw", "high-pass"),
        is_saved=True,
        help="How rings are found in the mean projection of each revolution.",
    ),
    Control(
        name="RingWidth", kind="number", field="ring_width", unit="pixel", low=1,
        high=1000, precision=1, default=6.0, is_saved=True,
        help="Widest ring that RingRemoval takes out.",
    ),
    _plane("OrthoX", "ortho_x", "Column of the plane normal to x."),
    _plane("OrthoY", "ortho_y", "Row of the plane normal to y."),
    _plane("OrthoZ", "ortho_z", "Detector row of the horizontal plane."),
    _angle("RotX", "rot_x", "Rotation of the plane normal to x about the vertical axis."),
    _angle("RotY", "rot_y", "Rotation of the plane normal to y about the vertical axis."),
    _angle("RotZ", "rot_z", "Tilt of the horizontal plane about y."),
    Control(
        name="Energy", kind="number", field="energy_kev", unit="keV", low=1, high=100,
        precision=3, default=30.0, is_saved=True, help="Photon energy, for phase retrieval.",
    ),
    Control(
        name="Distance", kind="number", field="distance_mm", unit="mm", low=0,
        high=5000, precision=3, default=0.0, is_saved=True,
        help="Sample to detector distance, for phase retrieval.",
    ),
    Control(
        name="Alpha", kind="number", field="alpha", low=0, high=10000, precision=8,
        default=0.0, is_saved=True,
        help="Paganin regularisation; phase retrieval is on when it is above 0.",
        written="operator; service when DeltaBeta changes",
    ),
    Control(
        name="DeltaBeta", kind="number", field="delta_beta", low=0, high=1e7,
        precision=1, default=0.0, is_saved=True,
        help="delta / beta of the sample, 1 / Alpha; writing one sets the other.",
        written="operator; service when Alpha changes",
    ),
    Control(
        name="PixelSize", kind="number", field="pixel_um", unit="um", low=1e-5,
        high=100, precision=5, default=1.0, is_saved=True,
        help="Detector pixel size in the sample's plane.",
    ),
    _coefficient("BeamHardening2", "hardening_2", "Coefficient of the line integral's square."),
    _coefficient("BeamHardening3", "hardening_3", "Coefficient of the line integral's cube."),
    Control(
        name="FlatScale", kind="choice", field="flat_scale",
        choices=("None", "Exposure", "Region"), meanings=("None", "Exposure", "Region"),
        is_saved=True, help="How flats of another exposure are scaled.",
    ),
    _exposure("Exposure", "exposure_s", "Exposure time of a projection, for FlatScale Exposure."),
    _exposure("FlatExposure", "flat_exposure_s", "Exposure time of the flat, for FlatScale Exposure."),
    _plane("RegionX", "region_x", "First column of the region that sees air, for FlatScale Region."),
    _plane("RegionY", "region_y", "First row of the region that sees air."),
    _plane("RegionWidth", "region_width", "Columns of the region that sees air."),
    _plane("RegionHeight", "region_height", "Rows of the region that sees air."),
    Control(
        name="TransmissionFloor", kind="number", field="transmission_floor", low=1e-6,
        high=1, precision=6, default=1e-6, is_saved=True,
        help="Smallest transmission; darker pixels are raised to it.",
    ),
    Control(
        name="Oblique", kind="choice", field="is_oblique_shown", choices=_SWITCH,
        meanings=(False, True), is_saved=True,
        help="Reconstruct a plane of any direction beside the three.",
    ),
    _place("ObliqueX", "oblique_x", "Column of the oblique plane's middle."),
    _place("ObliqueY", "oblique_y", "Row in the horizontal slice of the oblique plane's middle."),
    _place("ObliqueZ", "oblique_z", "Detector row of the oblique plane's middle."),
    _direction("ObliqueNX", "oblique_normal_x", "x of the oblique plane's normal, of any length."),
    _direction("ObliqueNY", "oblique_normal_y", "y of the oblique plane's normal."),
    _direction("ObliqueNZ", "oblique_normal_z", "z of the oblique plane's normal."),
    Control(
        name="PreviewRate", kind="number", field="preview_rate_hz", unit="Hz", low=0,
        high=10, precision=2, default=0.5, is_saved=True,
        help="Preview volumes per second; 0 switches them off.",
    ),
    Control(
        name="AutoCenterFollow", kind="choice", field="is_center_followed",
        choices=_SWITCH, meanings=(False, True), is_saved=True,
        help="Let Center follow AutoCenter where the estimate is trusted.",
    ),
    Control(
        name="AutoCenterLimit", kind="number", field="center_step_limit", unit="pixel",
        low=0, high=1000, precision=2, default=1.0, is_saved=True,
        help="Farthest that AutoCenterFollow moves Center at once.",
    ),
    Control(
        name="CenterStripStep", kind="number", field="center_strip_step", unit="pixel",
        low=0.05, high=100, precision=2, default=0.5, is_saved=True,
        help="Distance of the candidate centres in the strip.",
    ),
    Control(
        name="ScanRange", kind="choice", field="scan_range", choices=("180", "360"),
        meanings=(180, 360), is_saved=True,
        help="Degrees that the ring holds; 360 is half-acquisition.",
    ),
    Control(
        name="CrossHair", kind="choice", field="crosshair", choices=_SWITCH,
        meanings=(False, True), is_saved=True,
        help="Draw the other planes' positions into the packed image as NaN lines.",
    ),
    Control(
        name="PublishRateLimit", kind="number", field="publish_rate_limit_hz",
        unit="Hz", low=0.1, high=1000, precision=1, default=20.0, is_saved=True,
        help="Publications per second at most.",
    ),
)  # fmt: skip

COMMANDS = (
    Control(
        name="StartRecon", kind="busy", choices=("Done", "Acquire"),
        help="Start streaming; returns to Done when streaming has ended.",
        written="operator: Acquire; service: Done at the end of the session",
    ),
    Control(
        name="AbortRecon", kind="command", choices=_SWITCH,
        help="Stop streaming; one press aborts once.",
    ),
    Control(
        name="CenterTweak", kind="number", unit="pixel", low=0, high=1000, precision=3,
        default=0.5, is_saved=True, help="Step of CenterTweakUp and CenterTweakDown.",
    ),
    Control(name="CenterTweakUp", kind="tweak", help="Process it to add CenterTweak to Center."),
    Control(name="CenterTweakDown", kind="tweak", help="Process it to subtract CenterTweak from Center."),
    Control(name="AutoCenterAccept", kind="command", choices=_SWITCH, help="Set Center to AutoCenter."),
    Control(name="BufferReset", kind="command", choices=_SWITCH, help="Empty the ring."),
    Control(name="ClickX", kind="integer", unit="pixel", low=-1, high=1048575, default=-1, written="viewer, before ClickY", help="Column of a click into the packed slices."),
    Control(name="ClickY", kind="integer", unit="pixel", low=-1, high=1048575, default=-1, written="viewer; service: -1 when the planes have moved", help="Row of the click; writing it moves the planes there, then it is -1 again."),
)  # fmt: skip

STATUS = (
    Control(name="ReconStatus", kind="status", writer="service", default="", help="What the service is doing, and why it does not."),
    Control(name="SessionState", kind="choice", writer="service",
            choices=("idle", "waiting", "filling", "streaming", "stopping", "failed"),
            severities=("NO_ALARM", "NO_ALARM", "NO_ALARM", "NO_ALARM", "NO_ALARM", "MAJOR"),
            help="State of the session; failed is MAJOR."),
    Control(name="BufferSize", kind="text", writer="service", default="0/0", help="Frames taken in the last call / slots."),
    Control(name="ReconTime", kind="number", writer="service", unit="s", precision=4, default=0.0, help="Time of the last reconstruction call."),
    Control(name="Watchdog", kind="watchdog", writer="service", default=0, written="service every 3 s; counts by itself every second", help="Counts down by one a second; the service writes 5 every 3 s."),
    Control(name="ServerRunning", kind="running", writer="service", choices=("Stopped", "Running"), severities=("MAJOR", "NO_ALARM"), written="Watchdog every second", help="Stopped (MAJOR) when the Watchdog has run out."),
    Control(name="Corrected", kind="choice", writer="service", choices=("uncorrected", "dark only", "flat only", "corrected"), severities=("MINOR", "NO_ALARM", "NO_ALARM", "NO_ALARM"), help="Which fields are in use; uncorrected is MINOR."),
    Control(name="AutoCenter", kind="number", writer="service", unit="pixel", precision=2, default=0.0, help="Estimate of the rotation axis' column."),
    Control(name="AutoCenterConfidence", kind="number", writer="service", precision=2, default=0.0, help="How far AutoCenter can be trusted, 0 to 1."),
    Control(name="CameraRoll", kind="number", writer="service", unit="deg", precision=3, default=0.0, help="Estimate of the axis' tilt in the detector plane."),
    Control(name="CameraRollConfidence", kind="number", writer="service", precision=2, default=0.0, help="How far CameraRoll can be trusted, 0 to 1."),
    Control(name="Session", kind="integer", writer="service", help="Counts the fillings of the ring: another table, size or type, a start, a reset."),
)  # fmt: skip


def _text(name: str, text: str) -> Control:
    return Control(name=name, kind="text", writer="service", default="none", help=text)


def _reading(
    name: str, text: str, *, unit: str = "", precision: int = 0,
    minor: float | None = None, major: float | None = None,
) -> Control:  # fmt: skip
    return Control(
        name=name, kind="number" if precision else "integer", writer="service",
        unit=unit, precision=precision, alarm_high=minor, alarm_major=major, help=text,
    )  # fmt: skip


def _matches(name: str, text: str) -> Control:
    return Control(
        name=name, kind="choice", writer="service", help=text,
        choices=("none", "no frames", "ok", "another size"),
        severities=("NO_ALARM", "NO_ALARM", "NO_ALARM", "MINOR"),
    )  # fmt: skip


def _connection(name: str, text: str) -> Control:
    return Control(
        name=name, kind="choice", writer="service", help=text,
        choices=("Disconnected", "Connected", "not used"),
        severities=("MAJOR", "NO_ALARM", "NO_ALARM"),
    )  # fmt: skip


DETAILS = (
    Control(name="ErrorText", kind="status", writer="service", default="", help="What is wrong now; empty while all is well."),
    _reading("BufferFill", "Share of the ring's slots that hold a projection.", unit="%", precision=1),
    _reading("Completeness", "Share of the slots whose projection is none that should have been replaced.", unit="%", precision=1),
    _reading("QueueFill", "Share of the queue's room in use; full, it loses frames.", unit="%", precision=1, minor=50, major=90),
    _reading("Latency", "Time stamp to published slice, median; 0 while nothing is published.", unit="ms", precision=1, minor=500, major=2000),
    _reading("LostRecently", "Frames missing or dropped within the last 10 s.", minor=1),
    _reading("RejectedRecently", "Faulty frames within the last 10 s; intended omissions do not count.", minor=1),
    _reading("Angle", "Angle of the newest projection in the ring, not reduced to a turn.", unit="deg", precision=3),
    _reading("ImageWidth", "Columns of the frames, after they were turned upright.", unit="pixel"),
    _reading("ImageHeight", "Rows of the frames, after they were turned upright.", unit="pixel"),
    _text("ImageType", "Type of the frames' pixels, such as uint16."),
    _text("Codec", "Codec of the frames as they come; none: not compressed."),
    _text("ScanType", "continuous, back-and-forth, sawtooth or interlaced."),
    _reading("DarkAge", "Time since the newest dark came; 0 without one.", unit="s"),
    _text("DarkShape", "Rows x columns of the newest dark."),
    _matches("DarkMatch", "Whether the newest dark has the frames' size."),
    _reading("FlatAge", "Time since the newest flat came; 0 without one.", unit="s"),
    _text("FlatShape", "Rows x columns of the newest flat."),
    _matches("FlatMatch", "Whether the newest flat has the frames' size."),
    _connection("ImageConnection", "The camera's channel."),
    _connection("DarkConnection", "The dark's channel."),
    _connection("FlatConnection", "The flat's channel."),
    _connection("ThetaConnection", "The angle table's channel."),
    _connection("TomoScanConnection", "tomoScan's records."),
    _text("Backend", "What reconstructs: cpu or cuda."),
    _text("Device", "Name of the GPU, or the CPU's threads in use."),
    _text("Isa", "Instruction set or GPU architecture in use."),
    _reading("Memory", "Held by the reconstruction: ring, raw frames, fields.", unit="MiB", precision=1),
)  # fmt: skip
"""What an operator looks at when something is odd."""

HEALTH = tuple(
    Control(
        name=camel_case(number.name), kind=number.kind, writer="service",
        unit=number.unit, precision=number.precision, help=number.help,
        alarm_high=number.alarm_high,
    )
    for number in HEALTH_NUMBERS
)  # fmt: skip

LENS_CHANGE = (
    Control(name="LensChangeSync", kind="choice", choices=_SWITCH, default=0, is_saved=True, help="Keep the chosen point in view when the lens changes."),
    Control(name="LensChangeDryRun", kind="choice", choices=_SWITCH, default=0, is_saved=True, help="Say where the sample would be moved to, and do not move it."),
    Control(name="LensChangeMaxMove", kind="number", unit="mm", low=0, high=1000, precision=3, default=5.0, is_saved=True, help="Farthest that a motor may be moved at a lens change."),
    Control(name="LensChangeTimeout", kind="number", unit="s", low=1, high=3600, precision=0, default=60.0, is_saved=True, help="How long the lens or a motor may take."),
    Control(name="LensChangeState", kind="choice", writer="service", choices=("idle", "moving", "waiting for lens", "aborted", "failed"), severities=("NO_ALARM", "NO_ALARM", "NO_ALARM", "MINOR", "MAJOR"), help="What the lens change is doing; failed is MAJOR."),
    Control(name="LensChangeMessage", kind="status", writer="service", default="", help="Where the sample goes to, or why the lens change failed."),
    _wiring("MctOpticsPVPrefix", "Prefix of mctOptics, which changes the lens.", "$(MCT_OPTICS)"),
    _wiring("SampleTomo0degPVName", "Motor on the rotation stage that moves the sample along x at 0 degrees.", "$(TOMO_0_DEG)"),
    _wiring("SampleTomo90degPVName", "The same at 90 degrees.", "$(TOMO_90_DEG)"),
    _wiring("SampleYPVName", "Motor that lifts the sample.", "$(SAMPLE_Y)"),
    _wiring("RoiPluginPVPrefix", "Prefix of the areaDetector ROI plugin; BinX and BinY are read below it.", "$(ROI_PLUGIN)"),
)  # fmt: skip
"""Records that 2-BM has besides."""

CONTROLS: tuple[Control, ...] = (
    *WIRING, *RECONSTRUCTION, *COMMANDS, *STATUS, *DETAILS, *HEALTH,
)  # fmt: skip


def control(name: str) -> Control:
    """Give the control of that name.

    Raises
    ------
    KeyError
        There is none.
    """
    return _BY_NAME[name]


_BY_NAME = {c.name: c for c in CONTROLS}
