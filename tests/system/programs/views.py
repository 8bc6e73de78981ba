"""Publish views that are wanted, and slices all the time: CHANNEL.

Writes a line of JSON whenever the wanted views change.
"""

import json
import sys
from dataclasses import replace

import numpy as np
from publisher import publication

from tomostream.core.geometry import Geometry
from tomostream.core.slices import unpack
from tomostream.core.views import View, ViewImage
from tomostream.epics.publisher import NtNdArrayPublisher
from tomostream.runtime import StopSignal, SystemClock

SHAPES = {View.VOLUME: (16, 24, 32), View.PROJECTION: (40, 64)}


def large(small):
    """Give it the size of real slices: a few bytes would look like a touch."""
    packed = np.full((64, 192), small.unique_id, np.float32)
    geometry = Geometry(n_z=64, n_x=64, n_slots=4, n_out=64)
    return replace(small, packed=packed, slices=unpack(packed, geometry))


def main():
    publisher = NtNdArrayPublisher(sys.argv[1])
    publisher.start()
    clock, pace, number, before = SystemClock(), StopSignal(), 0, None
    print('{"ready": true}', flush=True)
    while not pace.wait(0.05):
        number += 1
        now_s = clock.now_s()
        publisher.publish(large(publication(number, now_s)))
        wanted = [view for view in SHAPES if publisher.is_wanted(view)]
        if wanted != before:
            before = wanted
            print(json.dumps({"wanted": wanted, "at": now_s}), flush=True)
        for view in wanted:
            pixels = np.full(SHAPES[view], number, np.float32)
            pixels.flat[:] += np.arange(pixels.size)
            publisher.publish_view(
                ViewImage(
                    view=view,
                    unique_id=number,
                    published_s=now_s,
                    data_s=now_s,
                    pixels=pixels,
                    attributes={"Center": 1.5},
                )
            )


main()
