"""Serve dark, flat and theta as tomoScan does, subscribe to them in the same process.

PREFIX. Each is put anew, its sizes in puts of their own, and is then read after all
puts are over: what came first must still be what it was.
"""

import json
import sys

import numpy as np
import pvaccess

from tomostream.core.arrivals import FieldArrival, TableArrival
from tomostream.core.frame import FrameKind
from tomostream.epics.subscriber import FieldSubscriber, ThetaSubscriber
from tomostream.runtime import ArrivalQueue, StopSignal, SystemClock

PREFIX = sys.argv[1]
STRUCTURE = {"value": [pvaccess.FLOAT], "sizex": pvaccess.INT, "sizey": pvaccess.INT}


def main():
    clock, pace = SystemClock(), StopSignal()
    queue = ArrivalQueue(capacity_frames=1, capacity_bytes=10**9, capacity_per_kind=100)
    sources = [
        FieldSubscriber(f"{PREFIX}Dark", clock, kind=FrameKind.DARK),
        FieldSubscriber(f"{PREFIX}Flat", clock, kind=FrameKind.FLAT),
        ThetaSubscriber(f"{PREFIX}Theta", clock),
    ]
    for source in sources:
        source.start(queue)
    server = pvaccess.PvaServer()
    records = {}
    for name in ("Dark", "Flat", "Theta"):
        records[name] = pvaccess.PvObject(STRUCTURE)
        server.addRecord(PREFIX + name, records[name], None)
    server.start()
    while not all(source.is_connected for source in sources):
        pace.wait(0.02)
    pace.wait(0.3)
    for step in range(5):
        for number, record in enumerate(records.values()):
            record["value"] = np.full(100_000, 10 * number + step, "f4")
            pace.wait(0.05)
            record["sizex"] = 100 + step
            record["sizey"] = 1000
        pace.wait(0.1)
    arrivals = queue.drain(1000)
    found: dict[str, object] = {
        kind: [
            [int(a.values.size), float(a.values.min()), float(a.values.max())]
            for a in arrivals
            if isinstance(a, FieldArrival) and a.kind == kind
        ]
        for kind in (FrameKind.DARK, FrameKind.FLAT)
    }
    found["theta"] = [
        [int(a.values.size), float(a.values.min()) if a.values.size else 0.0,
         float(a.values.max()) if a.values.size else 0.0]
        for a in arrivals if isinstance(a, TableArrival)
    ]  # fmt: skip
    for source in sources:
        source.stop()
        assert source.error is None
    server.stop()
    print(json.dumps(found), flush=True)


main()
