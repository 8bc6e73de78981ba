"""Clicks of a viewer, through its file and through records."""

import pytest

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]


@pytest.fixture
def planes(start, family, environment, channel_access, tmp_path, wait_until):
    """Run a service that has slices; give what reads the planes."""
    prefix, variables = f"{family}TomoStream:", environment.client()
    start("ioc", "--prefix", prefix, "--ready-json", server="ioc").wait_ready()
    start(
        "simulate", "--prefix", family, "--size", "64", "--angles", "60", "--rate",
        "60", "--ready-json", server="simulator",
    ).wait_ready()  # fmt: skip
    start(
        "serve", "--prefix", prefix, "--start", "--clicks", str(tmp_path / "clicks"),
        "--ready-json",
    ).wait_ready()  # fmt: skip

    def shown(**values):
        written = {prefix + name: value for name, value in values.items()}
        names = [f"{prefix}Ortho{axis}" for axis in "XYZ"]
        return list(channel_access(variables, names, written).values())

    state = f"{prefix}SessionState"
    wait_until(lambda: channel_access(variables, [state])[state] == "streaming", 40)
    return shown


def test_a_line_in_the_file_and_a_write_of_click_y_move_the_planes(
    planes, tmp_path, wait_until
):
    *_, z = planes()
    (tmp_path / "clicks").write_text("1,10,20\n")
    wait_until(lambda: planes() == [10, 20, z], 20)
    planes(ClickX=64 + 30, ClickY=40)
    wait_until(lambda: planes() == [30, 20, 40], 20)
    # The same place once more, after an operator has moved a plane.
    planes(OrthoX=5)
    planes(ClickX=64 + 30, ClickY=40)
    wait_until(lambda: planes() == [30, 20, 40], 20)
