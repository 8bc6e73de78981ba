"""Publish slices that can be told apart: CHANNEL, publications per second."""

import sys

import numpy as np

from tomostream.core.geometry import Geometry, Planes
from tomostream.core.publication import Publication
from tomostream.core.slices import unpack
from tomostream.epics.publisher import NtNdArrayPublisher
from tomostream.runtime import StopSignal, SystemClock

GEOMETRY = Geometry(n_z=5, n_x=8, n_slots=4, n_out=8)


def publication(number, now_s):
    packed = np.zeros(GEOMETRY.packed_shape, np.float32)
    slices = unpack(packed, GEOMETRY)
    slices.z[:], slices.y[:], slices.x[:] = number, number + 0.25, number + 0.5
    return Publication(
        unique_id=number, published_s=now_s, data_s=now_s - 0.5, packed=packed,
        slices=slices, first_projection_id=2**40, last_projection_id=2**40 + number,
        angle_deg=1.5, center=3.25, planes=Planes(x=4, y=5, z=2),
        filter_type="Shepp-logan", slots_filled=3, slots_stale=1, completeness=0.75,
        session=2,
    )  # fmt: skip


def main():
    publisher = NtNdArrayPublisher(sys.argv[1])
    publisher.start()
    clock, pace, number = SystemClock(), StopSignal(), 0
    print('{"ready": true}', flush=True)
    while not pace.wait(1.0 / float(sys.argv[2])):
        number += 1
        publisher.publish(publication(number, clock.now_s()))


if __name__ == "__main__":
    main()
