"""The machine's clock, behind the port `core.ports.Clock`."""

import time


def thread_cpu_s() -> float:
    """Give the CPU time of the thread that asks, seconds."""
    return time.thread_time()


class SystemClock:
    """Time as the machine tells it."""

    def now_s(self) -> float:
        """Give the wall clock, seconds since 1970."""
        return time.time()

    def monotonic_s(self) -> float:
        """Give seconds that never run backwards."""
        return time.monotonic()
