"""Turn and press the operator's records; prints JSON.

PREFIX. The service is not running: what it would do is done here.
"""

import json
import sys
import time

import epics

from tomostream.runtime import StopSignal

PREFIX = sys.argv[1]
PACE = StopSignal()
LONG_NAME = "2bmb:TomoScanStream:" + "averaged_dark_fields_of_the_second_camera:" * 3


class Records(dict):
    def __missing__(self, name):
        self[name] = pv = epics.PV(PREFIX + name, auto_monitor=False)
        assert pv.wait_for_connection(10), name
        return pv

    def read(self, name, **options):
        return self[name].get(timeout=5, use_monitor=False, **options)

    def write(self, name, value):
        assert self[name].put(value, wait=True, timeout=5) == 1, name

    def until(self, name, value, timeout_s=10.0):
        """Give how long the record takes to show that."""
        begun = time.monotonic()
        while self.read(name, as_string=isinstance(value, str)) != value:
            if time.monotonic() - begun > timeout_s:
                sys.exit(f"{name} is not {value!r}")
            PACE.wait(0.01)
        return time.monotonic() - begun


def put_callback(records):
    """Press Start and wait, as a script does; release it as the service does."""
    shown, done = [], []
    start = epics.PV(
        PREFIX + "StartRecon", callback=lambda value, **_: shown.append(value)
    )
    assert start.wait_for_connection(10)
    begun = time.monotonic()
    # The value before the press, which may come a moment after the connection.
    while not shown and time.monotonic() < begun + 5:
        PACE.wait(0.01)
    start.put(1, callback=lambda **_: done.append(True), use_complete=True)
    while shown[-1:] != [1]:
        PACE.wait(0.01)
    PACE.wait(0.3)
    too_early = bool(done)
    released = time.monotonic()
    # Without a callback of its own, which would have to wait for the first one.
    records["StartRecon"].put(0)
    while not done and time.monotonic() < released + 10:
        PACE.wait(0.005)
    return {"too_early": too_early, "shown": shown,
            "is_released": bool(done)}  # fmt: skip


def main():
    records = Records()
    found: dict[str, object] = {"put_callback": put_callback(records)}
    records.write("DarkPVAName.VAL$", LONG_NAME)
    found["long_name"] = records.read("DarkPVAName.VAL$", as_string=True)
    records.write("FlatPVAName", "short:name")
    found["short_name"] = records.read("FlatPVAName")
    records.write("Center", 100.5)
    records.write("CenterTweak", 0.25)
    records.write("CenterTweakUp.PROC", 1)
    records.write("CenterTweakUp.PROC", 1)
    records.write("CenterTweakDown.PROC", 1)
    found["tweaked"] = records.read("Center")
    records.write("Energy", 1e6)
    found["clamped"] = records.read("Energy")
    records.write("Dezinger", 3)
    found["dezinger"] = [records.read("Dezinger", as_string=True),
                         records.read("Dezinger.RVAL")]  # fmt: skip
    records.write("PixelsRepaired", 5e9)
    found["counter"] = records.read("PixelsRepaired")
    found["stopped"] = records.read("ServerRunning", as_string=True)
    found["stopped_severity"] = records["ServerRunning"].severity
    records.write("Watchdog", 3)
    records.until("ServerRunning", "Running")
    found["stopped_after_s"] = records.until("ServerRunning", "Stopped")
    records.write("SessionState", 5)
    records["SessionState"].get_timevars()
    found["failed_severity"] = records["SessionState"].severity
    records.write("AbortRecon", 1)
    records.until("AbortRecon", 0)
    records.write("ReconStatus", "all is well")
    found["status"] = records.read("ReconStatus", as_string=True)
    print(json.dumps(found))


main()
