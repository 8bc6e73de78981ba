"""Any geometry, any history: the slices are those of the frames held."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tomostream.core.geometry import Geometry, Planes
from tomostream.core.parameters import FilterType, ReconParameters
from tomostream.recon import Engine
from tomostream.testing.backend_suite import FLOAT_TOLERANCE, Scene

geometries = st.builds(
    Geometry,
    n_z=st.integers(1, 70),
    n_x=st.integers(4, 70),
    n_slots=st.integers(1, 9),
    n_out=st.integers(4, 140),
)


@settings(max_examples=25, deadline=None)
@given(
    st.data(), geometries, st.sampled_from(FilterType), st.sampled_from(("u2", "f4"))
)
def test_slices_are_those_of_the_frames_held(
    data: st.DataObject, geometry: Geometry, filter_type: FilterType, dtype: str
) -> None:
    n_x = geometry.n_x
    parameters = ReconParameters(
        center=data.draw(st.floats(0.3 * n_x, 0.7 * n_x)),
        filter_type=filter_type,
        planes=Planes.middle(geometry),
    )
    engine = Engine(ring_dtype="float", threads=data.draw(st.integers(1, 3)))
    scene = Scene(engine, geometry, parameters, dtype)
    slots = st.lists(st.integers(0, geometry.n_slots - 1), min_size=1, max_size=12)
    for _ in range(data.draw(st.integers(1, 4))):
        scene.add(data.draw(slots))
        if data.draw(st.booleans()):
            scene.set(
                x=data.draw(st.integers(0, geometry.n_out - 1)),
                y=data.draw(st.integers(0, geometry.n_out - 1)),
                z=data.draw(st.integers(0, geometry.n_z - 1)),
            )
    shown, wanted = scene.engine.slices(), scene.reference()
    # Relative to the brightest of the three: a plane may lie out of view.
    pairs = [(shown.z, wanted.z), (shown.y, wanted.y), (shown.x, wanted.x)]
    largest = max(np.abs(b).max() for _, b in pairs)
    for a, b in pairs:
        np.testing.assert_allclose(a, b, rtol=0, atol=FLOAT_TOLERANCE * largest + 1e-9)
