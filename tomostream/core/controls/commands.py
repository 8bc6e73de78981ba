"""Buttons, and what belongs to them."""

from tomostream.core.controls.declaration import SWITCH, Control

COMMANDS = (
    Control(
        name="StartRecon", kind="busy", choices=("Done", "Acquire"),
        help="Start streaming; returns to Done when streaming has ended.",
        written="operator: Acquire; service: Done at the end of the session",
    ),
    Control(
        name="AbortRecon", kind="command", choices=SWITCH,
        help="Stop streaming; one press aborts once.",
    ),
    Control(
        name="CenterTweak", kind="number", unit="pixel", low=0, high=1000, precision=3,
        default=0.5, is_saved=True, help="Step of CenterTweakUp and CenterTweakDown.",
    ),
    Control(name="CenterTweakUp", kind="tweak", help="Process it to add CenterTweak to Center."),
    Control(name="CenterTweakDown", kind="tweak", help="Process it to subtract CenterTweak from Center."),
    Control(name="AutoCenterAccept", kind="command", choices=SWITCH, help="Set Center to AutoCenter."),
    Control(name="BufferReset", kind="command", choices=SWITCH, help="Empty the ring."),
    Control(name="ClickX", kind="integer", unit="pixel", low=-1, high=1048575, default=-1, written="viewer, before ClickY", help="Column of a click into the packed slices."),
    Control(name="ClickY", kind="integer", unit="pixel", low=-1, high=1048575, default=-1, written="viewer; service: -1 when the planes have moved", help="Row of the click; writing it moves the planes there, then it is -1 again."),
)  # fmt: skip
