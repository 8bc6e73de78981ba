"""The service as a whole: its parts started in order, watched, and ended."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tomostream.app.observed import ObservedControls, ObservedPublisher
from tomostream.core.errors import ConnectionLostError, ProcessError
from tomostream.core.geometry import Geometry, Planes
from tomostream.core.health import Health
from tomostream.core.parameters import Parameters, ReconParameters
from tomostream.core.ports import Source
from tomostream.core.publication import Publication
from tomostream.runtime import ArrivalQueue, StopSignal, SystemClock, Worker
from tomostream.service.beside import Beside
from tomostream.service.loop import StreamLoop
from tomostream.service.reconstructor import Reconstructor

logger = logging.getLogger(__name__)

_ADOPTION_S = 15.0
_PUT_AGAIN_S = 0.5
_LOOK_S = 0.02
_END_S = 5.0


class Channels(Protocol):
    """The output side."""

    def start(self) -> None:
        """Begin to serve."""
        ...

    def stop(self) -> None:
        """End."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What `build` has put together."""

    engine: Reconstructor
    loop: StreamLoop
    beside: Beside
    arrivals: ArrivalQueue
    sources: Sequence[Source]
    records: Source | None
    """The operator's records; None: there are none."""
    controls: ObservedControls
    publisher: ObservedPublisher
    channels: Channels


class Server:
    """Projections in, slices out, until it is stopped.

    Owned by the main thread; the loop runs in a worker.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._clock = SystemClock()
        self._worker = Worker("reconstruction", parts.loop.run)
        self._beside = Worker("views", parts.beside.run)
        self._is_started = False

    def prepare(self, geometry: Geometry) -> None:
        """Take the memory of a ring before frames wait for it; to be called first.

        At 512 x 512 pixels it takes a third of a second, in which frames pile up.

        Raises
        ------
        ReconstructionError
            The ring does not fit into memory.
        """
        parameters = ReconParameters(center=0.0, planes=Planes.middle(geometry))
        self._parts.engine.configure(geometry, parameters)

    def start(self, first: Parameters | None = None) -> None:
        """Start all parts; sources that are not there yet are waited for by them.

        Parameters
        ----------
        first
            Put into the records before the first frame is taken.

        Raises
        ------
        TomostreamError
            The output cannot be served, or the records did not take `first`.
        """
        parts = self._parts
        self._is_started = True
        parts.channels.start()
        if parts.records is not None:
            parts.records.start(parts.arrivals)
        if first is not None:
            self._adopt(first)
        for source in parts.sources:
            source.start(parts.arrivals)
        self._worker.start()
        self._beside.start()

    def stop(self) -> None:
        """End all parts: frames first, the last words to the records after them."""
        if not self._is_started:
            return
        self._is_started = False
        parts = self._parts
        for source in parts.sources:
            source.stop()
        self._beside.stop()
        self._worker.stop()
        parts.arrivals.wake()
        if not self._worker.join(_END_S):
            logger.warning("reconstruction did not end within %g s", _END_S)
        if not self._beside.join(_END_S):
            logger.warning("views did not end within %g s", _END_S)
        if parts.records is not None:
            parts.records.stop()
        parts.channels.stop()

    def check(self) -> None:
        """Make sure that all parts are at work.

        Raises
        ------
        ProcessError
            Says which one has died, and of what.
        """
        for part in (self._worker, self._beside, *self._remote):
            if part.error is not None:
                fault = f"{type(part.error).__name__}: {part.error}"
                raise ProcessError(f"{part.name} has died: {fault}") from part.error

    @property
    def connected(self) -> frozenset[str]:
        """Names of the sources, and of the records, that are there."""
        return frozenset(part.name for part in self._remote if part.is_connected)

    @property
    def health(self) -> Health:
        """The service's own numbers."""
        return self._parts.loop.health.get()

    @property
    def state(self) -> str:
        """What the session is doing, in a word."""
        return str(self._parts.loop.state)

    @property
    def status(self) -> str:
        """What it is doing, and why it does not, in a sentence."""
        return str(self._parts.controls.readings.get("ReconStatus", "not started"))

    @property
    def parameters(self) -> Parameters:
        """The operator's parameters."""
        return self._parts.controls.parameters()

    @property
    def publication(self) -> Publication | None:
        """The newest slices."""
        return self._parts.publisher.newest

    @property
    def _remote(self) -> list[Source]:
        parts = self._parts
        return [*([parts.records] if parts.records is not None else []), *parts.sources]

    def _adopt(self, wanted: Parameters) -> None:
        """Write parameters and wait until the records show them."""
        controls, records = self._parts.controls, self._parts.records
        give_up_s = self._clock.monotonic_s() + _ADOPTION_S
        put_s = -_PUT_AGAIN_S
        pause = StopSignal()
        while controls.parameters() != wanted:
            now_s = self._clock.monotonic_s()
            if now_s > give_up_s:
                name = records.name if records else "parameters"
                raise ConnectionLostError(
                    f"records {name}: did not answer within {_ADOPTION_S:g} s"
                )
            is_there = records is None or records.is_connected
            if is_there and now_s - put_s > _PUT_AGAIN_S:
                put_s = now_s
                controls.write_parameters(wanted)
            pause.wait(_LOOK_S)
