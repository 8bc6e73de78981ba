"""The settings of a service that runs."""

from tomostream.app.repeater import repeater
from tomostream.core.errors import ConfigurationError, ConnectionLostError
from tomostream.core.parameters import Parameters
from tomostream.epics.readout import read_parameters
from tomostream.runtime import SystemClock


def live_parameters(prefix: str, *, timeout_s: float = 5.0) -> Parameters:
    """Read Center, filter and steps from the records below a prefix.

    Raises
    ------
    ConnectionLostError
        No record answers.
    ConfigurationError
        A record holds what cannot be used.
    """
    with repeater():
        said = read_parameters(prefix, SystemClock(), timeout_s=timeout_s)
    if "Center" not in said.answered:
        raise ConnectionLostError(
            f"{prefix}Center: no answer within {timeout_s:g} s; `tomostream doctor "
            f"--prefix {prefix}` may say why"
        )
    if said.refused:
        raise ConfigurationError(f"{prefix}{'; '.join(said.refused.values())}")
    return said.parameters
