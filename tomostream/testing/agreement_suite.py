# ruff: noqa: D102  a test is described by its name
"""A sample as they are, for every backend: smooth, so that small errors add up."""

from functools import cache

import numpy as np
import pytest

from tomostream.core.geometry import Geometry, Planes
from tomostream.core.parameters import FilterType, ReconParameters
from tomostream.core.slices import Slices
from tomostream.recon.filter_form import RecursiveFilter
from tomostream.recon.filters import RECURSIVE, realisation
from tomostream.sim.phantom import head_phantom, projections
from tomostream.testing.reference_fbp import (
    F64,
    convolved,
    range_error,
    reference_slices,
)
from tomostream.testing.scene import SceneSuite

_GEOMETRY = Geometry(n_z=2, n_x=256, n_slots=180, n_out=256)
_CENTER = 128.7
_ANGLES_DEG = np.arange(_GEOMETRY.n_slots, dtype=np.float64)
_APART = {"float": 5e-5, "half": 1e-3}
"""What two backends may differ by, relative to a slice's range. Judged by an exact
reconstruction with the filter that all of them have, each may use up half of it."""


@cache
def _lines() -> F64:
    """Give line integrals (n_slots, n_z, n_x) that end in air."""
    g = _GEOMETRY
    return projections(
        head_phantom(g.n_x, g.n_z).still, _ANGLES_DEG,
        n_z=g.n_z, n_x=g.n_x, center=_CENTER, dtype=np.float64,
    )  # fmt: skip


def _parameters(filter_type: FilterType) -> ReconParameters:
    # Near the axis a filter's errors add up over all angles.
    planes = Planes(x=128, y=130, z=1)
    return ReconParameters(center=_CENTER, filter_type=filter_type, planes=planes)


@cache
def _reference(filter_type: FilterType) -> Slices:
    """Reconstruct in float64, with the fitted filter in place of the exact one."""
    n_x = _GEOMETRY.n_x
    fitted = realisation(filter_type, n_x)
    assert isinstance(fitted, RecursiveFilter)
    filtered = convolved(_lines(), fitted.kernel(n_x))
    return reference_slices(
        list(filtered), list(_ANGLES_DEG), _GEOMETRY, _parameters(filter_type)
    )


class AgreementSuite(SceneSuite):
    """How far apart backends are. Subclasses say how to make an engine."""

    @pytest.mark.parametrize("ring_dtype", ["float", "half"])
    @pytest.mark.parametrize("filter_type", RECURSIVE)
    def test_backends_agree_on_a_smooth_sample(
        self, filter_type: FilterType, ring_dtype: str
    ) -> None:
        engine = self.engine(ring_dtype=ring_dtype)
        engine.configure(_GEOMETRY, _parameters(filter_type))
        frames = np.exp(-_lines()).astype(np.float32)
        engine.add(list(frames), _ANGLES_DEG, np.arange(_GEOMETRY.n_slots))
        error = range_error(engine.slices(), _reference(filter_type))
        assert error < _APART[ring_dtype] / 2
