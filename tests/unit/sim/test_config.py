import pytest

from tomostream.core.errors import ConfigurationError
from tomostream.core.frame import IdWrap
from tomostream.sim.beamline import default_movie_mib
from tomostream.sim.config import SimConfig


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate_hz": 0.0},
        {"rate_hz": float("nan")},
        {"n_x": 3},
        {"n_z": 0},
        {"n_x": 100_000},
        {"n_angles": 1},
        {"dtype": "complex64"},
        {"dtype": "float16"},
        {"photons": -1.0},
        {"change_s": 0.0},
        {"duration_s": 0.0},
        {"frame_count": 0},
        {"first_id": -1},
        {"lose_every": 1},
        {"disconnect_every_s": 2.0, "disconnect_s": 2.0},
        {"disconnect_every_s": 2.0, "disconnect_s": 0.0},
        {"disconnect_every_s": float("inf")},
        {"binning": 0},
        {"id_wrap": IdWrap.AUTO},
        {"movie_mib": 0},
        {"table_angles": 1},
        {"image_prefix": "x" * 40},
        {"image_prefix": ""},
        {"tomoscan_prefix": "a b:"},
        {"tomoscan_prefix": 'a":'},
        {"tomoscan_prefix": "a.b:"},
    ],
)
def test_impossible_setting_is_refused_by_its_name(wrong):
    with pytest.raises(ConfigurationError, match=next(iter(wrong))[:3]):
        SimConfig(**wrong)


def test_axis_is_in_the_middle_unless_told():
    assert SimConfig(n_x=512).axis_column == 255.5
    assert SimConfig(n_x=512, center=250.3).axis_column == 250.3


def test_memory_for_the_movie_is_bounded_on_any_machine():
    assert 64 <= default_movie_mib() <= 4096
