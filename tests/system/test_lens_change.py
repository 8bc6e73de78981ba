"""2-BM's lens change, with its records, motors and request files."""

import re
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tomostream.app.environment import LoopbackEnvironment

PROGRAM = Path(__file__).parent / "programs" / "stage.py"
SHIPPED = Path(__file__).parents[2] / "iocBoot" / "db" / "tomoStream_2BM.template"

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(180),
    pytest.mark.skipif(find_spec("caproto") is None, reason="needs caproto"),
]

# As a beamline's own files are.
SETTINGS = """\
$(P)$(R)TomoScanPVPrefix
$(P)$(R)ImagePVAPName
$(P)$(R)Center
#controlPV $(P)$(R)StartRecon
#controlPV $(P)$(R)ReconTime
# a remark
"""
SETTINGS_2BM = """\
$(P)$(R)LensChangeSync
$(P)$(R)MctOpticsPVPrefix
#controlPV $(P)$(R)SampleTomo0degPVName
"""
# 1000 um of the camera behind 10x and 5x.
PIXEL_10X, PIXEL_5X = 0.1, 0.2


@pytest.fixture
def environment():
    return LoopbackEnvironment.find(ca_servers=("ioc", "simulator", "stage"))


class Station:
    """Words for what happens at the beamline."""

    def __init__(self, family, call):
        self.family, self._call = family, call
        self.records = f"{family}TomoStream:"

    def set(self, **values):
        self._call([], {self.records + name: value for name, value in values.items()})

    def shown(self, *names):
        return list(self._call([self.records + name for name in names]).values())

    def planes(self):
        return self.shown("OrthoX", "OrthoY", "OrthoZ")

    def place_planes(self, *planes):
        self.set(OrthoX=planes[0], OrthoY=planes[1], OrthoZ=planes[2])

    def choose_lens(self, number):
        self._call([], {f"{self.family}MCTOptics:LensSelect": number})

    def motors(self, field=".RBV"):
        return list(
            self._call([f"{self.family}m{n}{field}" for n in (1, 2, 3)]).values()
        )

    def set_speed(self, speed):
        self._call([], {f"{self.family}m{n}.VELO": speed for n in (1, 2, 3)})

    def message(self):
        return self.shown("LensChangeMessage")[0]


def old_template(folder):
    """Give 2-BM's records as they were before this service."""
    text = SHIPPED.read_text(encoding="ascii")
    records = re.findall(r"record\(.*?\n}\n", text, re.DOTALL)
    new = ("DryRun", "MaxMove", "Timeout", "State", "Message")
    kept = [r for r in records if not any(f"LensChange{n}" in r for n in new)]
    assert len(kept) == len(records) - len(new)
    path = folder / "old_2BM.template"
    path.write_text("\n".join(kept), encoding="ascii")
    return path


@pytest.fixture
def station(
    request, start, template_ioc, family, environment, channel_access, tmp_path,
    wait_until,
):  # fmt: skip
    """Run IOC, camera, motors and service until slices come."""
    is_old = getattr(request, "param", "new") == "old"

    def call(names, values=None):
        return channel_access(environment.client(), names, values)

    start(
        family, program=[sys.executable, str(PROGRAM)], server="stage"
    ).wait_ready()  # fmt: skip
    template_ioc(*([old_template(tmp_path)] if is_old else []))
    scan = f"{family}TomoScanStream:"
    start(
        "simulate", "--prefix", family, "--size", "64", "--angles", "60", "--rate",
        "60", "--ready-json", server="simulator",
    ).wait_ready()  # fmt: skip
    station = Station(family, call)
    station.set(
        ImagePVAPName=f"{scan}ImagePVAPrefix", DarkPVAName=f"{scan}StreamDarkFields",
        FlatPVAName=f"{scan}StreamFlatFields", ThetaPVAName=f"{scan}StreamTheta",
        LensChangeSync=1, **({} if is_old else {"LensChangeDryRun": 0}),
    )  # fmt: skip
    files = []
    for name, text in (("", SETTINGS), ("_2BM", SETTINGS_2BM)):
        path = tmp_path / f"tomoStream{name}_settings.req"
        path.write_text(text)
        files += ["--settings", str(path)]
    macros = f"P={family},R=TomoStream:"
    start("serve", *files, "--macros", macros, "--ready-json").wait_ready()
    station.set(StartRecon=1)
    wait_until(lambda: station.shown("SessionState") == ["streaming"], 40)
    return station


