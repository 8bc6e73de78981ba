"""Run a reconstruction as a script at a beamline does, and say what it has seen.

PREFIX; the service, its records and a scan are there, and nothing runs. Prints JSON.
"""

import json
import sys
import time

import epics
import numpy as np
import pvaccess as pva

from tomostream.runtime import StopSignal

PREFIX = sys.argv[1]
PACE = StopSignal()
PATIENCE_S = 30.0
# The record of the button goes back to No by itself after 1 s.
PRESS_OVER_S = 1.5


class Records(dict):
    """Records below the prefix, opened when they are first used."""

    def __missing__(self, name):
        self[name] = pv = epics.PV(PREFIX + name, auto_monitor=False)
        assert pv.wait_for_connection(10), name
        return pv

    def read(self, name):
        pv = self[name]
        is_text = "enum" in pv.type or "char" in pv.type
        return pv.get(as_string=is_text, timeout=5, use_monitor=False)

    def write(self, name, value):
        assert self[name].put(value, wait=True, timeout=5) == 1, name

    def press(self, name):
        """Press and let go, as a button of MEDM does."""
        self[name].put(1)
        self[name].put(0)
        epics.ca.poll(0.01, 1.0)


class Slices:
    """What is published: the three slices and their attributes, of one update."""

    def __init__(self, channel):
        self._channel = pva.Channel(channel)
        self._channel.setTimeout(5.0)

    def read(self):
        array = self._channel.get("field()").toDict()
        attributes = {a["name"]: a["value"][0]["value"] for a in array["attribute"]}
        columns, rows = (d["size"] for d in array["dimension"])
        packed = array["value"][0]["floatValue"].reshape(rows, columns)
        return attributes, np.split(packed, 3, axis=1)

    def attribute(self, name):
        return self.read()[0][name]


def until(what, holds, timeout_s=PATIENCE_S):
    """Wait, and give the time it took."""
    begun_s = time.monotonic()
    while not holds():
        if time.monotonic() - begun_s > timeout_s:
            sys.exit(f"not within {timeout_s:g} s: {what}")
        PACE.wait(0.02)
    return time.monotonic() - begun_s


class Start:
    """StartRecon put with a callback."""

    def __init__(self):
        self._pv = epics.PV(PREFIX + "StartRecon", auto_monitor=False)
        assert self._pv.wait_for_connection(10)
        self.is_completed = False
        self._pv.put(1, callback=self._complete, use_complete=True)

    def _complete(self, **_):
        self.is_completed = True


def streams(records):
    return records.read("SessionState") == "streaming"


def ends(records, start):
    """Wait until all show the end and the put has completed."""
    until("StartRecon is Done", lambda: records.read("StartRecon") == "Done")
    until("the put completes", lambda: start.is_completed)


def same_plane(one, other):
    """Give by what part of their spread two slices differ."""
    return float(np.abs(one - other).mean() / one.std())


def turned(records, slices, **angles):
    """Turn planes; give Z, Y, X of one update in which they stand so."""
    before = {name: records.read(name) for name in angles}
    old = int(slices.read()[0]["LastProjectionId"])
    for name, value in angles.items():
        records.write(name, value)
    # A frame that came after the turn is in it.
    until("slices of turned planes", lambda: is_newer(slices, old + 60))
    found = slices.read()[1]
    for name, value in before.items():
        records.write(name, value)
    return found


def is_newer(slices, projection_id):
    return slices.attribute("LastProjectionId") > projection_id


def operate(records, slices):
    """Do what an operator does while it streams."""
    found = {}
    for name, value in (("OrthoX", 20), ("OrthoY", 24), ("OrthoZ", 40)):
        records.write(name, value)
        until(name, lambda n=name, v=value: slices.attribute(n) == v)
    records.write("OrthoX", 1000)
    found["limited"] = records.read("OrthoX")
    until("OrthoX at its limit", lambda: slices.attribute("OrthoX") == 63)
    records.write("Center", 31.0)
    records.write("CenterTweak", 0.25)
    for button in ("CenterTweakUp", "CenterTweakUp", "CenterTweakDown"):
        records.write(f"{button}.PROC", 1)
    found["center"] = records.read("Center")
    until("Center", lambda: slices.attribute("Center") == 31.25)
    spread = float(slices.read()[1][0].std())
    records.write("FilterType", "Ramp")
    until("FilterType", lambda: slices.attribute("FilterType") == "Ramp")
    until("a sharper slice", lambda: slices.read()[1][0].std() > 1.02 * spread)
    records.write("Center", 31.5)
    for name in ("OrthoX", "OrthoY", "OrthoZ"):
        records.write(name, 32)
    _, y, x = turned(records, slices, RotX=90.0)
    found["x_turned_to_y"] = same_plane(x, y)
    _, y, x = turned(records, slices, RotX=0.0)
    found["x_against_y"] = same_plane(x, y)
    _, y, x = turned(records, slices, RotY=-90.0)
    found["y_turned_to_x"] = same_plane(y, x)
    z, _, x = turned(records, slices, RotZ=-90.0)
    # Rows of Z are y; its columns, x before, are z now.
    found["z_turned_to_x"] = same_plane(z.T, x)
    found["z_against_x"] = same_plane(turned(records, slices, RotZ=0.0)[0].T, x)
    return found


def reset(records, slices):
    """Empty the ring, and see it fill anew."""
    session, shown = slices.attribute("Session"), records.read("Session")
    assert slices.attribute("SlotsFilled") == 60
    lowest = 60
    records.press("BufferReset")

    def is_full_again():
        nonlocal lowest
        attributes = slices.read()[0]
        lowest = min(lowest, attributes["SlotsFilled"])
        return attributes["Session"] > session and attributes["SlotsFilled"] == 60

    until("a ring filled anew", is_full_again)
    until("the record of it", lambda: records.read("Session") > shown)
    # Nor does the button empty it once more when it goes back.
    PACE.wait(PRESS_OVER_S)
    return {"lowest": lowest, "sessions": slices.attribute("Session") - session}


def main():
    records, slices = Records(), Slices(f"{PREFIX}StreamRecon")
    assert records.read("StartRecon") == "Done"
    found = {}
    start = Start()
    until("streaming", lambda: streams(records))
    until("a full ring", lambda: slices.attribute("SlotsFilled") == 60)
    found |= operate(records, slices)
    found["reset"] = reset(records, slices)
    found["too_early"] = start.is_completed
    found["acquire"] = records.read("StartRecon")
    records.press("AbortRecon")
    ends(records, start)
    found["idle"] = records.read("SessionState")
    # Phoebus writes 1 only. A start right after it: a second abort would end it.
    for press in (records.press, lambda name: records[name].put(1)):
        start = Start()
        until("streaming again", lambda: streams(records))
        press("AbortRecon")
        ends(records, start)
        start = Start()
        until("streaming at once", lambda: streams(records))
        PACE.wait(PRESS_OVER_S)
        found.setdefault("aborted_twice", []).append(start.is_completed)
        records.press("AbortRecon")
        ends(records, start)
    found["aborts"] = 5
    print(json.dumps(found), flush=True)


main()
