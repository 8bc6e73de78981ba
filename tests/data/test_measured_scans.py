"""Scans from files, streamed through the engine, against a float64 reconstruction.

The tooth is measured. derived24737 is a simulation: the volume of a measured scan,
projected again with noise and stripes.
"""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from tomostream.core.geometry import Geometry, Planes
from tomostream.core.parameters import FilterType, ReconParameters
from tomostream.core.scan import angle_table
from tomostream.core.slices import Slices, unpack
from tomostream.recon.backend import RingDtype
from tomostream.recon.engine import Engine

F64 = NDArray[np.float64]

FOLDER = Path(
    os.environ.get("TOMOSTREAM_DATA", Path(__file__).parents[3] / "shared" / "data")
)


@dataclass(frozen=True, kw_only=True)
class Scan:
    data: NDArray[np.uint16]
    dark: NDArray[np.float32]
    flat: NDArray[np.float32]
    theta_deg: NDArray[np.floating]
    center: float
    planes: Planes


def load(name: str, *, center: float, planes: Planes) -> Scan:
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"{name} is not in {FOLDER}; TOMOSTREAM_DATA may name the folder")
    with h5py.File(path) as file:
        return Scan(
            data=array(file, "data"),
            dark=array(file, "data_dark").mean(axis=0, dtype=np.float32),
            flat=array(file, "data_white").mean(axis=0, dtype=np.float32),
            theta_deg=array(file, "theta"),
            center=center,
            planes=planes,
        )


def array(file: h5py.File, name: str) -> NDArray[Any]:
    dataset = file[f"exchange/{name}"]
    assert isinstance(dataset, h5py.Dataset)
    return dataset[...]


@pytest.fixture(params=["tooth", "derived24737"])
def scan(request: pytest.FixtureRequest) -> Scan:
    if request.param == "tooth":
        return load(
            "tooth_2x640_181.h5", center=295.5, planes=Planes(x=330, y=280, z=1)
        )
    return load(
        "derived24737_135x160_361.h5", center=85.8, planes=Planes(x=90, y=70, z=60)
    )


def line_integrals(scan: Scan) -> F64:
    counts = scan.data.astype(np.float64) - scan.dark
    beam = scan.flat.astype(np.float64) - scan.dark
    return -np.log(np.maximum(counts / np.maximum(beam, 1e-6), 1e-6))


def ramp_filtered(lines: F64) -> F64:
    """Convolve with the ramp kernel; rows go on for ever with their edge values."""
    n = lines.shape[-1]
    k = np.arange(n)
    kernel = np.where(k % 2 == 1, -1.0 / (np.pi * np.maximum(k, 1)) ** 2, 0.0)
    kernel[0] = 0.25
    # The kernel's sum over all k is 0: what lies beyond m is minus what lies before.
    beyond = -(kernel[0] / 2 + np.cumsum(kernel) - kernel[0])
    filtered = lines @ kernel[np.abs(k[:, None] - k)]
    filtered += lines[..., :1] * beyond + lines[..., -1:] * beyond[::-1]
    return filtered


def sampled(rows: F64, at: F64) -> F64:
    """Interpolate between columns; zero outside the row."""
    n = rows.shape[-1]
    padded = np.zeros((*rows.shape[:-1], n + 2))
    padded[..., 1:-1] = rows
    at = np.clip(at + 1.0, 0.0, n + 1.0 - 1e-9)
    left = at.astype(int)
    return padded[..., left] * (left + 1 - at) + padded[..., left + 1] * (at - left)


def expected_slices(scan: Scan, held: NDArray[np.intp]) -> dict[str, F64]:
    """Reconstruct the frames with the indices `held`."""
    filtered = ramp_filtered(line_integrals(scan)[held])
    _, n_z, n = filtered.shape
    places = np.arange(n) - n // 2
    z, y, x = np.zeros((n, n)), np.zeros((n_z, n)), np.zeros((n_z, n))
    for rows, theta in zip(filtered, np.deg2rad(scan.theta_deg[held]), strict=True):
        cos, sin = np.cos(theta), np.sin(theta)
        across, down = places * cos, places * sin
        p = scan.planes
        z += sampled(rows[p.z], across - down[:, None] + scan.center)
        y += sampled(rows, across - down[p.y] + scan.center)
        x += sampled(rows, across[p.x] - down + scan.center)
    scale = np.pi / len(held)
    return {"z": z * scale, "y": y * scale, "x": x * scale}


def streamed_slices(scan: Scan, *, ring: RingDtype) -> tuple[Slices, NDArray[np.intp]]:
    """Stream the scan in small batches; give also the frames that the ring holds."""
    table = angle_table(scan.theta_deg)
    count, n_z, n = scan.data.shape
    geometry = Geometry(n_z=n_z, n_x=n, n_slots=table.slots(), n_out=n)
    engine = Engine(ring_dtype=ring, threads=2)
    engine.configure(
        geometry,
        ReconParameters(
            center=scan.center, filter_type=FilterType.RAMP, planes=scan.planes
        ),
    )
    engine.set_fields(scan.dark, scan.flat)
    angles_deg = np.array([table.angle_deg(k) for k in range(count)])
    slots = np.array([table.slot(k, angles_deg[k]) for k in range(count)])
    for first in range(0, count, 7):
        part = slice(first, first + 7)
        report = engine.add(list(scan.data[part]), angles_deg[part], slots[part])
        assert report.accepted.all()
    held = np.full(geometry.n_slots, -1)
    held[slots] = np.arange(count)
    return unpack(engine.packed(), geometry), held


# The recursive filter stands for the ramp within 2e-5 of the ramp's largest response,
# near frequency 0 too: that is an offset of 2e-6 per pixel for the tooth, whose values
# reach 1e-2, and 1e-3 in the norm, as most of its slice is air. Half precision adds
# less than 1e-4. A centre wrong by 0.01 pixels would show as 2e-3 to 7e-3.
TOLERANCE = 1.2e-3


@pytest.mark.parametrize("ring", ["float", "half"])
def test_streamed_scan_is_the_reconstruction_in_float64(
    scan: Scan, ring: RingDtype
) -> None:
    found, held = streamed_slices(scan, ring=ring)
    for axis, wanted in expected_slices(scan, held).items():
        difference = getattr(found, axis) - wanted
        error = np.linalg.norm(difference) / np.linalg.norm(wanted)
        assert error < TOLERANCE, axis


def test_every_slot_is_filled_by_the_newest_frame_of_its_angle(scan: Scan) -> None:
    _, held = streamed_slices(scan, ring="half")
    count = len(scan.data)
    # The scan up to 180 degrees has a frame more than slots: it replaces the first.
    assert sorted(held) == list(range(count - len(held), count))


def test_center_of_the_data_set_leaves_the_air_empty(scan: Scan) -> None:
    """A wrong convention, by some pixels or a sign, would smear negative values."""

    def negative(center: float) -> float:
        z = streamed_slices(replace(scan, center=center), ring="half")[0].z
        # Sums of squares of 4 x 4 pixels: of the structure, not of the noise.
        n = len(z) // 4
        blocks = z[: 4 * n, : 4 * n].reshape(n, 4, n, 4).mean(axis=(1, 3))
        return float(np.square(np.minimum(blocks, 0.0)).sum())

    best = negative(scan.center)
    assert best < negative(scan.center - 3.0)
    assert best < negative(scan.center + 3.0)
