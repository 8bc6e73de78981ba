"""The memory table."""

from pathlib import Path

import pytest

from tomostream.app.config import LimitSection
from tomostream.bench.memory import (
    GIB,
    QUEUE_BYTES,
    QUEUE_FRAMES,
    memory_need,
    memory_table,
)
from tomostream.bench.report import memory_text

DOCS = Path(__file__).parents[3] / "docs" / "reference" / "performance.md"


def test_ring_takes_two_bytes_for_each_pixel_of_whole_tiles() -> None:
    assert memory_need(100, 10).ring * GIB == pytest.approx(2 * 128 * 100 * 10)


def test_raw_frames_take_what_came() -> None:
    assert memory_need(512, 360).raw * GIB == pytest.approx(2 * 512 * 512 * 360)


def test_queue_is_bounded_by_frames_and_by_bytes() -> None:
    small, large = memory_need(256, 180), memory_need(4096, 180)
    assert small.queue * GIB == pytest.approx(400 * 2 * 256 * 256)
    assert large.queue * GIB == pytest.approx(1024e6)


def test_queue_limits_are_the_defaults_of_the_configuration() -> None:
    limits = LimitSection()
    assert limits.queue_frames == QUEUE_FRAMES
    assert limits.queue_megabytes * 1_000_000 == QUEUE_BYTES


def test_text_names_every_size() -> None:
    text = memory_text(memory_table())
    for size in ("256", "512", "1024", "2048"):
        assert size in text


def test_documentation_holds_the_computed_table() -> None:
    if not DOCS.exists():
        pytest.skip("the documentation is not beside the tests")
    page = DOCS.read_text()
    for need in memory_table():
        row = (
            f"| {need.size} ({need.angles}) | {need.ring:.2f} | {need.raw:.2f} "
            f"| {need.queue:.2f} | {need.total:.2f} |"
        )
        assert row in page
