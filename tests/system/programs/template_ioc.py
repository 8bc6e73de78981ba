"""Serve databases by an EPICS IOC that has no synApps; arguments as pvxslibs.ioc's."""

import os
import runpy

# Its shell ends, and the IOC with it, when the input does. Nobody closes this one.
reading, writing = os.pipe()
os.dup2(reading, 0)
runpy.run_module("pvxslibs.ioc", run_name="__main__")
