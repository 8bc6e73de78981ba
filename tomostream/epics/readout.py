"""The operator's parameters as the records of a running service hold them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from epics import ca, dbr

from tomostream.core.controls import CONTROLS
from tomostream.core.parameters import Parameters
from tomostream.core.ports import Clock
from tomostream.epics.ca_channels import clear_channels, make_channels
from tomostream.runtime import StopSignal

_LOOK_S = 0.02
_SETTLED_S = 1.0
"""Records of one IOC answer together: the rest is not there so long after the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readout:
    """What the records say."""

    parameters: Parameters
    answered: tuple[str, ...]
    """Names of the records that answered, without the prefix."""
    silent: tuple[str, ...]
    """Those that did not; an older IOC lacks the newer ones."""
    refused: Mapping[str, str]
    """Why a record's value is not used, by name."""


def read_parameters(prefix: str, clock: Clock, *, timeout_s: float = 5.0) -> Readout:
    """Ask the records once; what does not answer keeps its default.

    Parameters
    ----------
    prefix
        P and R of our own records.
    clock
        For the time-out.
    timeout_s
        For all records together.
    """
    wanted = {c.name: c for c in CONTROLS if c.field}
    values = _values({name: prefix + name for name in wanted}, clock, timeout_s)
    parameters, refused = Parameters(), dict[str, str]()
    for name, value in values.items():
        try:
            parameters = parameters.with_value(wanted[name], value)
        except (TypeError, ValueError, OverflowError) as exc:
            refused[name] = str(exc)
    return Readout(
        parameters=parameters, answered=tuple(values), refused=refused,
        silent=tuple(name for name in wanted if name not in values),
    )  # fmt: skip


def _values(
    names: Mapping[str, str], clock: Clock, timeout_s: float
) -> dict[str, float]:
    ca.use_initial_context()
    values: dict[str, float] = {}
    channels = make_channels(names.values())
    # The library writes into them as long as the channels live.
    subscriptions: list[Any] = []

    def hear(name: str) -> Any:
        def on_event(*, value: Any, **_: Any) -> None:
            values[name] = value

        return on_event

    for name, record in names.items():
        subscriptions.append(
            ca.create_subscription(
                channels[record], ftype=dbr.TIME_DOUBLE, callback=hear(name)
            )
        )
    _wait(values, len(names), clock, timeout_s)
    clear_channels(channels.values())
    return dict(values)


def _wait(
    values: Mapping[str, float], count: int, clock: Clock, timeout_s: float
) -> None:
    now_s = clock.monotonic_s()
    deadline_s, known, settled_s = now_s + timeout_s, 0, now_s + timeout_s
    stop = StopSignal()
    while len(values) < count and now_s < min(deadline_s, settled_s):
        if len(values) > known:
            known, settled_s = len(values), now_s + _SETTLED_S
        if stop.wait(_LOOK_S):
            return
        now_s = clock.monotonic_s()
