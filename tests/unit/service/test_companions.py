import pytest

from tomostream.core.geometry import Planes
from tomostream.core.health import RejectReason
from tomostream.core.ports import Command, Wish
from tomostream.testing.loop_rig import LoopRig


class Friend:
    """A companion that wishes what a test says."""

    def __init__(self):
        self.wish = Wish()
        self.moments = []
        self.aborts = 0

    def step(self, moment):
        self.moments.append(moment)
        return self.wish

    def abort(self):
        self.aborts += 1


@pytest.fixture
def friend():
    return Friend()


@pytest.fixture
def bench(friend):
    rig = LoopRig()
    rig.loop.accompany(friend)
    rig.start()
    rig.scan()
    rig.send_frames(range(1, 11))
    return rig


def test_a_companion_knows_the_session_and_the_planes(bench, friend):
    moment = friend.moments[-1]
    assert moment.is_running
    assert moment.geometry.n_x == 8
    assert moment.planes == Planes(x=4, y=4, z=1)


def test_frames_are_counted_and_not_used_while_it_pauses(bench, friend):
    friend.wish = Wish(is_paused=True, note="the lens moves")
    bench.send_frames(range(11, 16))
    assert bench.rejected(RejectReason.PAUSED) == 5
    assert len(bench.engine.slots) == 10
    assert bench.loop.state == "waiting"
    assert "the lens moves" in bench.status
    assert bench.is_conserved()


def test_the_ring_begins_anew_after_a_pause(bench, friend):
    session = bench.controls.readings["Session"]
    friend.wish = Wish(is_paused=True)
    bench.step()
    friend.wish = Wish()
    bench.send_frames(range(20, 23))
    assert len(bench.engine.slots) == 3
    bench.health()
    assert bench.controls.readings["Session"] == session + 1


def test_planes_that_it_wishes_are_shown_and_written_back(bench, friend):
    friend.wish = Wish(planes=Planes(x=1, y=2, z=0))
    bench.step()
    friend.wish = Wish()
    bench.step(3)
    shown = bench.controls.shown
    assert (shown.ortho_x, shown.ortho_y, shown.ortho_z) == (1, 2, 0)
    assert bench.engine.parameters.planes == Planes(x=1, y=2, z=0)


def test_what_it_refuses_is_told_and_alarms(bench, friend):
    said = "LensChangeMaxMove: expected a finite number, got nan; 5 mm stays in use"
    friend.wish = Wish(refusals=(said,))
    assert said in bench.status
    readings = bench.controls.readings
    assert (readings["ErrorText"], readings["ParametersRefused"]) == (said, 1)
    friend.wish = Wish()
    assert said not in bench.status
    assert (readings["ErrorText"], readings["ParametersRefused"]) == ("", 0)


def test_an_abort_reaches_it(bench, friend):
    bench.controls.press(Command.ABORT)
    bench.step()
    assert friend.aborts == 1
