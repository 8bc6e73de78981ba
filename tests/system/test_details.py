"""What an operator misses: read over Channel Access, with alarms, while it happens."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tomostream.core.controls import DETAILS, control

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]

PROGRAM = Path(__file__).parent / "programs" / "severities.py"
NO_ALARM, MINOR, MAJOR = 0, 1, 2
SOURCES = ("Image", "Dark", "Flat", "Theta", "TomoScan")


@pytest.fixture
def shown(environment, family, tmp_path):
    """Give value and severity of records of ours, or of their fields."""

    def read(*names):
        ended = subprocess.run(
            [sys.executable, str(PROGRAM), *(f"{family}TomoStream:{n}" for n in names)],
            env=environment.process_environment("service"), cwd=tmp_path,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr
        found = json.loads(ended.stdout.splitlines()[-1])
        return [tuple(entry) for entry in found.values()]

    return read


@pytest.fixture
def beamline(start, family, tmp_path):
    """Start records, service and simulator; give what starts the one that was ended."""
    prefix = f"{family}TomoStream:"
    config = tmp_path / "service.yaml"
    config.write_text(
        f'prefix: "{prefix}"\nstart_at_once: true\nengine: {{backend: cpu}}\n'
    )

    class Beamline:
        def records(self):
            self.ioc = start("ioc", "--prefix", prefix, "--ready-json", server="ioc")
            self.ioc.wait_ready()

        def detector(self):
            self.simulator = start(
                "simulate", "--prefix", family, "--width", "64", "--height", "48",
                "--angles", "60", "--rate", "60", "--ready-json", server="simulator",
            )  # fmt: skip
            self.simulator.wait_ready()

        def serve(self):
            self.service = start("serve", "--config", str(config), "--ready-json")
            self.service.wait_ready()

    made = Beamline()
    made.records()
    made.detector()
    made.serve()
    return made


def severities(read, *names):
    return [severity for _, severity in read(*names)]


def connections(read):
    return set(read(*(f"{source}Connection" for source in SOURCES)))


def test_an_operator_sees_what_streams_and_what_has_gone(beamline, shown, wait_until):
    wait_until(lambda: shown("BufferFill") == [(100.0, NO_ALARM)], 60)
    wait_until(lambda: connections(shown) == {("Connected", NO_ALARM)}, 20)
    wait_until(lambda: shown("DarkMatch", "FlatMatch") == [("ok", NO_ALARM)] * 2, 20)
    names = (
        "ImageWidth", "ImageHeight", "ImageType", "Codec", "ScanType", "DarkShape",
        "FlatShape", "Backend",
    )  # fmt: skip
    assert [value for value, _ in shown(*names)] == [
        64, 48, "uint16", "none", "continuous", "48 x 64", "48 x 64", "cpu",
    ]  # fmt: skip
    (memory, _), (device, _), (isa, _) = shown("Memory", "Device", "Isa")
    assert memory > 0.1
    assert device.startswith("CPU, ")
    assert isa in {"avx512", "avx2", "baseline"}
    (angle, _), (age, _) = shown("Angle", "FlatAge")
    wait_until(lambda: shown("Angle")[0][0] > angle and shown("FlatAge")[0][0] > age)

    # The planes' records and their sliders end where the volume does.
    limits = ("OrthoX.DRVH", "OrthoY.HOPR", "OrthoZ.DRVH", "OrthoZ.HOPR", "OrthoZ.LOPR")
    assert [value for value, _ in shown(*limits)] == [63, 63, 47, 47, 0]

    # Frames come without a break, so nothing but a busy machine may alarm.
    beamline.simulator.end(signal.SIGKILL)
    wait_until(lambda: connections(shown) == {("Disconnected", MAJOR)}, 30)
    wait_until(lambda: "Pva1:Image" in shown("ErrorText")[0][0], 10)
    wait_until(lambda: shown("Latency") == [(0.0, NO_ALARM)], 10)
    beamline.detector()
    wait_until(lambda: connections(shown) == {("Connected", NO_ALARM)}, 30)


def test_an_ioc_that_comes_again_is_told_everything(beamline, shown, wait_until):
    def is_told():
        return [v for v, _ in shown("ImageWidth", "OrthoX.DRVH", "OrthoZ.HOPR")]

    wait_until(lambda: is_told() == [64, 63, 47], 60)
    beamline.ioc.end(signal.SIGKILL)
    beamline.records()
    wait_until(lambda: is_told() == [64, 63, 47], 30)
    wait_until(lambda: connections(shown) == {("Connected", NO_ALARM)}, 10)


def test_no_limit_cuts_a_plane_when_the_binning_changes(
    beamline, shown, wait_until, family, environment, channel_access
):
    def put(name, value):
        channel_access(environment.client(), [], {f"{family}{name}": value})

    def planes():
        return [v for v, _ in shown("OrthoX", "OrthoX.DRVH", "OrthoZ", "OrthoZ.DRVH")]

    wait_until(lambda: planes()[1::2] == [63, 47], 60)
    put("TomoStream:OrthoX", 60)
    put("TomoStream:OrthoZ", 40)
    put("TomoScanStream:StreamBinning", 1)
    wait_until(lambda: planes()[1::2] == [31, 23], 30)
    x, _, z, _ = planes()
    assert (x, z) == (pytest.approx(60 / 2, abs=1), pytest.approx(40 / 2, abs=1))
    put("TomoScanStream:StreamBinning", 0)
    wait_until(lambda: planes()[1::2] == [63, 47], 30)
    x, _, z, _ = planes()
    assert (x, z) == (pytest.approx(60, abs=1), pytest.approx(40, abs=1))


def test_records_alarm_at_the_limits_that_are_declared(
    start, family, shown, environment, channel_access
):
    prefix = f"{family}TomoStream:"
    start("ioc", "--prefix", prefix, "--ready-json", server="ioc").wait_ready()
    limits = {c.name: c.alarm_high for c in DETAILS if c.alarm_high is not None}
    assert set(limits) == {
        "QueueFill", "Latency", "LostRecently", "RejectedRecently", "ParametersRefused",
        "ParametersOutside",
    }  # fmt: skip
    for factor, wanted in ((0, NO_ALARM), (1, MINOR)):
        values = {prefix + name: factor * limit for name, limit in limits.items()}
        channel_access(environment.client(), [], values)
        assert severities(shown, *limits) == [wanted] * len(limits)
    latency = control("Latency")
    channel_access(environment.client(), [], {prefix + "Latency": latency.alarm_major})
    assert severities(shown, "Latency") == [MAJOR]
    # Nobody has told them yet that anything is there.
    assert severities(shown, "ImageConnection", "ServerRunning") == [MAJOR, MAJOR]


@pytest.mark.parametrize(
    ("record", "value", "told", "good"),
    [
        (
            "FilterType", 17,
            "FilterType: expected one of Parzen, Shepp-logan, Ramp, Butterworth, Hann, "
            "Cosine, got 17; Ramp stays in use", 0,
        ),
        (
            "Center", float("nan"),
            "Center: expected a finite number, got nan; 30.25 pixel stays in use", 31.5,
        ),
    ],
)  # fmt: skip
def test_a_value_that_is_refused_is_told_at_the_records_until_a_good_one(
    beamline, shown, wait_until, family, environment, channel_access, record, value,
    told, good,
):  # fmt: skip
    def put(**values):
        values = {f"{family}TomoStream:{name}": v for name, v in values.items()}
        channel_access(environment.client(), [], values)

    def is_told(text):
        return all(text in said for said, _ in shown("ReconStatus", "ErrorText"))

    wait_until(lambda: shown("SessionState")[0][0] == "streaming", 60)
    put(FilterType=2, Center=30.25)
    put(**{record: value})
    wait_until(lambda: is_told(told), 10)
    assert shown("ParametersRefused") == [(1, MINOR)]
    put(**{record: good})
    wait_until(lambda: shown("ParametersRefused") == [(0, NO_ALARM)], 10)
    wait_until(
        lambda: not any(record in t for t, _ in shown("ReconStatus", "ErrorText"))
    )


def test_a_center_outside_the_frames_is_told_at_the_records(
    beamline, shown, wait_until, family, environment, channel_access
):
    def put(center):
        name = f"{family}TomoStream:Center"
        channel_access(environment.client(), [], {name: center})

    def status():
        return shown("ReconStatus")[0][0]

    wait_until(lambda: shown("SessionState")[0][0] == "streaming", 60)
    put(4000)
    said = "Center 4000 lies outside the frames (columns 0 to 63)"
    wait_until(lambda: said in status(), 10)
    assert shown("Center") == [(4000.0, NO_ALARM)]
    wait_until(lambda: shown("ParametersOutside") == [(1, MINOR)], 10)
    put(31.5)
    wait_until(lambda: "Center" not in status(), 10)
    wait_until(lambda: shown("ParametersOutside") == [(0, NO_ALARM)], 10)


def test_lost_frames_alarm_as_long_as_it_goes_on(
    start, family, tmp_path, shown, wait_until
):
    prefix = f"{family}TomoStream:"
    config = tmp_path / "service.yaml"
    config.write_text(f'prefix: "{prefix}"\nstart_at_once: true\n')
    start("ioc", "--prefix", prefix, "--ready-json", server="ioc").wait_ready()
    simulator = start(
        "simulate", "--prefix", family, "--size", "32", "--angles", "60",
        "--rate", "60", "--lose-every", "7", "--ready-json", server="simulator",
    )  # fmt: skip
    simulator.wait_ready()
    start("serve", "--config", str(config), "--ready-json").wait_ready()
    wait_until(lambda: shown("LostRecently")[0][1] == MINOR, 30)
    simulator.end()
    wait_until(lambda: shown("LostRecently") == [(0, NO_ALARM)], 30)
    ((missing, severity),) = shown("FramesMissing")
    assert missing > 0
    assert severity == NO_ALARM
