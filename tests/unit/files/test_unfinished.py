import os

import pytest

from tomostream.core.errors import ConfigurationError
from tomostream.files.unfinished import unfinished_file, unfinished_folder


def ours(folder):
    return (folder / "mark").exists()


def fill(target, *, replaces=False, fail=None):
    with unfinished_folder(target, replaces=replaces, is_ours=ours) as folder:
        assert folder.parent == target.parent
        (folder / "mark").write_text("new")
        if fail is not None:
            raise fail
    return target


def write(target, *, replaces=False, fail=None):
    with unfinished_file(target, replaces=replaces) as path:
        assert path.parent == target.parent
        path.write_text("new")
        if fail is not None:
            raise fail
    return target


@pytest.mark.parametrize("make", [fill, write])
def test_output_gets_its_name_at_the_end(tmp_path, make):
    make(tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("make", [fill, write])
@pytest.mark.parametrize("error", [OSError("full"), KeyboardInterrupt()])
def test_output_that_failed_leaves_nothing(tmp_path, make, error):
    with pytest.raises(type(error)):
        make(tmp_path / "out", fail=error)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("make", [fill, write])
def test_what_is_there_stays_unless_it_may_be_replaced(tmp_path, make):
    target = make(tmp_path / "out")
    with pytest.raises(ConfigurationError, match="--force replaces it"):
        make(target)
    make(target, replaces=True)
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("make", [fill, write])
def test_a_failed_replacement_leaves_the_old(tmp_path, make):
    target = make(tmp_path / "out")
    (target / "mark" if target.is_dir() else target).write_text("old")
    with pytest.raises(OSError, match="full"):
        make(target, replaces=True, fail=OSError("full"))
    assert (target / "mark" if target.is_dir() else target).read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_somebody_elses_folder_is_never_replaced(tmp_path):
    target = tmp_path / "thesis"
    target.mkdir()
    (target / "chapter").write_text("1")
    with pytest.raises(ConfigurationError, match="give another name"):
        fill(target, replaces=True)
    assert (target / "chapter").exists()


def test_a_folder_is_no_file_to_be_replaced(tmp_path):
    (tmp_path / "out" / "more").mkdir(parents=True)
    with pytest.raises(ConfigurationError, match="give another name"):
        write(tmp_path / "out", replaces=True)


def test_an_empty_folder_is_in_nobodys_way(tmp_path):
    (tmp_path / "out").mkdir()
    assert (fill(tmp_path / "out") / "mark").exists()


@pytest.mark.parametrize("make", [fill, write])
def test_a_missing_folder_is_told(tmp_path, make):
    with pytest.raises(ConfigurationError, match="no such folder"):
        make(tmp_path / "none" / "out")


def test_others_may_read_what_the_umask_lets_them(tmp_path):
    old = os.umask(0o022)
    try:
        assert write(tmp_path / "a").stat().st_mode & 0o777 == 0o644
        assert fill(tmp_path / "b").stat().st_mode & 0o777 == 0o755
    finally:
        os.umask(old)
