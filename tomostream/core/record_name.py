"""What an EPICS record's name may be made of."""

import re
from collections.abc import Iterable

# No point, which ends the name and begins a field's.
_LEGAL = re.compile(r"[\w:<>;\[\]-]+", re.ASCII)

LONGEST_RECORD_NAME = 60
"""Characters: EPICS base has 61 bytes for a record's name, with the closing zero."""

LONGEST_STRING = 39
"""Characters that a string record holds, such as tomoScan's of the image prefix."""


def is_record_name(text: str) -> bool:
    """Tell whether a record can be called so, or its name begin so."""
    return _LEGAL.fullmatch(text) is not None


def longest_prefix(names: Iterable[str]) -> int:
    """Give the most characters that records of these names may have before them."""
    return LONGEST_RECORD_NAME - max(map(len, names))
