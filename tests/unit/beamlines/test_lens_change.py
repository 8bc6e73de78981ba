import pytest

from tomostream.beamlines.lens_change import (
    LensChange,
    LensChangeNames,
    LensChangeState,
    LensChangeWishes,
)
from tomostream.beamlines.lens_records import LensChangeCompanion
from tomostream.core.geometry import Geometry, Planes
from tomostream.core.ports import Moment
from tomostream.testing.fakes import FakeClock

NAMES = LensChangeNames(
    mct_optics="optics:", tomo_0_deg="m:x", tomo_90_deg="m:y", sample_y="m:z",
    roi_plugin="roi:",
)  # fmt: skip
GEOMETRY = Geometry(n_z=100, n_x=200, n_slots=10, n_out=200)
PLANES = Planes(x=120, y=70, z=60)
# 2 um pixels behind a 10x objective, binned by 2: 0.4 um.
PIXEL_MM = 0.0004


class Record:
    """A process variable in memory."""

    def __init__(self, name, value):
        self.name, self.value, self.puts = name, value, []

    def put(self, value):
        self.puts.append(value)
        self.value = value


class Stage:
    """Simulated motors that move with the clock, and mctOptics."""

    def __init__(self):
        self.clock = FakeClock()
        self.records = {}
        for motor, position in (("m:x", 1.0), ("m:y", 2.0), ("m:z", 3.0)):
            for field, value in (
                ("VAL", position), ("RBV", position), ("DMOV", 1), ("LLM", -10.0),
                ("HLM", 10.0), ("RDBD", 1e-5), ("STOP", 0),
            ):  # fmt: skip
                self.set(f"{motor}.{field}", value)
        self.set("optics:LensSelect", 0)
        self.set("optics:DetectorPixelSize", 2.0)
        self.set("optics:CameraObjective", "10x")
        self.set("optics:LensMotorPVName", "m:lens")
        self.set("m:lens.DMOV", 1)
        self.set("roi:BinX", 2)
        self.wishes = LensChangeWishes(is_synchronised=True)
        self.readings = []
        self.planes = PLANES
        self.is_running = True
        self.speed_mm_s = 0.01
        self.change = LensChange(
            NAMES, self.variable, clock=self.clock, wishes=lambda: self.wishes,
            report=self.readings.append,
        )  # fmt: skip

    def variable(self, name, *, is_text=False, is_optional=False):
        return self.records.setdefault(name, Record(name, None))

    def set(self, name, value):
        self.variable(name).value = value

    def step(self, seconds=0.1):
        moment = Moment(
            is_running=self.is_running, geometry=GEOMETRY, planes=self.planes
        )
        wish = self.change.step(moment)
        self.planes = wish.planes or self.planes
        self.clock.advance(seconds)
        for motor in ("m:x", "m:y", "m:z"):
            self._drive(motor, seconds)
        return wish

    def _drive(self, motor, seconds):
        target, at = (self.records[f"{motor}.{f}"] for f in ("VAL", "RBV"))
        if self.records[f"{motor}.STOP"].value:
            target.value = at.value
        way = target.value - at.value
        most = self.speed_mm_s * seconds
        at.value += min(max(way, -most), most)
        self.set(f"{motor}.DMOV", int(abs(target.value - at.value) < 1e-9))

    def run(self, seconds):
        return [self.step() for _ in range(round(seconds / 0.1))]

    def choose_lens(self, number):
        self.step()
        self.set("optics:LensSelect", number)
        self.set("m:lens.DMOV", 0)

    @property
    def positions(self):
        return [self.records[f"m:{m}.RBV"].value for m in "xyz"]

    @property
    def message(self):
        return self.readings[-1]["LensChangeMessage"]


@pytest.fixture
def stage():
    return Stage()


def test_the_point_where_the_planes_cross_goes_to_the_middle(stage):
    stage.choose_lens(1)
    wishes = stage.run(10.0)
    # x and z along, y against the planes' offsets, as 2-BM's stages stand.
    assert stage.positions == pytest.approx(
        [1.0 + 20 * PIXEL_MM, 2.0 + 30 * PIXEL_MM, 3.0 + 10 * PIXEL_MM], abs=1e-6
    )
    assert stage.planes == Planes.middle(GEOMETRY)
    assert all(w.is_paused for w in wishes)
    assert stage.change.state is LensChangeState.WAITING
    stage.set("m:lens.DMOV", 1)
    assert not stage.step().is_paused
    assert stage.change.state is LensChangeState.IDLE
    assert "lens changed" in stage.message


def test_the_objective_of_the_lens_before_counts(stage):
    stage.choose_lens(1)
    stage.set("optics:CameraObjective", "2x")
    stage.run(10.0)
    assert stage.positions[0] == pytest.approx(1.0 + 20 * PIXEL_MM)


