"""Subscribe to an image channel, and write a line of JSON for everything that comes.

CHANNEL, number of images (good and bad) after which to end, time limit in seconds.
"""

import json
import sys

from tomostream.core.arrivals import ImageArrival, RejectedArrival
from tomostream.core.errors import MalformedFrameError
from tomostream.epics.subscriber import ImageSubscriber
from tomostream.runtime import ArrivalQueue, SystemClock


def described(arrival):
    if isinstance(arrival, RejectedArrival):
        return {"reason": arrival.reason, "message": arrival.message}
    if not isinstance(arrival, ImageArrival):
        return {"connected": arrival.is_connected, "at": arrival.arrived_s}
    line = {"id": arrival.camera_id, "lag": arrival.arrived_s - arrival.timestamp_s}
    try:
        pixels = arrival.pixels()
    except MalformedFrameError as exc:
        return line | {"reason": exc.reason, "message": str(exc)}
    return line | {
        "shape": pixels.shape,
        "dtype": pixels.dtype.str[1:],
        "sum": float(pixels.sum()),
    }


def main():
    channel, wanted, limit_s = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    clock = SystemClock()
    queue = ArrivalQueue(capacity_frames=100_000, capacity_bytes=4 * 10**9)
    source = ImageSubscriber(channel, clock)
    source.start(queue)
    print('{"ready": true}', flush=True)
    deadline, came = clock.monotonic_s() + limit_s, 0
    while came < wanted and clock.monotonic_s() < deadline:
        queue.wait(0.1)
        for arrival in queue.drain(1000):
            line = described(arrival)
            came += "connected" not in line
            print(json.dumps(line), flush=True)
    source.stop()
    assert source.error is None
    print(json.dumps({"dropped": queue.dropped}), flush=True)


main()
