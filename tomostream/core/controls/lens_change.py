"""What 2-BM has besides."""

from tomostream.core.controls.declaration import SWITCH, Control
from tomostream.core.controls.wiring import channel_name

LENS_CHANGE = (
    Control(name="LensChangeSync", kind="choice", choices=SWITCH, default=0, is_saved=True, help="Keep the chosen point in view when the lens changes."),
    Control(name="LensChangeDryRun", kind="choice", choices=SWITCH, default=0, is_saved=True, help="Say where the sample would be moved to, and do not move it."),
    Control(name="LensChangeMaxMove", kind="number", unit="mm", low=0, high=1000, precision=3, default=5.0, is_saved=True, help="Farthest that a motor may be moved at a lens change."),
    Control(name="LensChangeTimeout", kind="number", unit="s", low=1, high=3600, precision=0, default=60.0, is_saved=True, help="How long the lens or a motor may take."),
    Control(name="LensChangeState", kind="choice", writer="service", choices=("idle", "moving", "waiting for lens", "aborted", "failed"), severities=("NO_ALARM", "NO_ALARM", "NO_ALARM", "MINOR", "MAJOR"), help="What the lens change is doing; failed is MAJOR."),
    Control(name="LensChangeMessage", kind="status", writer="service", default="", help="Where the sample goes to, or why the lens change failed."),
    channel_name("MctOpticsPVPrefix", "Prefix of mctOptics, which changes the lens.", "$(MCT_OPTICS)"),
    channel_name("SampleTomo0degPVName", "Motor on the rotation stage that moves the sample along x at 0 degrees.", "$(TOMO_0_DEG)"),
    channel_name("SampleTomo90degPVName", "The same at 90 degrees.", "$(TOMO_90_DEG)"),
    channel_name("SampleYPVName", "Motor that lifts the sample.", "$(SAMPLE_Y)"),
    channel_name("RoiPluginPVPrefix", "Prefix of the areaDetector ROI plugin; BinX and BinY are read below it.", "$(ROI_PLUGIN)"),
)  # fmt: skip
"""Records that 2-BM has besides."""
