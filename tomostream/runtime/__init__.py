"""Threads, queues and clocks: the only home of `threading`."""

from tomostream.runtime.clock import SystemClock
from tomostream.runtime.latest import Latest
from tomostream.runtime.lock import Lock
from tomostream.runtime.queues import ArrivalQueue, DropOldestQueue
from tomostream.runtime.worker import StopSignal, Worker

__all__ = [
    "ArrivalQueue",
    "DropOldestQueue",
    "Latest",
    "Lock",
    "StopSignal",
    "SystemClock",
    "Worker",
]
