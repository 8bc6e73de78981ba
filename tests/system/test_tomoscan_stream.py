"""A tomoScan stream server at work: what it changes while the sample turns."""

from itertools import pairwise

import numpy as np
import pytest

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]


class Beamline:
    """Records, simulator and service, and words for what an operator sees."""

    def __init__(self, start, family, client, channel_access, variables, folder):
        self._folder = folder
        self._access, self._variables = channel_access, variables
        self._client = client
        self.records = f"{family}TomoStream:"
        self.scan = f"{family}TomoScanStream:"
        self._start, self._family = start, family

    def run(self, *options, guard_ms=0):
        start, config = self._start, self._folder / "service.yaml"
        config.write_text(
            f'prefix: "{self.records}"\nstart_at_once: true\n'
            f"frame_type_guard_ms: {guard_ms}\n"
        )
        start(
            "ioc", "--prefix", self.records, "--ready-json", server="ioc"
        ).wait_ready()
        self.simulator = start(
            "simulate", "--prefix", self._family, "--size", "64", "--angles", "60",
            "--rate", "60", *options, "--ready-json", server="simulator",
        )  # fmt: skip
        self.simulator.wait_ready()
        self.service = start("serve", "--config", str(config), "--ready-json")
        self.service.wait_ready()

    def shown(self, *names):
        """Give records below our prefix."""
        full = [self.records + name for name in names]
        return list(self._access(self._variables, full).values())

    def press(self, **values):
        """Write records of tomoScan."""
        self._access(
            self._variables, [], {self.scan + name: v for name, v in values.items()}
        )

    def first_id(self):
        """Give tomoScan's FirstProjid."""
        return self._access(self._variables, [self.scan + "FirstProjid"]).popitem()[1]

    def follow(self):
        """Note id and angle of the newest frame in all slices from now on."""
        seen = []

        def note(array):
            said = {a.name: a.value for a in array.attribute}
            if "LastProjectionId" in said:
                seen.append((said["LastProjectionId"], said["Angle"]))

        self._client.monitor(f"{self.records}StreamRecon", note)
        return seen

    def published(self):
        """Give shape and attributes of the newest slices."""
        array = self._client.get(f"{self.records}StreamRecon")
        columns, rows = (d.size for d in array.dimension)
        self.spread = float(np.std(array.value))
        return (rows, columns), {a.name: a.value for a in array.attribute}


@pytest.fixture
def beamline(start, family, pva_client, environment, channel_access, tmp_path):
    variables = environment.client()
    client = pva_client(variables)
    return Beamline(start, family, client, channel_access, variables, tmp_path)


def test_step_binning_and_fields_change_while_the_sample_turns(beamline, wait_until):
    beamline.run(
        "--separate-puts", "--frame-type-delay", "0.1", "--table-delay", "0.3",
        "--field-frames", "8", guard_ms=250,
    )  # fmt: skip
    shown = beamline.shown
    wait_until(lambda: shown("SlotsFilled", "SlotsTotal") == [60, 60], 60)
    assert shown("SessionState", "Corrected") == ["streaming", "corrected"]
    _, attributes = beamline.published()
    session, center = attributes["Session"], attributes["Center"]
    spread = beamline.spread

    # A retake: frames of other kinds never enter, the view goes on. What is within the
    # guard around a FrameType that comes late cannot be told, and is left out.
    beamline.press(RetakeDarkFlat=1)
    wait_until(lambda: sum(shown("RejectedFrameType", "RejectedGuard")) >= 16)
    wait_until(lambda: shown("SlotsStale")[0] == 0, 20)
    assert beamline.published()[1]["Session"] == session
    # A dark frame among the projections is many times as bright as the sample.
    assert beamline.spread == pytest.approx(spread, rel=0.3)
    assert shown("SessionState", "RejectedFailed", "FramesMissing") == [
        "streaming", 0, 0,
    ]  # fmt: skip

    # StreamSync: another step while rotating; ids from FirstProjid on have new angles.
    beamline.press(NumAngles=90)
    beamline.press(StreamSync=1)
    wait_until(lambda: shown("SlotsFilled", "SlotsTotal") == [90, 90], 30)
    assert beamline.published()[1]["Session"] > session
    assert shown("RejectedNoAngle")[0] == 0

    # Binning: frames are smaller at once, dark and flat follow.
    beamline.press(StreamBinning=1)
    wait_until(lambda: beamline.published()[0] == (32, 96), 30)
    wait_until(lambda: shown("Corrected")[0] == "corrected", 30)
    wait_until(lambda: shown("SlotsFilled")[0] == 90, 30)
    _, attributes = beamline.published()
    # Pixel centres are whole numbers, so the half pixel travels along.
    assert attributes["Center"] == pytest.approx((center + 0.5) / 2 - 0.5)
    assert shown("Center")[0] == pytest.approx(attributes["Center"])
    assert beamline.service.end() == 0
    assert "Traceback" not in beamline.service.text
    assert "Traceback" not in beamline.simulator.text


