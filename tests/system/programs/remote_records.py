"""Read and write records by RemoteRecords; prints JSON. NAME VALUE LATE_NAME."""

import json
import sys

from tomostream.epics.remote import RemoteRecords
from tomostream.runtime import StopSignal, SystemClock

name, value, late = sys.argv[1], float(sys.argv[2]), sys.argv[3]
clock, pace = SystemClock(), StopSignal()
records = RemoteRecords("motors", clock)
number, text = records.open(name), records.open(f"{name}.EGU", is_text=True)
absent = records.open("no:such:record")
records.start()


def until(holds, timeout_s=15.0):
    """Look until it holds."""
    end_s = clock.monotonic_s() + timeout_s
    while not holds() and clock.monotonic_s() < end_s:
        pace.wait(0.02)


until(lambda: None not in {number.value, text.value})
first = number.value
number.put(value)
until(lambda: number.value == value)
other = records.open(late)
until(lambda: other.value is not None)
print(
    json.dumps(
        {"first": first, "text": text.value, "written": number.value,
         "late": other.value, "absent": absent.value,
         "is_same": records.open(late) is other,
         "is_connected": records.is_connected}
    ),
    flush=True,
)  # fmt: skip
records.stop()
