import pytest

from tomostream.bench.roofline import roofline


def test_six_bytes_for_a_pixel_and_the_image_of_the_slices_move():
    line = roofline(512, batch=8, ring="half", ms=0.5, memory_gb_per_s=25.0)
    pixels = 512 * 512
    assert line.bytes_per_projection == pytest.approx(6 * pixels + 3 * 4 * pixels / 8)
    # As the reference says: 0.063 ms at 25 GB/s without the slices.
    assert line.floor_ms == pytest.approx(0.063 * 7.5 / 6, rel=2e-3)
    assert line.distance == pytest.approx(0.5 / line.floor_ms)


def test_a_float_ring_moves_twice_the_bytes_of_a_half_one():
    half, full = (
        roofline(64, batch=1, ring=ring, ms=1.0, memory_gb_per_s=10.0)
        for ring in ("half", "float")
    )
    assert full.bytes_per_projection - half.bytes_per_projection == 4 * 64 * 64
