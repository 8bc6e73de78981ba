"""Pools of memory, and when what is free in them is given back to the machine."""

import os
import subprocess
import sys
from itertools import pairwise

import pytest

from tomostream.app.memory import MemoryKeeper
from tomostream.testing.fakes import FakeClock

on_glibc = pytest.mark.skipif(sys.platform != "linux", reason="only glibc has pools")

# Each thread lives on while the next one takes memory, so that none inherits a pool.
THREADS = """
import ctypes
from threading import Event, Thread
from tomostream.app.memory import share_pools

print(share_pools())
libc, over = ctypes.CDLL(None), Event()
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
libc.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
libc.fclose.argtypes = [ctypes.c_void_p]

def take(taken):
    libc.malloc(10_000)
    taken.set()
    over.wait(20)

for _ in range(12):
    taken = Event()
    Thread(target=take, args=[taken]).start()
    taken.wait(20)
out = libc.fopen(b"/dev/stdout", b"w")
libc.malloc_info(0, out)
libc.fclose(out)
over.set()
"""

# 100 MB in small blocks, all freed but for a last one at the end of the pool.
BLOCKS = """
import ctypes, resource
from tomostream.app.memory import give_back

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]

def resident_mb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 1e6

blocks = [libc.malloc(50_000) for _ in range(2000)]
for block in blocks:
    ctypes.memset(block, 1, 50_000)
last = libc.malloc(50_000)
for block in blocks:
    libc.free(block)
before_mb = resident_mb()
give_back()
print(before_mb - resident_mb())
"""


def printed(program, **variables):
    """Give what a Python program prints in a process of its own."""
    others = {k: v for k, v in os.environ.items() if k != "MALLOC_ARENA_MAX"}
    shown = subprocess.run(
        [sys.executable, "-c", program], env=others | variables,
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return shown.stdout


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def keeper(clock):
    """Give a keeper, and the times at which it gave memory back."""
    given_s = []
    return MemoryKeeper(
        clock, give_back=lambda: given_s.append(clock.monotonic_s())
    ), given_s


def look_for(keeper, clock, connected, seconds):
    for _ in range(2 * seconds):
        keeper.look(connected)
        clock.advance(0.5)


def test_memory_is_given_back_after_a_connection_has_changed(keeper, clock):
    made, given_s = keeper
    begun_s = clock.monotonic_s()
    look_for(made, clock, {"camera"}, 7)
    assert [t - begun_s for t in given_s] == [5.0]
    look_for(made, clock, set(), 7)
    assert [t - begun_s for t in given_s] == [5.0, 12.0]


def test_holes_that_frames_leave_are_given_back_again_and_again(keeper, clock):
    made, given_s = keeper
    look_for(made, clock, {"camera"}, 300)
    assert [b - a for a, b in pairwise(given_s)] == [10.0] * 29


def test_a_connection_that_comes_and_goes_holds_nothing_up(keeper, clock):
    made, given_s = keeper
    for _ in range(10):
        look_for(made, clock, {"camera"}, 1)
        look_for(made, clock, set(), 1)
    assert 3 <= len(given_s) <= 4


@on_glibc
def test_free_memory_goes_back_to_the_machine():
    assert float(printed(BLOCKS)) > 90


@on_glibc
def test_threads_share_two_pools():
    said, info = printed(THREADS).split("\n", 1)
    assert (said, info.count("<heap ")) == ("True", 2)


@on_glibc
def test_a_number_of_pools_that_somebody_has_set_holds():
    said, info = printed(THREADS, MALLOC_ARENA_MAX="5").split("\n", 1)
    assert (said, info.count("<heap ")) == ("False", 5)
