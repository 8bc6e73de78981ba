import logging

import pytest

from tomostream.app.log import set_up_log
from tomostream.core.errors import ConfigurationError


@pytest.fixture(autouse=True)
def _quiet_again():
    yield
    set_up_log(to_terminal=False)


def test_the_log_rotates(tmp_path):
    file = tmp_path / "logs" / "tomostream.log"
    set_up_log(file, megabytes=0.001, kept=2, to_terminal=False)
    for number in range(200):
        logging.getLogger("tomostream.test").info("line: %d", number)
    files = sorted(p.name for p in file.parent.iterdir())
    assert files == ["tomostream.log", "tomostream.log.1", "tomostream.log.2"]
    assert max(p.stat().st_size for p in file.parent.iterdir()) <= 1000


def test_a_log_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        set_up_log(tmp_path / "file" / "x.log")


def test_the_level_is_kept(tmp_path):
    file = tmp_path / "tomostream.log"
    set_up_log(file, "warning", to_terminal=False)
    logging.getLogger("tomostream.test").info("not this")
    logging.getLogger("tomostream.test").warning("but this")
    assert "not this" not in file.read_text()
    assert "but this" in file.read_text()
