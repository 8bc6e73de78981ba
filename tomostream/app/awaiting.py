"""The service while the records that name its channels do not answer yet."""

from collections.abc import Iterable
from dataclasses import replace
from types import TracebackType
from typing import Protocol, Self

from tomostream.app.build import service_settings, small_engine
from tomostream.app.config import Config
from tomostream.core.arrivals import ConnectionArrival
from tomostream.core.errors import ProcessError
from tomostream.core.ports import Clock, ControlSurface, Source
from tomostream.core.publication import Publication
from tomostream.runtime import ArrivalQueue, Worker
from tomostream.service.details import CONNECTIONS
from tomostream.service.loop import StreamLoop
from tomostream.service.session import RUNNING, SessionState

_SOURCES = dict.fromkeys(CONNECTIONS, "tomoScan") | {"ImageConnection": "camera"}
_HARDWARE = dict.fromkeys(("Backend", "Device", "Isa"), "none")
_QUEUE_FRAMES, _QUEUE_BYTES = 16, 1 << 20
_END_S = 5.0


class OperatorRecords(ControlSurface, Source, Protocol):
    """The operator's records over a network."""


class Awaiting:
    """Hear the operator, and say what is awaited. Owned by the main thread.

    The loop is the one that serves later, with records and without any source: so
    Start and Abort mean the same, and readings are those of a service without frames.
    Nothing begins before the first `tell`.

    Parameters
    ----------
    config
        The wiring.
    records
        The operator's; started and stopped here.
    clock
        Of the loop.
    """

    def __init__(self, config: Config, records: OperatorRecords, clock: Clock) -> None:
        self._config = config
        self._records = records
        self._clock = clock
        self._arrivals = ArrivalQueue(
            capacity_frames=_QUEUE_FRAMES, capacity_bytes=_QUEUE_BYTES
        )
        self._silent: frozenset[str] = frozenset()
        self._loop: StreamLoop | None = None
        self._worker: Worker | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the session too, unless it was handed over."""
        loop = self._ended()
        if loop is not None:
            loop.close()
            self._records.stop()

    def tell(self, silent: Iterable[str]) -> None:
        """Say which records are silent; the first time, begin.

        Raises
        ------
        ProcessError
            A part of it has died.
        """
        if self._worker is None:
            self._begin()
        silent = frozenset(silent)
        for name in sorted(silent ^ self._silent):
            self._arrivals.put(
                ConnectionArrival(
                    source=f"{name} (no answer, or empty)",
                    is_connected=name not in silent,
                    arrived_s=self._clock.now_s(),
                )
            )
        self._silent = silent
        for part in (self._worker, self._records):
            if part is not None and part.error is not None:
                raise ProcessError(f"{part.name} has died: {part.error}")

    def handed_over(self) -> Config:
        """End; give the configuration of the service that goes on from here.

        It starts at once where a session waits, which StartRecon goes on to show.
        """
        loop = self._ended()
        if loop is None:
            return self._config
        if loop.state is SessionState.STOPPING:
            loop.step()
        self._records.stop()
        return self._config.model_copy(update={"start_at_once": loop.state in RUNNING})

    def _begin(self) -> None:
        self._loop = StreamLoop(
            self._arrivals, small_engine(self._config), publisher=_Nowhere(),
            controls=self._records, clock=self._clock,
            settings=replace(
                service_settings(self._config), sources=_SOURCES, hardware=_HARDWARE
            ),
        )  # fmt: skip
        self._records.start(self._arrivals)
        self._worker = Worker("waiting for names", self._loop.go_on)
        self._worker.start()

    def _ended(self) -> StreamLoop | None:
        """Stop the loop, and give it if it ran."""
        loop, worker = self._loop, self._worker
        self._loop = self._worker = None
        if worker is not None:
            worker.stop()
            worker.join(_END_S)
        return loop


class _Nowhere:
    """Slices go nowhere: there are none."""

    def publish(self, publication: Publication) -> None:
        """Let it go."""
