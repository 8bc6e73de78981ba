"""The numbers and texts by which operators see how the service is."""

from collections.abc import Mapping

from tomostream.core.health import Health, camel_case
from tomostream.core.ports import Clock, ControlSurface
from tomostream.runtime.latest import Latest
from tomostream.service.publishing import Publishing
from tomostream.service.reconstruction import Reconstruction
from tomostream.service.session import Session
from tomostream.service.tally import FrameTally

_STATUS_LENGTH = 255
"""ReconStatus is a waveform of 256 characters, the last one 0."""


class Vitals:
    """Write the service's records, twice a second at most. Owned by the loop's thread.

    A change of state goes out at once. `health` holds the newest numbers for other
    threads.
    """

    _EVERY_S = 0.5
    _WATCHDOG_EVERY_S = 3.0
    _WATCHDOG = 5

    def __init__(self, controls: ControlSurface, clock: Clock) -> None:
        self._controls = controls
        self._clock = clock
        self._due_s = -1e18
        self._watchdog_due_s = -1e18
        self._state = ""
        self.health: Latest[Health] = Latest(Health())

    def is_due(self, session: Session) -> bool:
        """Tell whether it is time for a report."""
        now_s = self._clock.monotonic_s()
        return now_s >= self._due_s or session.state != self._state

    def report(
        self, session: Session, recon: Reconstruction, health: Health, *,
        corrected: str, notes: list[str], others: Mapping[str, float | int | str],
    ) -> None:  # fmt: skip
        """Write everything; `others` by record name."""
        now_s = self._clock.monotonic_s()
        self._due_s = now_s + self._EVERY_S
        self._state = session.state
        self.health.set(health)
        readings: dict[str, float | int | str] = {
            camel_case(name): value for name, value in health.flat().items()
        }
        readings |= {
            "ReconStatus": "; ".join([session.text, *notes])[:_STATUS_LENGTH],
            "SessionState": session.state.value,
            "BufferSize": f"{recon.last_call_frames}/{health.slots_total}",
            "ReconTime": recon.last_call_s,
            "Corrected": corrected,
            "Session": recon.fillings,
        }
        readings |= others
        if now_s >= self._watchdog_due_s:
            self._watchdog_due_s = now_s + self._WATCHDOG_EVERY_S
            readings["Watchdog"] = self._WATCHDOG
        self._controls.report(readings)


def measured_health(
    tally: FrameTally, recon: Reconstruction, publishing: Publishing, *, now_s: float
) -> Health:
    """Give the numbers that do not depend on the queue.

    Parameters
    ----------
    now_s
        Monotonic.
    """
    ledger = recon.ledger
    least_s, p50_s, p99_s = publishing.latency.percentiles_s(now_s)
    _, arrival_p50_s, arrival_p99_s = publishing.arrival.percentiles_s(now_s)
    return Health(
        frames_missing=tally.missing,
        rejected=dict(tally.rejected),
        pixels_repaired=tally.pixels_repaired,
        slots_filled=ledger.filled if ledger else 0,
        slots_total=ledger.n_slots if ledger else 0,
        slots_stale=ledger.stale if ledger else 0,
        coverage_deg=ledger.coverage_deg if ledger else 0.0,
        publish_rate_hz=publishing.rate.per_second(now_s),
        latency_p50_ms=1e3 * p50_s,
        latency_p99_ms=1e3 * p99_s,
        arrival_p50_ms=1e3 * arrival_p50_s,
        arrival_p99_ms=1e3 * arrival_p99_s,
        clock_offset_ms=1e3 * max(0.0, -least_s),
    )
