"""The end of Channel Access in a process, whoever does not answer."""

import atexit

from epics import ca

from tomostream.runtime import StopSignal, Worker

_PATIENCE_S = 2.0


def end_channel_access() -> None:
    """Close all connections; called once, when no channel is used any more.

    The library waits 30 s for a server that hangs, and pyepics has it do so when the
    process ends. Here it waits in a thread that does not outlive the process, whose
    end closes the connection as well.
    """
    atexit.unregister(ca.finalize_libca)
    worker = Worker("end of Channel Access", _finalize)
    worker.start()
    worker.join(_PATIENCE_S)


def _finalize(_: StopSignal) -> None:
    ca.use_initial_context()
    ca.finalize_libca()
