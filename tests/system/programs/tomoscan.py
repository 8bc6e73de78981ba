"""Say what tomoScan's records say, and what the wiring is: TOMOSCAN_PREFIX PREFIX."""

import json
import sys

from tomostream.epics.tomoscan import TomoScanSource
from tomostream.epics.wiring import resolve_wiring
from tomostream.runtime import ArrivalQueue, StopSignal, SystemClock


def main():
    clock, pace = SystemClock(), StopSignal()
    queue = ArrivalQueue(capacity_frames=1, capacity_bytes=1)
    source = TomoScanSource(sys.argv[1], clock)
    source.start(queue)
    arrivals, ends_s = [], clock.monotonic_s() + 10
    while len(arrivals) < 3 and clock.monotonic_s() < ends_s:
        queue.wait(0.1)
        arrivals += queue.drain(10)
    wiring = resolve_wiring(sys.argv[2], clock, timeout_s=5.0)
    silent = resolve_wiring("nowhere:", clock, timeout_s=0.5)
    pace.wait(0.1)
    source.stop()
    print(json.dumps({
        "arrivals": {type(a).__name__: str(a) for a in arrivals},
        "image": wiring.image_channel, "dark": wiring.dark_channel,
        "theta": wiring.theta_channel, "recon": wiring.recon_channel,
        "tomoscan": wiring.tomoscan_prefix, "silent": wiring.silent,
        "nowhere": [silent.image_channel, len(silent.silent)],
        "now": clock.now_s(),
    }), flush=True)  # fmt: skip


main()