def test_without_synchronisation_it_only_waits_for_the_lens(stage):
    stage.wishes = LensChangeWishes(is_synchronised=False)
    stage.choose_lens(1)
    assert all(w.is_paused for w in stage.run(5.0))
    assert stage.positions == [1.0, 2.0, 3.0]
    stage.set("m:lens.DMOV", 1)
    assert not stage.step().is_paused
    assert stage.planes == PLANES


def test_a_dry_run_says_the_moves_and_makes_none(stage):
    stage.wishes = LensChangeWishes(is_synchronised=True, is_dry_run=True)
    stage.choose_lens(1)
    stage.run(1.0)
    assert "dry run: m:z 3 -> 3.004, m:x 1 -> 1.008, m:y 2 -> 2.012" in stage.message
    assert stage.positions == [1.0, 2.0, 3.0]
    assert stage.planes == PLANES


@pytest.mark.parametrize(
    ("record", "value", "message"),
    [
        ("m:x.HLM", 1.001, "m:x would go to 1.008, its limits are -10 to 1.001"),
        ("m:y.DMOV", None, "m:y is not connected"),
        ("optics:DetectorPixelSize", 0.0, "pixel size, binning or objective"),
        ("roi:BinX", None, "pixel size, binning or objective"),
    ],
)
def test_an_impossible_move_is_refused_and_no_motor_moves(
    stage, record, value, message
):
    stage.choose_lens(1)
    stage.set(record, value)
    stage.change.step(Moment(is_running=True, geometry=GEOMETRY, planes=stage.planes))
    assert stage.change.state is LensChangeState.WAITING
    assert message in stage.message
    assert all(not r.puts for r in stage.records.values())


def test_a_move_that_is_too_far_is_refused(stage):
    stage.wishes = LensChangeWishes(is_synchronised=True, max_move_mm=0.01)
    stage.choose_lens(1)
    stage.run(1.0)
    assert "m:y would move 0.012 mm, LensChangeMaxMove is 0.01" in stage.message
    assert stage.positions == [1.0, 2.0, 3.0]


def test_motors_that_are_late_are_stopped_and_it_is_told(stage):
    stage.speed_mm_s = 0.0
    stage.wishes = LensChangeWishes(is_synchronised=True, timeout_s=5.0)
    stage.choose_lens(1)
    wishes = stage.run(6.0)
    assert stage.change.state is LensChangeState.FAILED
    assert "not there in time: m:z 3 -> 3.004" in stage.message
    assert all(stage.records[f"m:{m}.STOP"].puts == [1] for m in "xyz")
    assert not wishes[-1].is_paused
    assert stage.planes == PLANES


def test_a_lens_that_never_comes_ends_the_pause(stage):
    stage.wishes = LensChangeWishes(is_synchronised=False, timeout_s=5.0)
    stage.choose_lens(1)
    wishes = stage.run(6.0)
    assert stage.change.state is LensChangeState.FAILED
    assert "m:lens is not done in time" in stage.message
    assert not wishes[-1].is_paused


def test_an_abort_stops_the_motors_and_goes_on(stage):
    stage.speed_mm_s = 1e-4
    stage.choose_lens(1)
    stage.run(1.0)
    stage.change.abort()
    assert stage.change.state is LensChangeState.ABORTED
    assert all(stage.records[f"m:{m}.STOP"].puts == [1] for m in "xyz")
    assert not stage.step().is_paused
    assert stage.planes == PLANES


def test_a_change_while_nothing_runs_moves_nothing(stage):
    stage.is_running = False
    stage.choose_lens(1)
    stage.run(5.0)
    stage.is_running = True
    stage.run(1.0)
    assert stage.change.state is LensChangeState.IDLE
    assert stage.positions == [1.0, 2.0, 3.0]


def test_the_first_lens_that_is_seen_is_no_change(stage):
    stage.set("optics:LensSelect", None)
    stage.step()
    stage.set("optics:LensSelect", 2)
    assert not any(w.is_paused for w in stage.run(1.0))


def test_a_lens_that_is_quick_to_begin_late_is_waited_for(stage):
    # LensSelect changes first; DMOV goes to 0 a second later.
    stage.wishes = LensChangeWishes(is_synchronised=False)
    stage.step()
    stage.set("optics:LensSelect", 1)
    stage.run(1.0)
    stage.set("m:lens.DMOV", 0)
    assert all(w.is_paused for w in stage.run(3.0))
    stage.set("m:lens.DMOV", 1)
    assert not stage.step().is_paused


