"""What our own records' names may begin with."""

from tomostream.core.controls.lens_change import LENS_CHANGE
from tomostream.core.controls.table import CONTROLS
from tomostream.core.record_name import is_record_name, longest_prefix

LONGEST_NAME = max((c.name for c in (*CONTROLS, *LENS_CHANGE)), key=len)
"""The longest below a prefix. The lens change's records count too: what is below a
prefix must not decide whether it may be used."""

LONGEST_PREFIX = longest_prefix([LONGEST_NAME])
"""Characters."""


def prefix_fault(text: str) -> str:
    """Say why records cannot stand below this prefix, P and R together; empty: they can."""
    if is_record_name(text) and len(text) <= LONGEST_PREFIX:
        return ""
    return (
        "expected a prefix such as sim:TomoStream: (no blanks, dots or quotes, "
        f"{LONGEST_PREFIX} characters at most, for {LONGEST_NAME} to fit into a record's "
        "name)"
    )
