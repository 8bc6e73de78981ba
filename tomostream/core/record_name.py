"""What an EPICS record's name may be made of."""

import re

# No point, which ends the name and begins a field's.
_LEGAL = re.compile(r"[\w:<>;\[\]-]+", re.ASCII)


def is_record_name(text: str) -> bool:
    """Tell whether a record can be called so, or its name begin so."""
    return _LEGAL.fullmatch(text) is not None
