"""Renew links of two threads over and over, to records that nobody serves: SECONDS.

Prints JSON: how often each was renewed, and what ended it before its time.
"""

import json
import sys

from epics import ca

from tomostream.epics.links import Monitor, RecordLinks
from tomostream.runtime import StopSignal, SystemClock, Worker
from tomostream.testing.fakes import FakeClock


class HurriedClock(FakeClock):
    """A clock on which every channel has been away for too long at every look."""

    def monotonic_s(self):
        self.advance(10.0)
        return super().monotonic_s()


def main():
    renewals, workers = [0, 0], []

    def renew(index, names):
        def body(stop):
            links = RecordLinks(dict.fromkeys(names, Monitor(print)), HurriedClock())
            links.open()
            while not stop.wait(1e-4):
                links.look()
                renewals[index] += 1
            links.close()

        return body

    # Both are of one context, as in the service.
    ca.use_initial_context()
    # As many as the operator's records and tomoScan's.
    for index, count in enumerate((60, 2)):
        names = [f"nobody:{index}:{k}" for k in range(count)]
        workers.append(Worker(f"renew {index}", renew(index, names)))
    clock = SystemClock()
    ends_s = clock.monotonic_s() + float(sys.argv[1])
    for worker in workers:
        worker.start()
    pace = StopSignal()
    while clock.monotonic_s() < ends_s and not any(w.error for w in workers):
        pace.wait(0.05)
    for worker in workers:
        worker.stop()
        worker.join(timeout_s=5.0)
    errors = [repr(worker.error) for worker in workers if worker.error]
    print(json.dumps({"renewals": renewals, "errors": errors}), flush=True)


main()
