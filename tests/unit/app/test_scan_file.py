import h5py
import numpy as np
import pytest

from tomostream.app.scan_file import ScanFile
from tomostream.core.errors import ConfigurationError, SourceError


def test_frames_come_once_each_with_their_angles(write_scan):
    theta = np.linspace(0, 180, 60)
    path = write_scan(theta=theta)
    with h5py.File(path) as file:
        data = np.asarray(file["exchange/data"])
    with ScanFile(path) as scan:
        # 180 degrees is 0 degrees again: the first projection is not used.
        assert scan.scan.frames.tolist() == list(range(1, 60))
        batches = list(scan.batches(slice(3, 9)))
    frames = [frame for batch in batches for frame in batch.frames]
    index = np.concatenate([batch.index for batch in batches])
    assert np.array_equal(frames, data[1:, 3:9])
    assert np.array_equal(index, np.arange(59))
    assert not frames[0].flags.writeable


def test_projections_that_are_not_used_are_not_given(write_scan):
    with ScanFile(write_scan()) as scan:
        used = np.arange(60) % 7 != 0
        index = np.concatenate([b.index for b in scan.batches(slice(None), used)])
    assert np.array_equal(index, np.flatnonzero(used))


def test_a_part_of_the_projections_is_a_scan_of_its_own(write_scan):
    path = write_scan(n_theta=120, span=360.0)
    with h5py.File(path) as file:
        data = np.asarray(file["exchange/data"])
    with ScanFile(path, projections=(60, 120)) as scan:
        assert scan.scan.angles_deg[0] == pytest.approx(180.0)
        first = next(scan.batches(slice(None))).frames[0]
        assert np.array_equal(first, data[60])


@pytest.mark.parametrize(
    ("missing", "told"), [("data_white", "no flat fields"), ("data_dark", "no dark")]
)
def test_missing_fields_are_told(write_scan, missing, told):
    with ScanFile(write_scan(**{missing: None})) as scan:
        assert any(told in note for note in scan.notes)


def test_a_whole_scan_needs_no_note(write_scan):
    with ScanFile(write_scan()) as scan:
        assert scan.notes == []


def test_missing_directions_are_told(write_scan):
    with ScanFile(write_scan(theta=np.linspace(0, 150, 60))) as scan:
        assert any("30.0 of 180 degrees" in note for note in scan.notes)


@pytest.mark.parametrize(
    ("datasets", "told"),
    [
        ({"theta": None}, "theta: there is none"),
        ({"theta": np.zeros(60)}, "all angles are 0"),
        ({"theta": np.zeros(59)}, "expected 60 numbers"),
        ({"theta": np.full(60, np.nan)}, "finite"),
        ({"data": np.zeros((60, 48))}, r"expected \(theta, y, x\)"),
        ({"data": np.zeros((60, 0, 48))}, r"expected \(theta, y, x\)"),
        ({"data": None}, "no such dataset"),
        ({"data_white": np.zeros((2, 3, 4))}, "data_white"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_in_a_sentence(write_scan, datasets, told):
    with pytest.raises(SourceError, match=told):
        ScanFile(write_scan(**datasets))


@pytest.mark.parametrize("content", [b"", b"no HDF5 file", b"\x89HDF\r\n\x1a\n"])
def test_what_is_no_hdf5_file_is_told_in_a_sentence(tmp_path, content):
    (tmp_path / "a.h5").write_bytes(content)
    with pytest.raises(ConfigurationError, match="it is no HDF5 file"):
        ScanFile(tmp_path / "a.h5")


@pytest.mark.parametrize("wanted", [(0, 61), (10, 10), (-1, 5)])
def test_projections_that_are_not_there_are_refused(write_scan, wanted):
    with pytest.raises(ConfigurationError, match="expected a part of 0:60"):
        ScanFile(write_scan(), projections=wanted)


def test_half_acquisition_of_half_a_turn_is_refused(write_scan):
    with pytest.raises(ConfigurationError, match=r"full turn, 18\d degrees"):
        ScanFile(write_scan(), scan_range=360)
