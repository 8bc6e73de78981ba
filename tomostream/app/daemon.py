"""`tomostream serve`: wait for the records, serve until the end is asked for."""

import logging
from collections.abc import Callable, Mapping
from contextlib import nullcontext

from tomostream.app.awaiting import Awaiting
from tomostream.app.build import ask_records, build_server, connections, needs_records
from tomostream.app.config import Config
from tomostream.app.interruption import Interruption
from tomostream.app.memory import MemoryKeeper
from tomostream.app.repeater import repeater
from tomostream.core.errors import ConfigurationError, ConnectionLostError
from tomostream.epics.controls import CaControls
from tomostream.epics.ending import end_channel_access
from tomostream.epics.subscriber import ImageSubscriber
from tomostream.epics.wiring import Wiring
from tomostream.runtime import SystemClock

logger = logging.getLogger(__name__)

_ASK_S = 2.0
_PATIENCE_S = 10.0
"""Between lines in the log that tell what is waited for."""
_CHECK_S = 0.5
_PROBES, _PROBE_S = 10, 0.1


def serve(
    config: Config,
    *,
    announce: Callable[[Mapping[str, object]], None],
    duration_s: float | None = None,
) -> None:
    """Serve until a signal comes or the time is over.

    Parameters
    ----------
    config
        The wiring.
    announce
        Called once, when slices are served, with the names in use.
    duration_s
        For serving, and before it for the records to say the wiring; None: no end.

    Raises
    ------
    TomostreamError
        It cannot start, or a part of it has died.
    """
    clock = SystemClock()
    uses_records = config.use_records or config.input.has_tomoscan
    with (
        Interruption() as interruption,
        repeater() if uses_records else nullcontext(),
    ):
        records = CaControls(config.prefix, clock)
        with Awaiting(config, records, clock) as awaiting:
            said = _wiring(config, interruption, awaiting, patience_s=duration_s)
            if interruption.is_set:
                return
            names = connections(config, said)
            _refuse_second(names.recon, interruption)
            # As late as can be: meanwhile nobody hears the operator.
            config = awaiting.handed_over()
        server = build_server(config, said)
        memory = MemoryKeeper(clock)
        try:
            server.start()
            announce({"image": names.image, "recon": names.recon})
            end_s = None if duration_s is None else clock.monotonic_s() + duration_s
            while not interruption.wait(_CHECK_S):
                server.check()
                memory.look(server.connected)
                if end_s is not None and clock.monotonic_s() > end_s:
                    break
        finally:
            server.stop()
            if uses_records:
                end_channel_access()


def _wiring(
    config: Config, interruption: Interruption, awaiting: Awaiting, *,
    patience_s: float | None,
) -> Wiring | None:  # fmt: skip
    """Ask the records until they say all that is needed."""
    if not needs_records(config):
        return None
    clock = SystemClock()
    tell_s = started_s = clock.monotonic_s()
    while True:
        said = ask_records(config, timeout_s=_ASK_S)
        try:
            connections(config, said)
        except ConfigurationError as exc:
            waited_s = clock.monotonic_s() - started_s
            if patience_s is not None and waited_s > patience_s:
                raise ConnectionLostError(f"no answer in time: {exc}") from exc
            if clock.monotonic_s() >= tell_s:
                tell_s = clock.monotonic_s() + _PATIENCE_S
                logger.warning("waiting for records: %s", exc)
            awaiting.tell(said.silent)
        else:
            return said
        if interruption.wait(0.1):
            return said


def _refuse_second(channel: str, interruption: Interruption) -> None:
    """Make sure that nobody else serves the slices: viewers would see both in turn."""
    probe = ImageSubscriber(channel, SystemClock(), queue_size=2)
    probe.start()
    try:
        for _ in range(_PROBES):
            if probe.is_connected:
                raise ConfigurationError(
                    f"recon_channel: {channel} is served already; end the other "
                    "service, or choose another name"
                )
            if interruption.wait(_PROBE_S):
                return
    finally:
        probe.stop()
