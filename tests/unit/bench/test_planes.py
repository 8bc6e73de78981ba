"""Cost and picture of tilted planes are written by one command."""

import pytest

from tomostream.bench.page import BEGIN, END
from tomostream.bench.planes import main
from tomostream.core.errors import ConfigurationError


def test_one_command_writes_table_and_picture(tmp_path):
    pytest.importorskip("matplotlib")
    page = tmp_path / "reference" / "planes.md"
    page.parent.mkdir()
    page.write_text(f"before\n{BEGIN}\nold\n{END}\n")
    assert main([str(page)], size=32, angles=16) == 0
    text = page.read_text()
    assert "old" not in text
    for plane in ("RotZ 1 degrees", "RotZ 89 degrees", "oblique plane"):
        assert f"| {plane} |" in text
    picture = tmp_path / "images" / "oblique-plane.png"
    assert 10_000 < picture.stat().st_size < 100_000


def test_a_page_without_markers_is_refused(tmp_path):
    page = tmp_path / "planes.md"
    page.write_text("nothing")
    with pytest.raises(ConfigurationError, match="markers"):
        main([str(page)])
