"""When slices go out, and what goes with them."""

from tomostream.core.ports import Clock, SlicePublisher
from tomostream.core.publication import Publication
from tomostream.core.slices import draw_crosshair, unpack
from tomostream.service.meters import LatencyMeter, RateMeter
from tomostream.service.reconstruction import Reconstruction


class Publishing:
    """Publish changed slices, not more often than wanted. Owned by the loop's thread.

    Where one publication takes longer than half the time between two, the time
    between them grows: pictures must not stand in the way of frames.
    """

    def __init__(self, publisher: SlicePublisher, clock: Clock) -> None:
        self._publisher = publisher
        self._clock = clock
        self._due_s = -1e18
        self._count = 0
        self.rate = RateMeter()
        self.latency = LatencyMeter()
        """Time stamp to published slice."""
        self.arrival = LatencyMeter()
        """Arrival to published slice."""

    @property
    def due_in_s(self) -> float:
        """How long it is until slices may go out again; 0: now."""
        return max(self._due_s - self._clock.monotonic_s(), 0.0)

    def publish(self, recon: Reconstruction) -> bool:
        """Publish if something changed and it is time; tell whether it was done."""
        started_s = self._clock.monotonic_s()
        if not recon.is_changed or recon.newest is None or started_s < self._due_s:
            return False
        publication = self._made(recon)
        if publication is None:
            return False
        self._publisher.publish(publication)
        recon.is_changed = False
        self._note_latencies(recon)
        now_s = self._clock.monotonic_s()
        period_s = max(
            1.0 / recon.parameters.publish_rate_limit_hz, 2.0 * (now_s - started_s)
        )
        # From due time to due time: wake-ups that come late must not lower the rate.
        self._due_s = max(self._due_s, started_s - 0.25 * period_s) + period_s
        self.rate.add(1, now_s)
        return True

    def _made(self, recon: Reconstruction) -> Publication | None:
        geometry, ledger, newest = recon.geometry, recon.ledger, recon.newest
        if geometry is None or ledger is None or newest is None:
            return None
        parameters, planes = recon.parameters, recon.planes
        packed = recon.packed()
        slices = unpack(packed, geometry)
        if parameters.crosshair:
            draw_crosshair(slices, planes, geometry)
        packed.flags.writeable = False
        self._count += 1
        return Publication(
            unique_id=self._count,
            published_s=self._clock.now_s(),
            data_s=newest.placed.tracked.taken_s,
            packed=packed,
            slices=unpack(packed, geometry),
            first_projection_id=ledger.oldest_id,
            last_projection_id=ledger.newest_id,
            angle_deg=newest.placed.assignment.angle_deg,
            center=parameters.center,
            planes=planes,
            filter_type=recon.in_use.filter_type,
            slots_filled=ledger.filled,
            slots_stale=ledger.stale,
            completeness=ledger.completeness,
            session=recon.fillings,
            oblique=recon.oblique(),
        )

    def _note_latencies(self, recon: Reconstruction) -> None:
        unseen, recon.unseen = recon.unseen, []
        wall_s, now_s = self._clock.now_s(), self._clock.monotonic_s()
        for taken_s, arrived_s in unseen:
            self.latency.add(wall_s - taken_s, now_s)
            self.arrival.add(wall_s - arrived_s, now_s)
