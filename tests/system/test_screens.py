"""The MEDM screens in a real renderer, on records of a running IOC."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).parent / "programs" / "render_screen.py"


def _is_drawable() -> bool:
    if not all(map(find_spec, ("pydm", "adl2pydm", "PyQt5"))):
        return False
    # PyQt needs libraries of the system, which a wheel does not bring.
    probe = "import PyQt5.QtWidgets"
    return not subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, check=False
    ).returncode


pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(120),
    pytest.mark.skipif(
        not _is_drawable(),
        reason="needs PyDM, adl2pydm, PyQt5 and libgl1 libegl1 libxkbcommon0",
    ),
]


@pytest.fixture
def display(wait_until):
    """A screen of the test's own where there is Xvfb; else Qt draws into memory."""
    read, write = os.pipe()
    try:
        server = subprocess.Popen(
            ["Xvfb", "-screen", "0", "1920x1200x24", "-displayfd", str(write)],
            pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    except FileNotFoundError:
        os.close(read)
        os.close(write)
        yield {"QT_QPA_PLATFORM": "offscreen"}
        return
    os.close(write)
    with os.fdopen(read) as number:
        shown = number.readline().strip()
    assert shown, "Xvfb did not start"
    yield {"DISPLAY": f":{shown}", "QT_QPA_PLATFORM": "xcb"}
    server.terminate()
    server.wait(10)


@pytest.fixture
def show(environment, display, tmp_path):
    """Show a screen, click buttons; give what it found and the picture."""

    def one(name, macros, *buttons):
        picture = tmp_path / f"{name}.png"
        done = subprocess.run(
            [sys.executable, str(PROGRAM), str(ROOT / "adl" / f"{name}.adl"),
             ",".join(f"{k}={v}" for k, v in macros.items()), str(picture), *buttons],
            env=os.environ | environment.client() | display, cwd=tmp_path,
            capture_output=True, text=True, timeout=90, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        with Image.open(picture) as image:
            return json.loads(done.stdout.splitlines()[-1]), image.copy()

    return one


@pytest.fixture
def records(start, family):
    """Our IOC; gives P and R."""
    ioc = start("ioc", "--prefix", f"{family}TomoStream:", "--ready-json", server="ioc")
    ioc.wait_ready()
    return {"P": family, "R": "TomoStream:", "TOMO_SCAN": f"{family}TomoScanStream:"}


def test_the_tomoscan_screen_reaches_the_streaming_scan(show, start, records):
    family = records["P"]
    start(
        "simulate", "--size", "16", "--prefix", family, "--ready-json",
        server="simulator",
    ).wait_ready()  # fmt: skip
    found, _ = show("tomoStreamScan", records)
    assert found["lost"] == []


@pytest.mark.parametrize("name", ["tomoStream_2BM", "tomoStreamLens_2BM"])
def test_the_shipped_templates_feed_the_screens_of_2bm(show, template_ioc, name):
    found, _ = show(name, template_ioc())
    assert found["lost"] == []


@pytest.mark.parametrize(
    "name",
    ["tomoStream", "tomoStream_7BM", "tomoStreamStatus", "tomoStreamEPICS_PVs"],
)
def test_every_channel_of_a_screen_connects(show, records, name):
    found, picture = show(name, records)
    assert found["lost"] == []
    assert found["channels"] > 5
    # Drawn, and not one colour.
    assert len(picture.convert("P").getcolors()) > 5


def test_a_click_changes_the_record(show, records, environment, channel_access):
    prefix = f"{records['P']}{records['R']}"
    names = [f"{prefix}{n}" for n in ("Center", "StartRecon", "AbortRecon")]
    before = channel_access(environment.client(), names, {names[0]: 100.0})
    assert list(before.values()) == [100.0, "Done", "No"]

    show("tomoStream", records, "+", "+", "-", "Start")

    after = channel_access(environment.client(), names)
    assert list(after.values())[:2] == [100.5, "Acquire"]


@pytest.mark.parametrize("server", ["ours", "template"])
def test_clicks_drive_a_reconstruction_from_start_to_abort(
    show, running, environment, channel_access, pva_client, wait_until, server
):
    beamline, service = running(server)
    macros = {"P": beamline.p, "R": beamline.r, "TOMO_SCAN": beamline.tomoscan}
    slices = pva_client(environment.client())

    def click(*actions):
        found, _ = show("tomoStream", macros, *actions)
        assert found["lost"] == []

    def shown(name):
        record = beamline.prefix + name
        return channel_access(environment.client(), [record])[record]

    def published():
        array = slices.get(f"{beamline.prefix}StreamRecon")
        return {a.name: a.value for a in array.attribute}

    def are(**wanted):
        return lambda: wanted.items() <= published().items()

    click("Start")
    wait_until(lambda: shown("SessionState") == "streaming")
    wait_until(are(SlotsFilled=60, OrthoX=32, OrthoY=32, FilterType="Parzen"))
    session = published()["Session"]
    # The sliders end where the frames do.
    click("Center=30", "+", "+", "-", "OrthoX:End", "OrthoY:Home", "OrthoZ=7",
          "FilterType=Ramp", "RotX=45", "Empty ring")  # fmt: skip
    wait_until(are(
        Center=30.5, OrthoX=63, OrthoY=0, OrthoZ=7, FilterType="Ramp", SlotsFilled=60,
        Session=session + 1,
    ))  # fmt: skip
    assert (shown("RotX"), shown("StartRecon")) == (45.0, "Acquire")
    click("Abort")
    wait_until(lambda: shown("StartRecon") == "Done")
    assert shown("SessionState") == "idle"
    assert service.text.count("stopped by the operator") == 1
    assert "Traceback" not in service.text
