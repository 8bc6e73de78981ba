"""What the service tells."""

from tomostream.core.controls.declaration import Control
from tomostream.core.health import HEALTH_NUMBERS, camel_case

STATUS = (
    Control(name="ReconStatus", kind="status", writer="service", default="", help="What the service is doing, and why it does not."),
    Control(name="SessionState", kind="choice", writer="service",
            choices=("idle", "waiting", "filling", "streaming", "stopping", "failed"),
            severities=("NO_ALARM", "NO_ALARM", "NO_ALARM", "NO_ALARM", "NO_ALARM", "MAJOR"),
            help="State of the session; failed is MAJOR."),
    Control(name="BufferSize", kind="text", writer="service", default="0/0", help="Frames taken in the last call / slots."),
    Control(name="ReconTime", kind="number", writer="service", unit="s", precision=4, default=0.0, help="Time of the last reconstruction call."),
    Control(name="Watchdog", kind="watchdog", writer="service", unit="s", default=0, written="service every 3 s; counts by itself every second", help="Counts down by one a second; the service writes 5 every 3 s."),
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
    _reading("ParametersRefused", "Parameters whose record holds what is not used; ErrorText says which, and what is instead.", minor=1),
    _reading("ParametersOutside", "Parameters of a place outside the frames, used all the same; ErrorText says which.", minor=1),
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