@pytest.mark.parametrize("late", ["--table-delay", "--first-id-delay"])
def test_no_slice_has_an_angle_of_another_scan(beamline, wait_until, late):
    """FirstProjid and its table come in either order, and 0.4 s apart."""
    beamline.run(late, "0.4")
    seen = beamline.follow()
    wait_until(lambda: len(seen) > 20, 40)
    scans = [(beamline.first_id(), 180 / 60)]
    for n_angles in (90, 60):
        beamline.press(NumAngles=n_angles)
        beamline.press(StreamSync=1)
        wait_until(lambda: beamline.first_id() != scans[-1][0])
        scans.append((beamline.first_id(), 180 / n_angles))
        wait_until(lambda: seen[-1][0] > scans[-1][0] + 20)

    def angle_deg(frame_id):
        first_id, step_deg = max(scan for scan in scans if scan[0] <= frame_id)
        return (frame_id - first_id) * step_deg

    wrong = [(i, a, angle_deg(i)) for i, a in seen if abs(a - angle_deg(i)) > 1e-3]
    assert not wrong
    # Frames waited for what they were placed by; none was given up.
    assert beamline.shown("RejectedNoAngle", "FramesMissing") == [0, 0]
    assert "Traceback" not in beamline.service.text


def test_lost_frames_cost_themselves_only(beamline, wait_until):
    beamline.run("--lose-every", "7")
    wait_until(lambda: beamline.shown("FramesMissing")[0] > 20, 60)
    missing, received = beamline.shown("FramesMissing", "FramesReceived")
    assert missing == pytest.approx(received / 6, rel=0.2)
    assert beamline.shown("SessionState") == ["streaming"]
    _, attributes = beamline.published()
    # The slot of a lost frame keeps its old one for half a turn, which is told.
    assert 0 < attributes["SlotsStale"] < 15
    assert 0.7 < attributes["Completeness"] < 1


def test_channels_that_go_and_come_again_cost_the_frames_in_between(
    beamline, wait_until
):
    """The camera counts on; the angles are still those of their ids."""
    # They are there long enough to be seen so on busy cores.
    away_s, every_s = 4.0, 14.0
    beamline.run("--disconnect-every", str(every_s), "--disconnect-for", str(away_s))
    shown = beamline.shown
    seen = beamline.follow()
    for _ in range(2):
        wait_until(lambda: shown("SessionState")[0] == "streaming", 40)
        connections = [f"{k}Connection" for k in ("Image", "Dark", "Flat", "Theta")]
        wait_until(lambda n=connections: set(shown(*n)) == {"Disconnected"}, 40)
        # Records of Channel Access are still there.
        assert shown("TomoScanConnection") == ["Connected"]
        wait_until(lambda n=connections: set(shown(*n)) == {"Connected"}, 40)
        back = seen[-1][0]
        wait_until(lambda b=back: seen[-1][0] > b + 30, 20)
    # 60 frames a second, 60 angles in half a turn.
    first_id = beamline.first_id()
    assert all(abs(a - (i - first_id) * 3.0) < 1e-3 for i, a in seen)
    gaps = [b[0] - a[0] for a, b in pairwise(seen)]
    assert max(gaps) > away_s * 60
    missing, corrected = shown("FramesMissing", "Corrected")
    assert missing >= 2 * away_s * 60 * 0.8
    assert corrected == "corrected"
    assert "Traceback" not in beamline.service.text
    assert "Traceback" not in beamline.simulator.text
