"""Print the values and alarm severities of records: NAME...; as a JSON object."""

import json
import sys

import epics

# To be told of every record together, one by one takes a second each.
channels = [epics.PV(name, form="time", connection_timeout=10) for name in sys.argv[1:]]
shown = {}
for channel in channels:
    if not channel.wait_for_connection(10):
        sys.exit(f"{channel.pvname} is not there")
    kind = str(channel.type)
    is_text = "enum" in kind or "string" in kind or (channel.count or 0) > 1
    value = channel.get(as_string=is_text, timeout=10, use_monitor=False)
    shown[channel.pvname] = [value, channel.severity]
print(json.dumps(shown))
