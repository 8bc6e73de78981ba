"""Pinned memory in blocks: little is lost, and none is given away that is in use."""

import ctypes
import gc

import numpy as np
import pytest

from tomostream.recon.cuda.pinned import PinnedBlocks, block_bytes


class Memory:
    """Counts what is alive."""

    alive = 0

    def __init__(self, size):
        self.size = size
        self._bytes = ctypes.create_string_buffer(size)
        self.ptr = ctypes.addressof(self._bytes)
        Memory.alive += 1

    def __del__(self):
        Memory.alive -= 1


@pytest.fixture
def blocks():
    gc.collect()
    Memory.alive = 0
    return PinnedBlocks(Memory)


@pytest.mark.parametrize("nbytes", [1, 4095, 4096, 4097, 10_027_008, (1 << 23) + 1])
def test_no_more_than_an_eighth_is_lost(nbytes):
    # Below a few pages the page counts.
    assert nbytes <= block_bytes(nbytes) <= max(nbytes * 9 / 8, nbytes + 4095)


def test_blocks_have_few_sizes():
    assert len({block_bytes(n) for n in range(1 << 22, 1 << 23, 4096)}) <= 9


def test_an_array_has_the_bytes_asked_for_and_keeps_them(blocks):
    array = blocks.array(5000)
    assert (array.shape, array.dtype) == ((5000,), np.uint8)
    array[:] = 7
    others = [blocks.array(5000) for _ in range(5)]
    for other in others:
        other[:] = 9
    assert (array == 7).all()


def test_a_block_is_used_again_when_no_view_shows_it_any_more(blocks):
    array = blocks.array(5000)
    address = array.ctypes.data
    view = array[100:200].view(np.float32).reshape(5, 5)
    del array
    second = blocks.array(5000)
    assert second.ctypes.data != address
    del view
    assert blocks.array(5000).ctypes.data == address
    assert Memory.alive == 2


def test_only_its_own_memory_is_called_pinned(blocks):
    array = blocks.array(5000)
    assert blocks.holds(array[3:].view(np.int8))
    assert not blocks.holds(np.zeros(5))
    assert not blocks.holds(np.frombuffer(memoryview((ctypes.c_uint8 * 5)()), np.uint8))
    assert not PinnedBlocks(Memory).holds(array)


def test_spare_blocks_are_freed_and_those_in_use_stay(blocks):
    kept, spare = blocks.array(5000), blocks.array(9000)
    kept[:] = 3
    del spare
    blocks.free_spare()
    assert Memory.alive == 1
    assert (kept == 3).all()
    assert blocks.holds(kept)


def test_where_memory_lacks_spare_blocks_of_other_sizes_are_freed_first():
    def allocate(size):
        if Memory.alive >= 2:
            raise MemoryError(size)
        return Memory(size)

    gc.collect()
    Memory.alive = 0
    blocks = PinnedBlocks(allocate)
    kept, spare = blocks.array(5000), blocks.array(9000)
    with pytest.raises(MemoryError):
        blocks.array(100_000)
    del spare
    assert blocks.array(100_000).nbytes == 100_000
    assert kept.nbytes == 5000
