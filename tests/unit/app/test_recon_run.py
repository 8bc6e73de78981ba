from dataclasses import replace
from typing import Any

import h5py
import numpy as np
import pytest

from tomostream.app.recon_run import FileReconstruction
from tomostream.app.scan_file import ScanFile
from tomostream.core.errors import SourceError
from tomostream.core.geometry import Geometry, Planes, ScanRange
from tomostream.core.parameters import FilterType, ReconParameters
from tomostream.core.steps import FlatScale, PhaseRetrieval, Region, RingRemoval, Steps
from tomostream.recon.engine import Engine
from tomostream.testing.reference_fbp import filtered, line_integrals, sampled

CENTER = 23.3
PLENTY = 1 << 30
LITTLE = 1
"""So little memory that blocks are as small as they get: 32 rows."""


def parameters(center: float = CENTER, **steps: Any):
    return ReconParameters(
        center=center, filter_type=FilterType.RAMP, planes=Planes(x=0, y=0, z=0),
        steps=Steps(**steps),
    )  # fmt: skip


def reconstruction(scan, wanted, *, rows=None, memory=PLENTY, tick=lambda _: None):
    return FileReconstruction(
        scan, wanted, engine=Engine(backend="cpu", threads=2, ring_dtype="float",
        raw_slots=0), rows=rows or (0, scan.n_z), memory_bytes=memory, tick=tick,
    )  # fmt: skip


def volume(path, wanted=None, *, scan_range: ScanRange = 180, **how: Any):
    with ScanFile(path, scan_range=scan_range) as scan:
        recon = reconstruction(scan, wanted or parameters(), **how)
        found = np.full(recon.shape, np.nan, np.float32)
        first_row = (how.get("rows") or (0, 0))[0]

        def take(first, slices):
            found[first - first_row : first - first_row + len(slices)] = slices

        recon.volume(take)
        return found


def expected_volume(path, wanted):
    """Reconstruct every row in float64."""
    with h5py.File(path) as file:
        data, theta, dark, flat = (
            np.asarray(file[f"exchange/{name}"], np.float64)
            for name in ("data", "theta", "data_dark", "data_white")
        )
    n = data.shape[2]
    axis = np.arange(n) - n // 2
    out = np.zeros((data.shape[1], n, n))
    for frame, angle in zip(data, np.deg2rad(theta), strict=True):
        rows = filtered(line_integrals(frame, dark.mean(0), flat.mean(0)), wanted)
        at = axis * np.cos(angle) - axis[:, None] * np.sin(angle) + wanted.center
        out += sampled(rows, at)
    return out * np.pi / len(data)


def difference(found, expected):
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


def test_the_volume_is_that_of_float64(write_scan):
    path = write_scan()
    # As for the stream: what stands for the filter is right within 2e-5.
    assert difference(volume(path), expected_volume(path, parameters())) < 1e-4


@pytest.mark.parametrize("rows", [None, (11, 77)])
def test_blocks_give_the_volume_that_one_gives(write_scan, rows):
    path = write_scan(n_z=100, n_theta=30)
    whole = volume(path, rows=rows)
    # The same sums in the same order: nothing is rounded differently.
    assert np.array_equal(volume(path, rows=rows, memory=LITTLE), whole)
    assert np.isfinite(whole).all()


@pytest.mark.parametrize("memory", [PLENTY, LITTLE])
def test_slices_are_cuts_of_the_volume(write_scan, memory):
    path = write_scan(n_z=70, n_theta=30)
    whole = volume(path, rows=(5, 70))
    with ScanFile(path) as scan:
        recon = reconstruction(scan, parameters(), rows=(5, 70), memory=memory)
        slices = recon.slices(Planes(x=17, y=30, z=41))
    # Running sums are made in another order: some units in the last place.
    limit = 1e-5 * np.abs(whole).max()
    assert np.abs(slices.z - whole[41 - 5]).max() < limit
    assert np.abs(slices.y - whole[:, 30]).max() < limit
    assert np.abs(slices.x - whole[:, :, 17]).max() < limit


