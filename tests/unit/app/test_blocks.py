import pytest

from tomostream.app.blocks import blocks_of, margin_of, rows_in, usable_memory
from tomostream.core.steps import PhaseRetrieval, Steps


@pytest.mark.parametrize("margin", [0, 5, 40])
@pytest.mark.parametrize(("first", "last"), [(0, 100), (17, 83), (0, 1)])
@pytest.mark.parametrize("limit", [32, 64, 1000])
def test_blocks_cover_every_row_once(first, last, margin, limit):
    blocks = blocks_of(first, last, n_z=100, margin=margin, limit=limit)
    covered = [row for b in blocks for row in range(b.first, b.last)]
    assert covered == list(range(first, last))
    for block in blocks:
        assert block.top == max(block.first - margin, 0)
        assert block.bottom == min(block.last + margin, 100)
        read = range(100)[block.rows]
        assert list(read[block.inner]) == list(range(block.first, block.last))


def test_blocks_keep_to_the_limit_as_far_as_a_tile_fits():
    for block in blocks_of(0, 2048, n_z=2048, margin=10, limit=256):
        assert block.bottom - block.top <= 256
    wide = blocks_of(0, 2048, n_z=2048, margin=300, limit=256)
    assert max(b.n_rows for b in wide) == 32


def test_one_block_is_enough_where_all_fits():
    assert len(blocks_of(0, 512, n_z=512, margin=7, limit=512)) == 1


def test_the_margin_holds_what_the_steps_look_at():
    assert margin_of(Steps()) == 0
    assert margin_of(Steps(zinger_radius=3)) == 3
    phase = PhaseRetrieval(energy_kev=30, distance_mm=200, pixel_um=1.0, alpha=0.002)
    # The kernel falls by e in sqrt(strength) pixels.
    assert margin_of(Steps(phase=phase)) >= 10 * phase.strength_px2**0.5


def test_rows_come_in_tiles():
    assert rows_in(1000, 10) == 96
    assert rows_in(1, 10) == 32


def test_there_is_some_memory():
    assert 1 << 26 < usable_memory() < 1 << 50
