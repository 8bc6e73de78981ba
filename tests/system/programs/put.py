"""Put values without waiting for what they start: PREFIX NAME VALUE ..."""

import sys

import epics

names, values = sys.argv[2::2], sys.argv[3::2]
for name, value in zip(names, values, strict=True):
    pv = epics.PV(sys.argv[1] + name)
    assert pv.wait_for_connection(10), name
    pv.put(float(value))
    epics.ca.poll(0.05, 1.0)
print("{}")
