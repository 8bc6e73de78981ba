"""The 16-bit ring of the CPU: what a band's common unit does to its values."""

import numpy as np
import pytest

from tomostream.core.geometry import Geometry, Planes
from tomostream.core.parameters import FilterType, ReconParameters
from tomostream.recon.cpu.backend import available_isas
from tomostream.recon.engine import Engine

N_X = 61
BAND = 32
GEOMETRY = Geometry(n_z=BAND, n_x=N_X, n_slots=3, n_out=N_X)
PARAMETERS = ReconParameters(
    center=N_X // 2, filter_type=FilterType.RAMP, planes=Planes(x=0, y=N_X // 2, z=3)
)
QUANTUM = 2.0**-14
"""The largest step of a word, of the largest value in the band."""

pytestmark = pytest.mark.parametrize("isa", available_isas())


def engine(isa, dtype):
    made = Engine(backend="cpu", isa=isa, ring_dtype=dtype, threads=1)
    made.configure(GEOMETRY, PARAMETERS)
    return made


def noise(amplitude, seed=0):
    lines = amplitude * np.random.default_rng(seed).random((BAND, N_X))
    return np.exp(-lines).astype(np.float32)


def put(made, frame):
    made.add([frame], np.zeros(1), np.zeros(1, int))
    return made.slices().y.copy()


def assert_alike(words, floats, frame):
    truth = put(floats, frame)
    error = np.abs(put(words, frame) - truth).max()
    # The sums' own roundings beside it: they have held up to 11.
    assert error <= QUANTUM * np.abs(truth).max() + 1e-5


def test_words_are_as_fine_as_their_band_is_bright_whatever_came_before(isa):
    words, floats = engine(isa, "half"), engine(isa, "float")
    for seed, amplitude in enumerate([1, 8, 0.01, 0.01, 0, 0, 3, 1e-4, 11, 10, 0]):
        assert_alike(words, floats, noise(amplitude, seed))


@pytest.mark.parametrize("sign", [1, -1])
def test_words_grow_before_the_limit_of_either_sign_cuts_them(isa, sign):
    words, floats = engine(isa, "half"), engine(isa, "float")
    for amplitude in 0.1 * 1.07 ** np.arange(40):
        # A line's filtered peak is twice as high as it is deep beside it.
        lines = np.zeros((BAND, N_X))
        lines[5, 30] = sign * amplitude
        assert_alike(words, floats, np.exp(-lines).astype(np.float32))
