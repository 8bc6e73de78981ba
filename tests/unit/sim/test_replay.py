from pathlib import Path

import h5py
import numpy as np
import pytest

from tomostream.core.errors import SourceError
from tomostream.core.frame import FrameKind
from tomostream.core.scan import ScanKind, angle_table
from tomostream.files.dxfile import DxFileReader
from tomostream.sim import replay
from tomostream.sim.replay import FileScene

N_THETA = 21
FRAME_BYTES = 3 * 4 * 2


@pytest.fixture
def reader(tmp_path):
    """A file whose projections say their number."""
    path = tmp_path / "scan.h5"
    numbers = np.arange(N_THETA, dtype=np.uint16)[:, None, None]
    with h5py.File(path, "w") as file:
        file["exchange/data"] = np.broadcast_to(numbers, (N_THETA, 3, 4))
        file["exchange/theta"] = 9.0 * np.arange(N_THETA)
        file["exchange/data_dark"] = np.broadcast_to(numbers[:3] + 100, (3, 3, 4))
    with DxFileReader(path) as opened:
        yield opened


class CountingReader:
    """Count the projections that are read."""

    def __init__(self, reader):
        self._reader = reader
        self.read = 0

    def projections(self, start, stop):
        frames = self._reader.projections(start, stop)
        self.read += len(frames)
        return frames

    def __getattr__(self, name):
        return getattr(self._reader, name)


def shown(scene, indices):
    return [int(scene.projection(k, 0.0)[0, 0]) for k in indices]


@pytest.fixture(params=[2, 5, 8, 20, 21, 1000], ids=lambda n: f"{n}-frames-held")
def scene(request, reader, monkeypatch):
    monkeypatch.setattr(replay, "_READ_BYTES", 3 * FRAME_BYTES)
    return FileScene(reader, ahead_bytes=request.param * FRAME_BYTES)


def test_file_starts_again_at_its_first_frame(scene):
    assert shown(scene, range(100)) == [k % N_THETA for k in range(100)]


def test_reading_ahead_changes_no_frame(scene):
    for k in range(100):
        for _ in range(k % 4):
            scene.prepare()
        assert shown(scene, [k]) == [k % N_THETA]


def test_frames_that_are_left_out_disturb_nothing(scene):
    indices = [k for k in range(200) if k % 7 and not 60 < k < 75]
    for k in indices:
        scene.prepare()
        assert shown(scene, [k]) == [k % N_THETA]


def test_new_table_starts_at_index_0_again(scene):
    assert shown(scene, [*range(42), *range(30)]) == [
        k % N_THETA for k in [*range(42), *range(30)]
    ]


def test_reading_ahead_is_bounded(scene):
    steps = sum(1 for _ in iter(scene.prepare, False))
    assert steps <= N_THETA
    assert shown(scene, range(50)) == [k % N_THETA for k in range(50)]


def test_file_that_fits_into_memory_is_read_once(reader):
    counting = CountingReader(reader)
    scene = FileScene(counting, ahead_bytes=1 << 20)  # type: ignore[arg-type]  counts
    shown(scene, range(200))
    assert counting.read == N_THETA


def test_angles_are_the_files_own_again_and_again(reader):
    scene = FileScene(reader, ahead_bytes=1 << 20)
    values = scene.table(100)
    table = angle_table(values)

    assert values.dtype == np.float32
    assert len(values) == 105
    assert (table.kind, table.slots()) == (ScanKind.SAWTOOTH, 20)
    assert [table.angle_deg(k) for k in (0, 20, 21, 22)] == [0.0, 180.0, 0.0, 9.0]


def test_angles_of_a_single_pass_are_not_repeated(reader):
    scene = FileScene(reader, ahead_bytes=1 << 20, is_looped=False)
    assert len(scene.table(1000)) == N_THETA


def test_fields_are_the_files_own(reader):
    scene = FileScene(reader, ahead_bytes=1 << 20)
    dark = scene.mean_field(FrameKind.DARK)
    frames = [scene.field_frame(FrameKind.DARK) for _ in range(4)]

    assert dark is not None
    assert (dark == 101).all()
    assert [int(f[0, 0]) for f in frames if f is not None] == [100, 101, 102, 100]
    assert scene.mean_field(FrameKind.FLAT) is None
    assert scene.field_frame(FrameKind.FLAT) is None


@pytest.mark.parametrize("theta", [None, [0.0]])
def test_file_without_angles_is_refused(tmp_path: Path, theta):
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        file["exchange/data"] = np.zeros((1 if theta else 4, 3, 4))
        if theta:
            file["exchange/theta"] = theta
    with DxFileReader(path) as file, pytest.raises(SourceError, match="two angles"):
        FileScene(file, ahead_bytes=1 << 20)
