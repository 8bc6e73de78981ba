import numpy as np
import pytest

from tomostream.core.scan import ScanKind, angle_table
from tomostream.sim.rotation import Rotation, RotationKind


def rotation(kind, n_angles=8, start_deg=0.0):
    return Rotation(kind=kind, n_angles=n_angles, start_deg=start_deg)


def test_continuous_angles_grow_beyond_the_turn():
    table = rotation(RotationKind.CONTINUOUS, start_deg=10.0).table(40)
    assert table.dtype == np.float32
    assert list(table[:3]) == [10.0, 32.5, 55.0]
    assert table[-1] == 10.0 + 22.5 * (len(table) - 1)


def test_back_and_forth_is_the_sweep_and_its_mirror_image():
    table = rotation(RotationKind.BACK_AND_FORTH).table(1)
    assert len(table) == 18
    assert list(table[:9]) == [22.5 * k for k in range(9)]
    assert list(table[9:]) == list(table[:9][::-1])


@pytest.mark.parametrize("kind", RotationKind)
def test_every_view_has_the_angle_of_the_table(kind):
    turning = rotation(kind, n_angles=10, start_deg=7.0)
    table = turning.table(200)
    for k in range(200):
        view = turning.view(k)
        assert 0 <= view < turning.n_views
        away = (table[k] - turning.view_deg(view)) % 360
        assert min(away, 360 - away) < 1e-3


@pytest.mark.parametrize("kind", [k for k in RotationKind if k != RotationKind.GOLDEN])
def test_tables_hold_whole_periods_and_go_on_without_a_jump(kind):
    turning = rotation(kind, n_angles=12)
    length = len(turning.table(100))
    assert length >= 100
    assert length % turning.period == 0
    assert [turning.view(k) for k in range(30)] == [
        turning.view(k + length) for k in range(30)
    ]


@pytest.mark.parametrize(
    ("kind", "found", "slots"),
    [
        (RotationKind.CONTINUOUS, ScanKind.CONTINUOUS, 36),
        (RotationKind.BACK_AND_FORTH, ScanKind.BACK_AND_FORTH, 36),
        (RotationKind.INTERLACED, ScanKind.INTERLACED, 36),
        (RotationKind.GOLDEN, ScanKind.INTERLACED, 36),
    ],
)
def test_tables_are_recognised_for_what_they_are(kind, found, slots):
    table = angle_table(rotation(kind, n_angles=36).table(2000))
    assert (table.kind, table.slots()) == (found, slots)


def test_interlaced_views_are_all_taken_once_in_a_period():
    turning = rotation(RotationKind.INTERLACED, n_angles=30)
    assert sorted(turning.view(k) for k in range(30)) == list(range(30))