@pytest.mark.parametrize(
    "steps",
    [
        {"zinger_radius": 2},
        {
            "phase": PhaseRetrieval(
                energy_kev=30.0, distance_mm=20.0, pixel_um=2.0, alpha=0.02
            )
        },
    ],
    ids=["zinger", "phase"],
)
def test_steps_that_look_at_neighbours_do_not_show_the_blocks(write_scan, steps):
    rng = np.random.default_rng(3)

    def spoil(contents):
        data = contents["data"]
        hit = rng.random(data.shape) < 1e-3
        data[hit] = 60000

    path = write_scan(n_z=100, n_theta=20, change=spoil)
    wanted = parameters(**steps)
    whole = volume(path, wanted)
    plain = volume(path)
    in_blocks = volume(path, wanted, memory=LITTLE)
    assert difference(whole, plain) > 1e-2
    # Of the phase kernel 1e-4 lies beyond the padding, which depends on the height.
    assert difference(in_blocks, whole) < 1e-4


def test_half_acquisition_gives_the_wide_slices(write_scan):
    # The axis is at a tenth of the width: the frames see 1.8 times as much.
    center, n_x, wide = 5.0, 48, 85
    path = write_scan(n_x=n_x, n_theta=240, span=360.0, center=center, width=wide)
    found = volume(path, parameters(center), scan_range=360)
    assert found.shape == (20, wide, wide)
    both = write_scan(n_x=wide, n_theta=120, center=42.0, name="wide.h5")
    expected = volume(both, parameters(42.0))
    ny, nx = np.mgrid[:wide, :wide] - wide // 2
    inside = nx**2 + ny**2 < 40**2
    error = (found - expected)[:, inside]
    # Views are sampled elsewhere between the pixels, which shows at edges.
    assert np.linalg.norm(error) / np.linalg.norm(expected[:, inside]) < 0.1


@pytest.mark.parametrize("memory", [PLENTY, LITTLE])
def test_air_brings_back_a_light_that_fades(write_scan, memory):
    def fade(contents):
        light = np.linspace(1.0, 0.6, len(contents["data"]))[:, None, None]
        counts = 100 + (contents["data"] - 100.0) * light
        contents["data"] = counts.astype(np.float32)

    steady, faded = (
        write_scan(n_z=70, name=name, change=change)
        for name, change in (("a.h5", None), ("b.h5", fade))
    )
    # The ramp takes a constant away; what is not linear shows the fading.
    curved: dict[str, Any] = {"hardening": (0.5, 0.0)}
    expected = volume(steady, parameters(**curved))
    assert difference(volume(faded, parameters(**curved)), expected) > 0.1
    air = Region(x=0, y=2, width=1, height=4)
    wanted = parameters(**curved, flat_scale=FlatScale.REGION, region=air)
    # Frames of whole counts were scaled and rounded.
    assert difference(volume(faded, wanted, memory=memory), expected) < 1e-4


@pytest.mark.parametrize("spoiled", [(), (4, 40)])
def test_rings_are_removed_also_where_projections_are_left_out(write_scan, spoiled):
    def add_stripes(contents):
        data = contents["data"].astype(np.float32)
        # Single pixels: what goes on from row to row is taken for the sample's.
        wrong = np.random.default_rng(5).random(data.shape[1:]) < 0.03
        data[:, wrong] *= 0.95
        for frame in spoiled:
            data[frame] = np.nan
        contents["data"] = data

    def clean(contents):
        data = contents["data"].astype(np.float32)
        for frame in spoiled:
            data[frame] = np.nan
        contents["data"] = data

    without = write_scan(name="a.h5", change=clean)
    with_rings = write_scan(name="b.h5", change=add_stripes)
    expected = volume(without)
    wanted = parameters(ring_removal=RingRemoval.HIGH_PASS, ring_width=4.0)
    rings = difference(volume(with_rings), expected)
    # Without rings in the file the method does to the sample what it does there.
    left = difference(volume(with_rings, wanted), volume(without, wanted))
    # The sample is small: beside its edges a part of what is wrong counts as sample.
    assert left < 0.5 * rings


