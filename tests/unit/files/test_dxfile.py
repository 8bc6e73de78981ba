import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from tomostream.core.errors import ConfigurationError, SourceError
from tomostream.core.frame import FrameKind
from tomostream.files.dxfile import DxFileReader

DATA = Path(
    os.environ.get(
        "TOMOSTREAM_DATA", Path(__file__).parents[3].parent / "shared" / "data"
    )
)


def write(path, **datasets):
    """Write a small valid file; a dataset given as None is left out."""
    shape = (6, 3, 5)
    contents = {
        "exchange/data": np.arange(90, dtype=np.uint16).reshape(shape),
        "exchange/data_white": np.full((4, 3, 5), 200, np.uint16),
        "exchange/data_dark": np.arange(30, dtype=np.uint16).reshape(2, 3, 5),
        "exchange/theta": np.arange(6) * 30.0,
    }
    contents |= {name.replace("__", "/"): v for name, v in datasets.items()}
    with h5py.File(path, "w") as file:
        for name, values in contents.items():
            if values is not None:
                file[name] = values
    return path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "scan.h5"


def test_projections_are_read_as_they_stand(path):
    with DxFileReader(write(path)) as file:
        assert file.shape == (6, 3, 5)
        assert file.dtype == np.uint16
        assert file.projections(2, 4)[0, 0, 0] == 30
        assert len(file.projections(4, 100)) == 2


def test_fields_are_averaged(path):
    with DxFileReader(write(path)) as file:
        dark, flat = file.mean_field(FrameKind.DARK), file.mean_field(FrameKind.FLAT)
    assert dark is not None
    assert flat is not None
    assert dark.dtype == np.float32
    assert np.array_equal(dark, np.arange(15).reshape(3, 5) + 7.5)
    assert (flat == 200).all()


@pytest.mark.parametrize(
    ("stored", "given"),
    [("u1", "u1"), (">u2", "u2"), (">f4", "f4"), ("f2", "f4"), ("i8", "i8")],
)
def test_pixels_come_in_a_type_of_area_detector(path, stored, given):
    data = np.arange(90).reshape(6, 3, 5).astype(stored)
    with DxFileReader(write(path, exchange__data=data)) as file:
        pixels = file.projections(0, 6)
        assert file.dtype == np.dtype(given)
    assert pixels.dtype == np.dtype(given)
    assert np.array_equal(pixels, data)


@pytest.mark.parametrize("kind", [FrameKind.DARK, FrameKind.FLAT])
@pytest.mark.parametrize("values", [None, np.empty((0, 3, 5), np.uint16)])
def test_missing_fields_are_none(path, kind, values):
    names = {"exchange__data_dark": values, "exchange__data_white": values}
    with DxFileReader(write(path, **names)) as file:
        assert file.mean_field(kind) is None
        assert file.field_frames(kind) == 0
        with pytest.raises(SourceError, match="there is none"):
            file.field_frame(kind, 0)


def test_field_frames_can_be_read_one_by_one(path):
    with DxFileReader(write(path)) as file:
        assert file.field_frames(FrameKind.DARK) == 2
        assert file.field_frame(FrameKind.DARK, 1)[0, 0] == 15


def test_missing_theta_is_taken_from_the_rotation(path):
    rotation = {
        "process__acquisition__rotation__start": np.array([5.0]),
        "process__acquisition__rotation__step": np.array([0.5]),
    }
    with DxFileReader(write(path, exchange__theta=None, **rotation)) as file:
        assert file.theta_deg is not None
        assert list(file.theta_deg) == [5.0, 5.5, 6.0, 6.5, 7.0, 7.5]


def test_angles_that_stand_nowhere_are_not_guessed(path):
    with DxFileReader(write(path, exchange__theta=None)) as file:
        assert file.theta_deg is None


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("exchange__data", None, "/exchange/data: expected a Data Exchange file"),
        (
            "exchange__data",
            np.zeros((3, 5)),
            "expected (theta, y, x), got shape (3, 5)",
        ),
        ("exchange__data", np.zeros((0, 3, 5)), "got shape (0, 3, 5)"),
        ("exchange__data", np.zeros((6, 3, 5), complex), "got complex128"),
        ("exchange__theta", np.arange(5.0), "theta: expected 6 numbers"),
        ("exchange__theta", np.full(6, np.nan), "theta: expected finite angles"),
        ("exchange__theta", np.array([b"a"] * 6), "theta: expected 6 numbers"),
        ("exchange__data_dark", np.zeros((2, 3, 4)), "data_dark: expected (n, 3, 5)"),
        ("exchange__data_white", np.zeros((3, 5)), "data_white: expected (n, 3, 5)"),
    ],
)
def test_parts_that_do_not_fit_are_named(path, name, values, words):
    with pytest.raises(SourceError) as caught:
        DxFileReader(write(path, **{name: values}))
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_group_in_place_of_a_dataset_is_named(path):
    write(path, exchange__data=None, exchange__data__inside=np.zeros(3))
    with pytest.raises(SourceError, match="no such dataset"):
        DxFileReader(path)


def test_missing_file_is_a_wrong_setting(path):
    with pytest.raises(ConfigurationError, match="there is no such file"):
        DxFileReader(path)


@pytest.mark.parametrize("contents", [b"", b"no HDF5 file at all" * 100])
def test_foreign_file_is_a_wrong_setting(path, contents):
    path.write_bytes(contents)
    with pytest.raises(ConfigurationError, match="no HDF5 file"):
        DxFileReader(path)


def test_folder_is_a_wrong_setting(tmp_path):
    with pytest.raises(ConfigurationError):
        DxFileReader(tmp_path)


def test_damaged_chunk_is_reported_with_the_file(path):
    data = np.random.default_rng(1).integers(0, 9, (6, 30, 50)).astype(np.uint16)
    with h5py.File(path, "w") as file:
        chunks = file.create_dataset(
            "exchange/data", data=data, chunks=(1, 30, 50), compression="gzip"
        )
        place = chunks.id.get_chunk_info(3)
    with path.open("r+b") as raw:
        raw.seek(place.byte_offset)
        raw.write(b"\xff" * 50)
    with DxFileReader(path) as file:
        assert len(file.projections(0, 3)) == 3
        with pytest.raises(SourceError, match=r"scan\.h5: cannot be read"):
            file.projections(3, 4)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("tooth_2x640_181.h5", (181, 2, 640)),
        ("derived24737_135x160_361.h5", (361, 135, 160)),
    ],
)
def test_measured_files_can_be_read(name, shape):
    if not (DATA / name).is_file():
        pytest.skip(
            f"there is no {name} in {DATA}; TOMOSTREAM_DATA may name the folder"
        )
    with DxFileReader(DATA / name) as file:
        flat, dark = file.mean_field(FrameKind.FLAT), file.mean_field(FrameKind.DARK)
        assert file.shape == shape
        assert file.theta_deg is not None
        assert flat is not None
        assert dark is not None
        assert flat.mean() > dark.mean()
