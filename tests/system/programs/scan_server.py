"""A tomoScan without its camera: FAMILY START_DEG STEP_DEG.

Its scan begins with a frame that is yet to come, as after StreamSync; FirstProjid is
written first, then the table is sent.
"""

import json
import sys

import numpy as np
import pvaccess as pva

from tomostream.core.frame import FrameKind
from tomostream.runtime import StopSignal
from tomostream.sim.channels import FieldChannel, TableChannel
from tomostream.sim.tomoscan import ScanRecords, TomoScan


def next_id(channel):
    """Give an id that the camera has not reached; 1 where there is no camera."""
    source = pva.Channel(channel)
    source.setTimeout(0.5)
    try:
        return int(source.get("field(uniqueId)")["uniqueId"]) + 40
    except pva.PvaException:
        return 1


def main():
    family, start_deg, step_deg = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
    prefix, camera = f"{family}TomoScanStream:", f"{family}Pva1:"
    scan = TomoScan(
        ScanRecords(
            tomoscan_prefix=prefix, image_prefix=camera, shape=(64, 64),
            dtype="uint16", n_angles=round(180 / step_deg), step_deg=step_deg,
            start_deg=start_deg, rate_hz=100,
        )
    )  # fmt: skip
    server = pva.PvaServer()
    fields = {
        kind: FieldChannel(server, f"{prefix}Stream{name}Fields")
        for kind, name in ((FrameKind.DARK, "Dark"), (FrameKind.FLAT, "Flat"))
    }
    table = TableChannel(server, f"{prefix}StreamTheta")
    first_id = next_id(f"{camera}Image")
    scan.set_frame_type(FrameKind.PROJECTION)
    scan.set_first_id(first_id)
    for kind, level in ((FrameKind.DARK, 100), (FrameKind.FLAT, 1000)):
        fields[kind].send(np.full((64, 64), level, np.float32))
    angles = start_deg + step_deg * np.arange(1 << 17)
    table.send(angles.astype(np.float32))
    print(json.dumps({"ready": True, "first_id": first_id}), flush=True)
    while not StopSignal().wait(10):
        pass


main()