def test_without_flats_an_even_beam_gives_the_same(write_scan):
    with_flats, bare = (
        write_scan(name="a.h5"), write_scan(name="b.h5", data_white=None)
    )  # fmt: skip
    # The beam's ln(39900) is taken away by the ramp, all but its rounding.
    assert difference(volume(bare), volume(with_flats)) < 1e-3


def test_projections_that_cannot_be_used_are_counted(write_scan):
    def spoil(contents):
        data = contents["data"].astype(np.float32)
        data[7] = np.nan
        data[9, 3, 5] = np.nan
        contents["data"] = data

    with ScanFile(write_scan(change=spoil)) as scan:
        recon = reconstruction(scan, parameters())
        slices = recon.slices(Planes(x=20, y=20, z=10))
    assert (recon.left_out, recon.pixels_repaired) == (1, 1)
    assert recon.why_left_out == "more than 1 % of the pixels are dead or not finite"
    assert np.isfinite(slices.z).all()


def test_a_projection_that_a_step_fails_for_costs_that_projection(write_scan):
    def spoil(contents):
        data = contents["data"].astype(np.float32)
        data[7, 5, 5] = 1e30
        contents["data"] = data

    phase = PhaseRetrieval(energy_kev=30, distance_mm=10, pixel_um=2, alpha=0.01)
    with ScanFile(write_scan(change=spoil)) as scan:
        recon = reconstruction(scan, parameters(phase=phase))
        slices = recon.slices(Planes(x=20, y=20, z=10))
    assert recon.left_out == 1
    assert "too large for a Fourier transform" in recon.why_left_out
    assert np.abs(slices.z).max() < 1.0


def test_a_file_without_a_usable_projection_is_refused(write_scan):
    def spoil(contents):
        contents["data"] = np.full(contents["data"].shape, np.nan, np.float32)

    with ScanFile(write_scan(change=spoil)) as scan:
        recon = reconstruction(scan, parameters())
        with pytest.raises(SourceError, match="no projection can be used"):
            recon.slices(Planes(x=20, y=20, z=10))


@pytest.mark.parametrize("steps", [{}, {"ring_removal": RingRemoval.HIGH_PASS}])
def test_progress_grows_to_the_end(write_scan, steps):
    shares = []
    path = write_scan(n_z=70)
    volume(path, parameters(**steps), memory=LITTLE, tick=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)


def test_who_hears_of_progress_can_end_it(write_scan):
    def stop(share):
        if share > 0.4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        volume(write_scan(n_z=70), memory=LITTLE, tick=stop)


def test_the_planes_are_those_of_the_stream(write_scan):
    """The same frames, added by hand to an engine as the service does it."""
    path = write_scan()
    planes = Planes(x=20, y=30, z=10)
    wanted = replace(parameters(), planes=planes)
    engine = Engine(backend="cpu", threads=2, ring_dtype="float")
    engine.configure(Geometry(n_z=20, n_x=48, n_slots=60, n_out=48), wanted)
    with h5py.File(path) as file:
        data, theta, dark, flat = (
            np.asarray(file[f"exchange/{name}"])
            for name in ("data", "theta", "data_dark", "data_white")
        )
    engine.set_fields(dark.mean(0), flat.mean(0))
    engine.add(list(data), theta, np.arange(60))
    with ScanFile(path) as scan:
        slices = reconstruction(scan, parameters()).slices(planes)
    assert difference(slices.z, engine.slices().z) < 1e-6
    assert difference(slices.x, engine.slices().x) < 1e-6
