"""A camera and nothing else: FAMILY [RATE_HZ]; ids count from 1 at every start."""

import json
import sys
import time

import numpy as np
import pvaccess as pva

from tomostream.runtime import StopSignal, SystemClock
from tomostream.sim.channels import ImageChannel


def main():
    family = sys.argv[1]
    interval_s = 1 / float(sys.argv[2] if len(sys.argv) > 2 else 100)
    clock, pace = SystemClock(), StopSignal()
    server = pva.PvaServer()
    image = ImageChannel(server, f"{family}Pva1:Image", shape=(64, 64))
    pixels = np.full((64, 64), 900, np.uint16)
    pixels[:, 16:48] = 300
    begun_s = time.monotonic()
    camera_id = 0
    while True:
        camera_id += 1
        image.send(pixels, camera_id=camera_id, taken_s=clock.now_s())
        if camera_id == 1:
            print(json.dumps({"ready": True}), flush=True)
        pace.wait(max(begun_s + camera_id * interval_s - time.monotonic(), 0))


main()
