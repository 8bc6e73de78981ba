"""What an installation says where it cannot be done."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CMAKE, NINJA = shutil.which("cmake"), shutil.which("ninja")

pytestmark = [
    pytest.mark.skipif(not (CMAKE and NINJA), reason="cmake and ninja are not here"),
    pytest.mark.skipif(
        not (ROOT / "CMakeLists.txt").is_file(), reason="the sources are not beside"
    ),
]


def said_when_configuring(build, *settings, environment=None):
    """Configure in vain; give what was said, in one line."""
    configured = subprocess.run(
        [str(CMAKE), "-S", str(ROOT), "-B", str(build), "-G", "Ninja",
         f"-DCMAKE_MAKE_PROGRAM={NINJA}", *settings],
        env=environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert configured.returncode != 0
    return " ".join(configured.stderr.split())


def test_without_a_compiler_it_says_what_to_install(tmp_path):
    # No program at all can be found, but those that are named.
    said = said_when_configuring(
        tmp_path / "build", environment={"PATH": str(tmp_path)}
    )
    assert "needs a C++20 compiler to be installed from source" in said
    assert "apt-get install g++" in said


def test_without_the_headers_of_python_it_says_what_to_install(tmp_path):
    said = said_when_configuring(
        tmp_path / "build", f"-DPython_EXECUTABLE={sys.executable}",
        f"-DPython_INCLUDE_DIR={tmp_path}",
    )  # fmt: skip
    assert "apt-get install python3-dev" in said
