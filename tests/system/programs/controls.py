"""Use the operator's records as the service's loop does, and tell each ten steps.

PREFIX; ends when Center is 999, and then prints what it has seen.
"""

import json
import sys

from tomostream.core.arrivals import ConnectionArrival
from tomostream.epics.controls import CaControls
from tomostream.runtime import ArrivalQueue, StopSignal, SystemClock


def main():
    clock, pace = SystemClock(), StopSignal()
    queue = ArrivalQueue(capacity_frames=1, capacity_bytes=1, capacity_per_kind=100)
    controls = CaControls(sys.argv[1], clock)
    controls.start(queue)
    print('{"ready": true}', flush=True)
    steps, pressed, seen = 0, [], []
    state, ends_s = "idle", clock.monotonic_s() + 60
    while clock.monotonic_s() < ends_s:
        pace.wait(0.01)
        steps += 1
        if steps % 10 == 0:
            print("ten steps", flush=True)
        center = controls.parameters().center
        commands = controls.commands()
        if commands:
            state = {"start": "streaming", "abort": "idle"}.get(commands[-1], state)
        controls.report(
            {"SessionState": state, "FramesReceived": steps, "ReconStatus": state}
            | ({"Watchdog": 5} if steps % 100 == 1 else {})
        )
        pressed += [str(command) for command in commands]
        if not seen or seen[-1] != center:
            seen.append(center)
            print(json.dumps({"center": center}), flush=True)
        if center == 999:
            break
    controls.report({"SessionState": "idle", "ReconStatus": "ended"})
    controls.stop()
    connections = [
        a.is_connected for a in queue.drain(1000) if isinstance(a, ConnectionArrival)
    ]
    print(
        json.dumps(
            {
                "commands": pressed, "centers": seen,
                "connections": connections, "error": repr(controls.error),
            }
        ),
        flush=True,
    )  # fmt: skip


main()
