"""Write reconstructed slices and volumes: TIFF files in a folder, or one HDF5 file.

A folder holds float32 TIFF files and ``recon.json``, what they were made from and how.
An HDF5 file holds the same as a Data Exchange file: the volume as ``/exchange/data``,
or single slices as ``/exchange/slice_z`` and so on.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import h5py
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from tomostream._version import __version__
from tomostream.core.slices import Slices
from tomostream.files.unfinished import (
    check_target,
    unfinished_file,
    unfinished_folder,
)

F32 = NDArray[np.float32]
Facts = Mapping[str, object]

FACTS_FILE = "recon.json"
PICTURE_FILE = "slices.png"
HDF5_SUFFIXES = frozenset({".h5", ".hdf5", ".hdf", ".nxs"})
_OURS = re.compile(
    r"recon\.json|slices\.png|rec_line\.txt|(recon_\d{5,}|[xyz]_\d{4,})\.tiff"
)
"""Files in a folder; rec_line.txt is tomocupy's."""
_DESCRIPTION, _X_RESOLUTION, _Y_RESOLUTION = 270, 282, 283
_RESOLUTION_UNIT, _SOFTWARE, _CENTIMETRE = 296, 305, 3
_UM_PER_CM = 1e4


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where a reconstruction goes, and what is to be noted of it."""

    path: Path
    """An HDF5 file by its suffix, a folder of TIFF files otherwise."""
    replaces: bool = False
    """Whether an earlier reconstruction of this name may be replaced."""
    pixel_um: float | None = None
    facts: Facts = field(default_factory=dict)
    """Plain values, for whoever wants to know later."""

    @property
    def is_hdf5(self) -> bool:
        """Whether it is one HDF5 file."""
        return self.path.suffix.lower() in HDF5_SUFFIXES

    def check(self) -> None:
        """Make sure that it can be written.

        Raises
        ------
        ConfigurationError
            It is there already, or its folder is not.
        """
        is_ours = Path.is_file if self.is_hdf5 else is_earlier_output
        check_target(self.path, replaces=self.replaces, is_ours=is_ours)


class VolumeWriter(Protocol):
    """Takes a volume, some horizontal slices at a time."""

    def write(self, first_row: int, slices: F32) -> None:
        """Take (n_rows, n_out y, n_out x), 1/pixel, from that detector row on."""
        ...


def is_earlier_output(folder: Path) -> bool:
    """Tell whether a folder holds nothing but a reconstruction's files."""
    return folder.is_dir() and all(_OURS.fullmatch(p.name) for p in folder.iterdir())


@contextmanager
def volume_writer(
    output: Output, shape: tuple[int, int, int], *, first_row: int = 0
) -> Iterator[VolumeWriter]:
    """Begin a volume; it is there when the context ends well.

    Parameters
    ----------
    output
        Where it goes.
    shape
        (n_rows, n_out y, n_out x).
    first_row
        Detector row of the first slice.

    Raises
    ------
    ConfigurationError
        The output is there already, or its folder is not.
    """
    if output.is_hdf5:
        with _hdf5_file(output) as file:
            data = file.create_dataset("/exchange/data", shape, np.float32)
            _describe(data, output, "z:y:x")
            data.attrs["first_row"] = first_row
            yield _Hdf5Volume(data, first_row)
    else:
        with _folder(output) as folder:
            yield _TiffStack(folder, output)


@contextmanager
def slices_folder(output: Output) -> Iterator[Path]:
    """Give a folder for slices and what goes with them; there when all went well."""
    with _folder(output) as folder:
        yield folder


def write_slices(
    folder: Path, output: Output, slices: Slices, *, places: Mapping[str, int]
) -> None:
    """Write three TIFF files, named by axis and place: ``z_0512.tiff``."""
    for axis, place in places.items():
        name = f"{axis}_{place:04d}.tiff"
        write_tiff(folder / name, getattr(slices, axis), output, {axis: place})


def write_slices_hdf5(
    output: Output, slices: Slices, *, places: Mapping[str, int]
) -> None:
    """Write three datasets into one HDF5 file."""
    axes = {"z": "y:x", "y": "z:x", "x": "z:y"}
    with _hdf5_file(output) as file:
        for axis, place in places.items():
            name = f"/exchange/slice_{axis}"
            data = file.create_dataset(name, data=getattr(slices, axis))
            _describe(data, output, axes[axis])
            data.attrs[axis] = place


def write_tiff(path: Path, image: F32, output: Output, place: Facts) -> None:
    """Write one float32 image, its facts as JSON in ImageDescription."""
    tags = ImageFileDirectory_v2()
    facts = {"quantity": "attenuation", "units": "1/pixel", **place, **output.facts}
    tags[_DESCRIPTION] = json.dumps(facts)
    tags[_SOFTWARE] = f"tomostream {__version__}"
    if output.pixel_um:
        tags[_RESOLUTION_UNIT] = _CENTIMETRE
        tags[_X_RESOLUTION] = tags[_Y_RESOLUTION] = _UM_PER_CM / output.pixel_um
    pixels = np.ascontiguousarray(image, np.float32)
    Image.fromarray(pixels).save(path, format="TIFF", tiffinfo=tags)


class _TiffStack:
    """One file for each detector row, ``recon_00000.tiff``, as tomocupy names them."""

    def __init__(self, folder: Path, output: Output) -> None:
        self._folder = folder
        self._output = output

    def write(self, first_row: int, slices: F32) -> None:
        for row, image in enumerate(slices, first_row):
            path = self._folder / f"recon_{row:05d}.tiff"
            write_tiff(path, image, self._output, {"z": row})


class _Hdf5Volume:
    def __init__(self, data: h5py.Dataset, first_row: int) -> None:
        self._data = data
        self._first_row = first_row

    def write(self, first_row: int, slices: F32) -> None:
        start = first_row - self._first_row
        self._data[start : start + len(slices)] = slices


@contextmanager
def _folder(output: Output) -> Iterator[Path]:
    with unfinished_folder(
        output.path, replaces=output.replaces, is_ours=is_earlier_output
    ) as folder:
        yield folder
        text = json.dumps(dict(output.facts), indent=2)
        (folder / FACTS_FILE).write_text(text + "\n", encoding="utf-8")


@contextmanager
def _hdf5_file(output: Output) -> Iterator[h5py.File]:
    with (
        unfinished_file(output.path, replaces=output.replaces) as path,
        # Nobody else knows the name, and file systems of beamlines often lack locks.
        h5py.File(path, "w", locking=False) as file,
    ):
        file["/implements"] = "exchange:process"
        process = file.create_group("/process/reconstruction")
        process.attrs["software"] = f"tomostream {__version__}"
        process.attrs["settings"] = json.dumps(dict(output.facts))
        yield file


def _describe(data: h5py.Dataset, output: Output, axes: str) -> None:
    data.attrs["description"] = "attenuation"
    data.attrs["axes"] = axes
    data.attrs["units"] = "1/pixel"
    if output.pixel_um:
        data.attrs["pixel_size_um"] = output.pixel_um
