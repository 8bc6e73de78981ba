"""What tomoScan says over Channel Access: what the camera takes, where a scan began."""

import logging

from tomostream.core.arrivals import FirstIdArrival, FrameTypeArrival, SourceRole
from tomostream.core.frame import FrameKind
from tomostream.core.ports import Clock
from tomostream.epics.links import Monitor, RecordLinks
from tomostream.epics.source import LOOK_S, WatchedSource
from tomostream.runtime import StopSignal

logger = logging.getLogger(__name__)


class TomoScanSource(WatchedSource):
    """FrameType and FirstProjid of one tomoScan, first values included.

    FrameType is taken by its text, since the choices' order differs between servers,
    and with the IOC's time stamp.

    Parameters
    ----------
    prefix
        Of the tomoScan records, such as ``sim:TomoScanStream:``.
    clock
        Says when a value came.
    """

    role = SourceRole.SCAN

    def __init__(self, prefix: str, clock: Clock) -> None:
        super().__init__(prefix, clock)
        self._links = RecordLinks(
            {
                f"{prefix}FrameType": Monitor(self._on_frame_type, as_text=True),
                f"{prefix}FirstProjid": Monitor(self._on_first_id),
            },
            clock,
        )

    def _watch(self, stop: StopSignal) -> None:
        self._links.open()
        try:
            while not stop.wait(LOOK_S):
                self._links.look()
                self._tell(bool(self._links.connected))
        finally:
            self._links.close()

    def _on_frame_type(self, value: object, timestamp_s: float) -> None:
        try:
            kind = FrameKind(str(value))
        except ValueError:
            logger.warning("FrameType not known: %s", value)
            return
        self._put(
            FrameTypeArrival(
                kind=kind, timestamp_s=timestamp_s, arrived_s=self._clock.now_s()
            )
        )

    def _on_first_id(self, value: float, _: float) -> None:
        self._put(FirstIdArrival(first_id=int(value), arrived_s=self._clock.now_s()))
