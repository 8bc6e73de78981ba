"""A camera, and a tomoScan with a table of many angles: FAMILY N_ANGLES DTYPE.

The table, a sweep there and back again and again, is sent at each SIGUSR1. The camera's
ids are near its end.
"""

import json
import signal
import sys
import time

import numpy as np
import pvaccess as pva

from tomostream.core.frame import FrameKind
from tomostream.runtime import StopSignal, SystemClock
from tomostream.sim.channels import ImageChannel
from tomostream.sim.tomoscan import ScanRecords, TomoScan

SWEEP, STEP_DEG, INTERVAL_S = 30, 6.0, 0.01
FIRST_ID = 5
LEFT = 100_000
"""Angles that are left in the table at the camera's first frame."""


def table(n_angles, dtype):
    forth = np.arange(SWEEP, dtype=dtype) * STEP_DEG
    values = np.empty((n_angles // (2 * SWEEP), 2, SWEEP), dtype)
    values[:, 0], values[:, 1] = forth, forth[::-1]
    return values.reshape(-1)


def main():
    family, n_angles, dtype = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    prefix, image_prefix = f"{family}TomoScanStream:", f"{family}Pva1:"
    clock, pace, asked = SystemClock(), StopSignal(), []
    signal.signal(signal.SIGUSR1, lambda *_: asked.append(True))
    scan = TomoScan(
        ScanRecords(
            tomoscan_prefix=prefix, image_prefix=image_prefix, shape=(16, 16),
            dtype="uint16", n_angles=SWEEP, step_deg=STEP_DEG, start_deg=0.0,
            rate_hz=1 / INTERVAL_S,
        )
    )  # fmt: skip
    server = pva.PvaServer()
    image = ImageChannel(server, f"{image_prefix}Image", shape=(16, 16))
    kind = {"float32": pva.FLOAT, "float64": pva.DOUBLE}[dtype]
    structure = {"value": [kind], "sizex": pva.INT}
    server.addRecord(f"{prefix}StreamTheta", pva.PvObject(structure), None)
    scan.set_frame_type(FrameKind.PROJECTION)
    scan.set_first_id(FIRST_ID)
    pixels = np.full((16, 16), 500, np.uint16)
    camera_id = FIRST_ID + n_angles - LEFT
    print(json.dumps({"ready": True}), flush=True)
    due_s = time.monotonic()
    while True:
        if asked:
            asked.clear()
            record = pva.PvObject(structure)
            record["value"], record["sizex"] = table(n_angles, dtype), n_angles
            server.update(f"{prefix}StreamTheta", record)
            del record
        image.send(pixels, camera_id=camera_id, taken_s=clock.now_s())
        camera_id += 1
        due_s = max(due_s + INTERVAL_S, time.monotonic())
        pace.wait(due_s - time.monotonic())


main()