def companion(stage, **settings):
    for record, value in (
        ("MctOpticsPVPrefix", "optics:"), ("SampleTomo0degPVName", "m:x"),
        ("SampleTomo90degPVName", "m:y"), ("SampleYPVName", "m:z"),
        ("RoiPluginPVPrefix", "roi:"), ("LensChangeSync", 1), ("LensChangeDryRun", 0),
        ("LensChangeMaxMove", 5.0), ("LensChangeTimeout", 60.0),
    ):  # fmt: skip
        stage.set(f"P:{record}", settings.get(record, value))
    return LensChangeCompanion("P:", stage.variable, stage.clock)


def test_the_records_name_what_is_moved_and_show_what_is_done(stage):
    stage.change = companion(stage)
    stage.choose_lens(1)
    stage.run(10.0)
    assert stage.positions[0] == pytest.approx(1.0 + 20 * PIXEL_MM)
    assert stage.records["P:LensChangeState"].value == 2
    stage.set("m:lens.DMOV", 1)
    stage.step()
    assert stage.records["P:LensChangeState"].value == 0
    assert "lens changed" in stage.records["P:LensChangeMessage"].value


@pytest.mark.parametrize("setting", ["LensChangeDryRun", "LensChangeSync"])
def test_nothing_moves_while_a_setting_is_not_known(stage, setting):
    stage.change = companion(stage, **{setting: None})
    stage.choose_lens(1)
    stage.run(5.0)
    assert stage.positions == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("before", "kept"), [(0.0001, "0.0001 mm"), (None, "the first value")]
)
def test_a_limit_that_is_no_number_leaves_the_one_before_it(stage, before, kept):
    stage.change = companion(stage, LensChangeMaxMove=before)
    stage.planes = Planes(x=120, y=70, z=60) if before else Planes(x=99999, y=70, z=60)
    stage.step()
    stage.set("P:LensChangeMaxMove", float("nan"))
    (refusal,) = stage.step().refusals
    assert f"LensChangeMaxMove: expected a finite number, got nan; {kept}" in refusal
    stage.choose_lens(1)
    stage.run(5.0)
    assert stage.positions == [1.0, 2.0, 3.0]
    stage.set("P:LensChangeMaxMove", 5.0)
    assert stage.step().refusals == ()


def old_ioc(stage):
    """Give the records of an IOC that was made for the server before this one."""
    stage.change = companion(
        stage, LensChangeDryRun=None, LensChangeMaxMove=None, LensChangeTimeout=None
    )


def test_an_ioc_without_a_dry_run_moves_the_sample_and_says_so(stage):
    old_ioc(stage)
    assert stage.step().note.startswith("lens change is a dry run")
    notes = [wish.note for wish in stage.run(10.2)]
    assert notes[-1] == "lens change moves the sample: the IOC has no LensChangeDryRun"
    stage.choose_lens(1)
    stage.run(10.0)
    assert stage.positions == pytest.approx(
        [1.0 + 20 * PIXEL_MM, 2.0 + 30 * PIXEL_MM, 3.0 + 10 * PIXEL_MM], abs=1e-6
    )


def test_an_ioc_without_a_dry_run_keeps_the_limit_of_a_move(stage):
    old_ioc(stage)
    stage.run(10.2)
    stage.set("optics:DetectorPixelSize", 2000.0)
    stage.choose_lens(1)
    assert "LensChangeMaxMove is 5" in stage.run(1.0)[-1].note
    assert stage.positions == [1.0, 2.0, 3.0]


def test_nothing_moves_while_an_ioc_may_still_have_a_dry_run(stage):
    old_ioc(stage)
    stage.run(5.0)
    stage.choose_lens(1)
    assert "dry run: m:z" in stage.run(1.0)[-1].note
    assert stage.positions == [1.0, 2.0, 3.0]


def test_a_dry_run_that_was_seen_once_is_not_forgotten(stage):
    stage.change = companion(stage, LensChangeDryRun=1)
    assert stage.step().note == "lens change is a dry run"
    stage.set("P:LensChangeDryRun", None)
    notes = [wish.note for wish in stage.run(60.0)]
    assert notes[-1].endswith("LensChangeDryRun is not connected")
    stage.choose_lens(1)
    stage.run(5.0)
    assert stage.positions == [1.0, 2.0, 3.0]


def test_without_synchronisation_nothing_is_said(stage):
    stage.change = companion(stage, LensChangeSync=0, LensChangeDryRun=None)
    assert not any(wish.note for wish in stage.run(20.0))


def test_it_waits_for_the_names(stage):
    stage.change = companion(stage, SampleYPVName=None)
    stage.choose_lens(1)
    assert not any(w.is_paused for w in stage.run(1.0))
    stage.change.abort()
