"""Serve 2-BM's sample motors, lens and ROI plugin; PREFIX.

EPICS base has no motor record, and no other may be called NAME.RBV: caproto serves any
names. A motor goes at VELO mm/s; at 0 it hangs. A lens begins to move a while after it
was selected.
"""

import os
import sys

os.environ["EPICS_CA_SERVER_PORT"] = os.environ["EPICS_CAS_SERVER_PORT"]

from caproto import ChannelDouble, ChannelInteger, ChannelString
from caproto.asyncio.server import run

STEP_S, LENS_BEGINS_S, LENS_TAKES_S = 0.02, 0.3, 3.0
POSITIONS = {"m1": 1.0, "m2": 2.0, "m3": 3.0}
OBJECTIVES = ["10x", "5x"]


class Motor:
    """What the service uses of a motor record."""

    def __init__(self, position):
        self.val, self.rbv = (ChannelDouble(value=position) for _ in range(2))
        self.dmov = ChannelInteger(value=1)
        self.stop = ChannelInteger(value=0)
        self.velo = ChannelDouble(value=10.0)
        self.stops = ChannelInteger(value=0)
        self.limits = {
            "LLM": ChannelDouble(value=-10.0), "HLM": ChannelDouble(value=10.0),
            "RDBD": ChannelDouble(value=1e-4),
        }  # fmt: skip

    def channels(self, name):
        fields = {
            "VAL": self.val, "RBV": self.rbv, "DMOV": self.dmov, "STOP": self.stop,
            "VELO": self.velo, **self.limits,
        }  # fmt: skip
        named = {f"{name}.{field}": channel for field, channel in fields.items()}
        return named | {f"{name}:Stops": self.stops}

    async def step(self):
        if self.stop.value:
            await self.stop.write(0)
            await self.stops.write(self.stops.value + 1)
            await self.val.write(self.rbv.value)
        way = self.val.value - self.rbv.value
        if way:
            most = self.velo.value * STEP_S
            near = abs(way) <= most
            at = (
                self.val.value
                if near
                else self.rbv.value + (most if way > 0 else -most)
            )
            await write_new(self.rbv, at)
        await write_new(self.dmov, int(self.val.value == self.rbv.value))


async def write_new(channel, value):
    if channel.value != value:
        await channel.write(value)


def main():
    prefix = sys.argv[1]
    motors = {name: Motor(position) for name, position in POSITIONS.items()}
    lens = ChannelInteger(value=0)
    lens_done = ChannelInteger(value=1)
    objective = ChannelString(value=OBJECTIVES[0])
    database = {
        f"{prefix}MCTOptics:LensSelect": lens,
        f"{prefix}MCTOptics:DetectorPixelSize": ChannelDouble(value=1000.0),
        f"{prefix}MCTOptics:CameraObjective": objective,
        f"{prefix}MCTOptics:LensMotorPVName": ChannelString(value=f"{prefix}lens"),
        f"{prefix}lens.DMOV": lens_done,
        f"{prefix}ROI1:BinX": ChannelInteger(value=1),
    }
    for name, motor in motors.items():
        database |= motor.channels(prefix + name)

    async def simulate(library):
        shown, since_s = 0, 1e9
        while True:
            await library.library.sleep(STEP_S)
            for motor in motors.values():
                await motor.step()
            since_s += STEP_S
            if lens.value != shown:
                shown, since_s = lens.value, 0.0
            await write_new(
                lens_done,
                int(not LENS_BEGINS_S < since_s < LENS_BEGINS_S + LENS_TAKES_S),
            )
            if since_s > LENS_BEGINS_S:
                await write_new(objective, OBJECTIVES[shown])

    print('{"ready": true}', flush=True)
    run(database, interfaces=["127.0.0.1"], startup_hook=simulate)


main()
