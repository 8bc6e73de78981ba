"""The table of errors, and what the engine must reach in it."""

import numpy as np
import pytest

from tomostream.bench import accuracy
from tomostream.bench.accuracy import AXES, measure_accuracy
from tomostream.bench.astra_fbp import is_installed
from tomostream.bench.report import accuracy_text

METHODS = (
    "tomostream",
    "tomostream, float32 ring",
    "float64 padded FBP",
    "ASTRA FBP, linear",
    "ASTRA FBP, strip",
    "published algorithm",
)


@pytest.fixture(scope="module")
def table():
    """The size of the acceptance, with fewer rows: ASTRA needs 10 ms for each."""
    return measure_accuracy(size=256, angles=384, n_z=64)


def test_every_method_has_a_line_and_every_plane_a_figure(table):
    assert tuple(row.method for row in table.rows) == METHODS
    for row in table.rows:
        assert row.note or set(row.error_l2) == set(row.bias) == set(AXES)


def test_engine_is_as_right_as_a_padded_float64_reconstruction(table):
    ours, reference = table.row("tomostream"), table.row("float64 padded FBP")
    for axis in AXES:
        assert ours.error_l2[axis] <= 1.01 * reference.error_l2[axis]


def test_engine_has_no_bias(table):
    assert abs(table.row("tomostream").worst_bias) < 0.005


def test_half_precision_ring_changes_slices_by_less_than_3e4(table):
    assert max(table.half_vs_float.values()) < 3e-4


def test_engine_is_as_right_as_astra(table):
    if not is_installed():
        pytest.skip("astra-toolbox is not installed (extra: bench)")
    ours, astra = table.row("tomostream"), table.row("ASTRA FBP, linear")
    assert ours.mean_error <= 1.02 * astra.mean_error
    for axis in AXES:
        assert ours.error_l2[axis] <= 1.08 * astra.error_l2[axis]


def test_astra_sees_the_same_geometry(table):
    """Half a pixel of shift would double its error: the comparison would be unfair."""
    if not is_installed():
        pytest.skip("astra-toolbox is not installed (extra: bench)")
    astra, reference = table.row("ASTRA FBP, strip"), table.row("float64 padded FBP")
    for axis in AXES:
        assert astra.error_l2[axis] == pytest.approx(reference.error_l2[axis], rel=0.05)


def test_published_algorithm_is_dark(table):
    """Rows that are not padded lose the mean: tens of percent."""
    row = table.row("published algorithm")
    if row.note:
        pytest.skip(f"scipy is {row.note}")
    assert all(-0.7 < bias < -0.2 for bias in row.bias.values())


def test_text_shows_every_method(table):
    text = accuracy_text(table)
    assert all(method in text for method in METHODS)


def test_a_method_that_is_not_installed_says_so(monkeypatch):
    monkeypatch.setattr(accuracy, "find_spec", lambda name: None)
    small = measure_accuracy(size=32, angles=24)
    missing = small.row("ASTRA FBP, linear")
    assert missing.note == "not installed"
    assert np.isnan(missing.mean_error)
    assert "not installed" in accuracy_text(small)
