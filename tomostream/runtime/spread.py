"""Independent pieces of one piece of work, on several threads."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


def spread(task: Callable[[int], object], count: int, *, threads: int) -> None:
    """Call task(0) to task(count - 1) on at most so many threads; wait for all.

    For work that leaves the interpreter's lock alone, as most of numpy and scipy does.
    The threads are made for it: that takes some 0.1 ms.

    Raises
    ------
    Exception
        The first one that a task has raised; every task that began has ended.
    """
    with ThreadPoolExecutor(max(threads, 1), thread_name_prefix="spread") as pool:
        for _ in pool.map(task, range(count)):
            pass
