"""The table of records: each declared once, in the operator's terms."""

from tomostream.core.controls.commands import COMMANDS
from tomostream.core.controls.declaration import Control, Extent, RecordKind, Severity
from tomostream.core.controls.lens_change import LENS_CHANGE
from tomostream.core.controls.prefix import LONGEST_NAME, LONGEST_PREFIX, prefix_fault
from tomostream.core.controls.readings import DETAILS, HEALTH, STATUS
from tomostream.core.controls.reconstruction import FILTERS, RECONSTRUCTION
from tomostream.core.controls.table import CONTROLS, control
from tomostream.core.controls.wiring import WIRING

__all__ = [
    "COMMANDS",
    "CONTROLS",
    "DETAILS",
    "FILTERS",
    "HEALTH",
    "LENS_CHANGE",
    "LONGEST_NAME",
    "LONGEST_PREFIX",
    "RECONSTRUCTION",
    "STATUS",
    "WIRING",
    "Control",
    "Extent",
    "RecordKind",
    "Severity",
    "control",
    "prefix_fault",
]
