import os

import pytest

from tomostream.beamlines.clicks import ClickedPlanes, ClickFile, Tail, click_of
from tomostream.core.geometry import Geometry, Planes
from tomostream.core.ports import Moment
from tomostream.core.slices import Click

GEOMETRY = Geometry(n_z=60, n_x=100, n_slots=10, n_out=100)
PLANES = Planes(x=50, y=51, z=30)


def moment(planes=PLANES, geometry: Geometry | None = GEOMETRY):
    return Moment(is_running=True, geometry=geometry, planes=planes)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "clicks.csv"


@pytest.fixture
def clicks(path):
    """A file that was there, with an old click, when the service came."""
    path.write_text("1,5,5\n")
    file = ClickFile(path)
    file.look()
    return file


def append(path, text):
    with path.open("a") as file:
        file.write(text)


def taken(file):
    file.look()
    return [(click.column, click.row) for click in file.take()]


@pytest.mark.parametrize(
    ("line", "planes"),
    [
        ("1,10,20", Planes(x=10, y=20, z=30)),
        ("2,110,20", Planes(x=10, y=51, z=20)),
        ("3,210,20", Planes(x=50, y=10, z=20)),
    ],
)
def test_a_line_moves_the_planes_by_the_slice_it_is_in(clicks, path, line, planes):
    companion = ClickedPlanes([clicks.take])
    assert companion.step(moment()).planes is None
    append(path, f"{line}\n")
    clicks.look()
    assert companion.step(moment()).planes == planes
    assert companion.step(moment(planes)).planes is None


def test_lines_from_before_the_start_are_old(clicks):
    assert taken(clicks) == []


def test_fault_22_a_click_file_that_is_missing_is_waited_for(path):
    file = ClickFile(path)
    assert taken(file) == []
    path.write_text("1,5,6\n")
    assert taken(file) == [(5, 6)]
    path.unlink()
    assert taken(file) == []
    path.write_text("1,5,6\n")
    assert taken(file) == [(5, 6)]
    assert file.error is None


def test_a_line_counts_once_and_when_it_is_whole(clicks, path):
    append(path, "2,12")
    assert taken(clicks) == []
    append(path, "3,4\r\n3,5,6\n")
    assert taken(clicks) == [(123, 4), (5, 6)]
    assert taken(clicks) == []


def test_the_end_of_a_line_begun_before_the_start_is_no_click(path):
    path.write_text("1,5,5\n1")
    file = ClickFile(path)
    file.look()
    append(path, "2,3,4\n3,7,8\n")
    assert taken(file) == [(7, 8)]


def test_a_file_that_is_emptied_or_replaced_is_read_from_its_beginning(clicks, path):
    path.write_text("")
    assert taken(clicks) == []
    path.write_text("1,2,3\n")
    assert taken(clicks) == [(2, 3)]
    # As long as before: a macro that writes only the newest click.
    path.write_text("2,4,3\n")
    assert taken(clicks) == [(4, 3)]
    other = path.with_name("other.csv")
    other.write_text("2,4,3\n")
    other.replace(path)
    assert taken(clicks) == [(4, 3)]


@pytest.mark.parametrize(
    "garbage",
    [
        "hello", "1,2", "1,2,3,4", "1,nan,3", "1,inf,3", "1,-2,3", "1,2,1e300", ",,",
        "\x00\xff", "1;2;3", "n,x,y", "1,1_0_,3",
    ],
)  # fmt: skip
def test_other_lines_are_counted_and_told_once(clicks, path, garbage, caplog):
    append(path, f"{garbage}\n{garbage}\n\n1,2,3\n")
    assert taken(clicks) == [(2, 3)]
    assert clicks.lines_ignored == 2
    assert caplog.text.count("expected n,x,y") == 1


def test_a_line_without_end_takes_no_memory(clicks, path):
    tail = Tail(path)
    tail.new_lines()
    append(path, "9" * 200_000)
    for _ in range(5):
        assert tail.new_lines() == []
        assert tail._place is not None
        assert len(tail._place.unfinished) <= 256
    append(path, "\n1,2,3\n")
    assert tail.new_lines() == [b"1,2,3"]


def test_only_the_newest_of_very_many_clicks_are_kept(clicks, path):
    append(path, "".join(f"1,{n},0\n" for n in range(1000)))
    assert taken(clicks)[-1] == (999, 0)


@pytest.mark.parametrize("make", ["folder", "pipe"])
def test_what_is_no_file_is_told_once_and_holds_nothing_up(path, make, caplog):
    path.mkdir() if make == "folder" else os.mkfifo(path)
    file = ClickFile(path)
    assert taken(file) == taken(file) == []
    assert caplog.text.count("cannot be read: is no regular file") == 1


def test_the_worker_ends(path):
    file = ClickFile(path)
    file.start()
    worker = file._worker
    path.write_text("1,5,6\n")
    file.stop()
    assert worker is not None
    assert not worker.is_alive
    assert file.is_connected
    assert file.error is None


@pytest.mark.parametrize(
    "click", [Click(column=110, row=60), Click(column=300, row=5)], ids=str
)
def test_a_click_beside_the_slices_changes_nothing(click):
    companion = ClickedPlanes([lambda: [click]])
    assert companion.step(moment()).planes is None


def test_clicks_of_all_sources_count_in_order():
    first, second = [Click(column=1, row=2)], [Click(column=103, row=4)]
    companion = ClickedPlanes([lambda: first, lambda: second])
    assert companion.step(moment()).planes == Planes(x=3, y=2, z=4)


def test_a_click_before_the_first_frame_is_left(caplog):
    caplog.set_level("INFO")
    companion = ClickedPlanes([lambda: [Click(column=1, row=2)]])
    companion.abort()
    assert companion.step(moment(geometry=None)).planes is None
    assert "before the first slices" in caplog.text


def test_a_place_between_pixels_is_the_pixel_it_is_in():
    assert click_of(b"1, 2.75 ,3.2") == Click(column=2, row=3)
