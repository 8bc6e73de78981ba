import json

import h5py
import numpy as np
import pytest
from PIL import Image

from tomostream.core.slices import Slices
from tomostream.files.reconstructed import (
    Output,
    is_earlier_output,
    slices_folder,
    volume_writer,
    write_slices,
    write_slices_hdf5,
)

N_Z, N = 7, 12
VOLUME = np.random.default_rng(1).normal(size=(N_Z, N, N)).astype(np.float32)
SLICES = Slices(z=VOLUME[2], y=VOLUME[:, 3], x=VOLUME[:, :, 4])
PLACES = {"z": 2, "y": 3, "x": 4}


def write_volume(output, first_row=0):
    with volume_writer(output, VOLUME.shape, first_row=first_row) as writer:
        writer.write(first_row, VOLUME[:4])
        writer.write(first_row + 4, VOLUME[4:])


def read_tiff(path):
    with Image.open(path) as image:
        return np.asarray(image), dict(image.tag_v2)  # pyright: ignore[reportAttributeAccessIssue]  TIFF images have it


def test_a_stack_holds_the_volume_bit_by_bit(tmp_path):
    write_volume(Output(path=tmp_path / "v"), first_row=100)
    for row in range(N_Z):
        pixels, tags = read_tiff(tmp_path / "v" / f"recon_{100 + row:05d}.tiff")
        assert pixels.dtype == np.float32
        assert np.array_equal(pixels, VOLUME[row])
        assert json.loads(tags[270])["z"] == 100 + row


def test_a_stack_tells_what_it_is(tmp_path):
    facts = {"center": 5.5}
    write_volume(Output(path=tmp_path / "v", pixel_um=1.25, facts=facts))
    _, tags = read_tiff(tmp_path / "v" / "recon_00000.tiff")
    described = json.loads(tags[270])
    assert (described["units"], described["center"]) == ("1/pixel", 5.5)
    # Pixels per centimetre.
    assert (float(tags[282]), float(tags[283]), tags[296]) == (8000, 8000, 3)
    assert json.loads((tmp_path / "v" / "recon.json").read_text()) == facts


def test_an_hdf5_file_holds_the_volume_bit_by_bit(tmp_path):
    output = Output(path=tmp_path / "v.h5", pixel_um=1.25, facts={"center": 5.5})
    write_volume(output, first_row=100)
    with h5py.File(tmp_path / "v.h5") as file:
        data = file["/exchange/data"]
        assert isinstance(data, h5py.Dataset)
        assert data.dtype == np.float32
        assert np.array_equal(data[...], VOLUME)
        assert (data.attrs["axes"], data.attrs["units"]) == ("z:y:x", "1/pixel")
        assert (data.attrs["first_row"], data.attrs["pixel_size_um"]) == (100, 1.25)
        settings = file["/process/reconstruction"].attrs["settings"]
        assert json.loads(str(settings)) == {"center": 5.5}


def test_slices_stand_in_a_folder_by_axis_and_place(tmp_path):
    output = Output(path=tmp_path / "s")
    with slices_folder(output) as folder:
        write_slices(folder, output, SLICES, places=PLACES)
    assert {p.name for p in (tmp_path / "s").iterdir()} == {
        "z_0002.tiff", "y_0003.tiff", "x_0004.tiff", "recon.json"
    }  # fmt: skip
    assert np.array_equal(read_tiff(tmp_path / "s" / "y_0003.tiff")[0], SLICES.y)


def test_slices_stand_in_an_hdf5_file_by_axis(tmp_path):
    write_slices_hdf5(Output(path=tmp_path / "s.h5"), SLICES, places=PLACES)
    with h5py.File(tmp_path / "s.h5") as file:
        data = file["/exchange/slice_x"]
        assert isinstance(data, h5py.Dataset)
        assert np.array_equal(data[...], SLICES.x)
        assert (data.attrs["x"], data.attrs["axes"]) == (4, "z:y")


@pytest.mark.parametrize("name", ["v", "v.h5"])
def test_a_volume_that_ends_early_is_not_there(tmp_path, name):
    def end_early():
        with volume_writer(Output(path=tmp_path / name), VOLUME.shape) as writer:
            writer.write(0, VOLUME[:4])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        end_early()
    assert list(tmp_path.iterdir()) == []


def test_only_what_was_written_here_is_an_earlier_output(tmp_path):
    write_volume(Output(path=tmp_path / "v"))
    assert is_earlier_output(tmp_path / "v")
    (tmp_path / "v" / "notes.txt").write_text("mine")
    assert not is_earlier_output(tmp_path / "v")