def is_over(station, state):
    """Give a condition: the change has come to this state, and slices go on."""
    wanted = [state, "streaming"]
    return lambda: station.shown("LensChangeState", "SessionState") == wanted


def test_the_sample_follows_the_lens(station, wait_until):
    # A dry run: the moves are said, none is made, and slices go on with a new ring.
    (session,) = station.shown("Session")
    station.place_planes(40, 20, 42)
    station.set(LensChangeDryRun=1)
    station.choose_lens(1)
    wait_until(lambda: "dry run" in station.message(), 10)
    assert station.shown("SessionState") == ["waiting"]
    m = station.family
    for move in (f"{m}m3 3 -> 4", f"{m}m1 1 -> 1.8", f"{m}m2 2 -> 3.2"):
        assert move in station.message()
    wait_until(is_over(station, "idle"), 20)
    assert station.motors() == [1.0, 2.0, 3.0]
    assert station.planes() == [40, 20, 42]
    assert station.shown("Session")[0] > session

    # In earnest, from the 5x lens to the 10x one.
    (session,) = station.shown("Session")
    station.set(LensChangeDryRun=0)
    station.set_speed(2.0)
    station.choose_lens(0)
    wait_until(lambda: station.shown("LensChangeState") == ["moving"], 10)
    wait_until(is_over(station, "idle"), 20)
    assert station.motors() == pytest.approx(
        [1 + 8 * PIXEL_5X, 2 + 12 * PIXEL_5X, 3 + 10 * PIXEL_5X]
    )
    assert station.planes() == [32, 32, 32]
    assert station.shown("Session")[0] > session
    assert "lens changed" in station.message()


def test_the_sample_stays_where_it_must(station, wait_until):
    # Too far: said, and not done.
    station.place_planes(60, 32, 32)
    station.set(LensChangeMaxMove=1.0)
    station.choose_lens(1)
    wait_until(lambda: "LensChangeMaxMove is 1" in station.message(), 10)
    wait_until(is_over(station, "idle"), 20)
    assert station.motors() == [1.0, 2.0, 3.0]

    # A motor that hangs.
    station.set(LensChangeMaxMove=10.0, LensChangeTimeout=2)
    station.set_speed(0.0)
    station.choose_lens(0)
    wait_until(is_over(station, "failed"), 20)
    assert "motors stopped, not there in time" in station.message()
    assert station.motors(":Stops") == [1, 1, 1]
    assert station.motors() == [1.0, 2.0, 3.0]
    assert station.planes() == [60, 32, 32]

    # Abort ends the session, and the motors' way.
    station.set(LensChangeTimeout=60)
    station.set_speed(0.05)
    station.choose_lens(1)
    wait_until(lambda: station.shown("LensChangeState") == ["moving"], 10)
    station.set(AbortRecon=1)
    ended = ["aborted", "Done"]
    wait_until(lambda: station.shown("LensChangeState", "StartRecon") == ended, 10)
    wait_until(lambda: station.motors(":Stops") == [2, 2, 2], 10)
    assert station.motors(".DMOV") == [1, 1, 1]
    assert station.motors()[0] < 1 + 28 * PIXEL_10X
    assert station.planes() == [60, 32, 32]


@pytest.mark.parametrize("station", ["old"], indirect=True)
def test_at_the_ioc_in_use_the_sample_moves_and_the_status_says_so(station, wait_until):
    def status():
        return station.shown("ReconStatus")[0]

    wait_until(lambda: "lens change moves the sample" in status(), 20)
    # Records that such an IOC does not have are not missed.
    assert "not connected" not in status()
    station.place_planes(40, 20, 42)
    station.choose_lens(1)
    wait_until(lambda: f"{station.family}m3 3 -> 4" in status(), 10)
    wait_until(lambda: station.shown("SessionState") == ["streaming"], 20)
    assert station.motors() == pytest.approx(
        [1 + 8 * PIXEL_10X, 2 + 12 * PIXEL_10X, 3 + 10 * PIXEL_10X]
    )
    assert station.planes() == [32, 32, 32]
