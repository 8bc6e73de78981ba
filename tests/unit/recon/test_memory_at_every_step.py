"""Memory that ends anywhere inside a change leaves kernels that work."""

import subprocess
import sys

import pytest

BEGIN = """
import functools, resource, numpy as np
from dataclasses import replace
from tomostream.core.errors import NotEnoughMemoryError
from tomostream.core.geometry import Geometry, Planes
from tomostream.core.parameters import FilterType, ReconParameters
from tomostream.core.steps import Steps
from tomostream.recon import Engine
from tomostream.recon.cpu import backend

g = Geometry(n_z=256, n_x=4096, n_slots=1, n_out=64)
p = ReconParameters(center=2048.0, planes=Planes(x=32, y=32, z=9))
backend.realisation = functools.cache(backend.realisation)
backend.realisation(FilterType.COSINE, g.n_ring)
e = Engine(threads=4)
e.configure(g, p)
random = np.random.default_rng(0)
frame, light = random.uniform(0.2, 0.9, (2, *g.frame_shape)).astype("f4")
nothing = np.zeros(g.frame_shape, "f4")
frame.flags.writeable = False

def shown():
    e.add([frame], np.zeros(1), np.zeros(1, int))
    return e.packed().copy()

def tried(change):
    "Give in how many of the attempts memory lacked, with ever more of it."
    unlimited, failed = resource.getrlimit(resource.RLIMIT_AS), 0
    for mib in range(1, 60):
        pages = int(open("/proc/self/statm").read().split()[0])
        soft = pages * resource.getpagesize() + (mib << 20)
        resource.setrlimit(resource.RLIMIT_AS, (soft, unlimited[1]))
        try:
            change()
            lacked = bool(e.problem or e.filter_lack)
        except (NotEnoughMemoryError, MemoryError):
            lacked = True
        resource.setrlimit(resource.RLIMIT_AS, unlimited)
        if not lacked:
            break
        failed += 1
        assert np.isfinite(shown()).all()
        yield
    assert failed > 0, "memory never lacked"

before = shown()
"""
FILTER = """
cosine = replace(p, filter_type=FilterType.COSINE)
for _ in tried(lambda: (e.set_parameters(p), e.set_parameters(cosine))):
    np.testing.assert_array_equal(shown(), before)
assert abs(shown() - before).max() > 0.01
"""
FIELDS = """
for _ in tried(lambda: e.set_fields(nothing, light)):
    pass
e.set_fields(nothing, light)
assert abs(shown() - before).max() > 0.01
"""
ZINGERS = """
for _ in tried(lambda: e.set_parameters(replace(p, steps=Steps(zinger_radius=2)))):
    pass
e.reset()
e.set_parameters(replace(p, steps=Steps(zinger_radius=2)))
assert abs(shown() - before).max() > 0.01
"""


@pytest.mark.parametrize(
    "change", [FILTER, FIELDS, ZINGERS], ids=["filter", "fields", "zingers"]
)
def test_memory_that_ends_inside_a_change_leaves_working_kernels(change: str) -> None:
    # The kernels' own refusals, by a limit on the address space.
    subprocess.run(
        [sys.executable, "-P", "-c", BEGIN + change], check=True, timeout=120
    )
