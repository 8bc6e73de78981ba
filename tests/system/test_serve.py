"""`tomostream serve`, beside detectors that come and go."""

import shutil
import signal
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

PUT_AND_WAIT = """
import sys, epics
sys.exit(epics.caput(sys.argv[1], 1, wait=True, timeout=60) != 1)
"""


@pytest.fixture
def detector(start, family):
    """Start pvaPy's areaDetector simulator: frames, and nothing else."""
    program = shutil.which("pvapy-ad-sim-server", path=Path(sys.executable).parent)
    if program is None:
        pytest.skip("pvapy-ad-sim-server is not beside this Python")

    def start_detector(size=64, fps=100):
        return start(
            "-cn", f"{family}cam:Image", "-nx", str(size), "-ny", str(size), "-dt",
            "uint16", "-fps", str(fps), "-nf", "20", "-cs", "20", "-rt", "60", "-std",
            "0", "-shd", "0", "-rp", "100000", "-dc", program=[program],
            server="simulator",
        )  # fmt: skip

    return start_detector


@pytest.fixture
def bare_config(tmp_path, family):
    """Write the configuration of a detector without anything else."""

    def write(**changes):
        path = tmp_path / "detector.yaml"
        lines = {
            "prefix": f'"{family}TomoStream:"',
            "use_records": "false",
            "input": f'{{image_channel: "{family}cam:Image", has_tomoscan: false}}',
            "angles": "{source: fixed_step, step_deg: 2.0}",
        } | changes
        path.write_text("".join(f"{key}: {value}\n" for key, value in lines.items()))
        return str(path)

    return write


@pytest.fixture
def watch_slices(environment, pva_client, family):
    """Collect what a service that is ready publishes: id and shape of each update.

    A p4p client that waits for its server from the beginning may take half a minute to
    find it.
    """

    def watch(service):
        service.wait_ready()
        seen = []

        def note(array):
            if len(array.dimension) == 2:
                columns, rows = (d.size for d in array.dimension)
                seen.append((array.uniqueId, rows, columns))

        client = pva_client(environment.client())
        client.monitor(f"{family}TomoStream:StreamRecon", note)
        return seen

    return watch


def test_a_bare_detector_is_enough(
    start,
    detector,
    bare_config,
    watch_slices,
    wait_until,
    environment,
    pva_client,
    family,
):
    detector()
    service = start("serve", "--config", bare_config(), "--ready-json")
    slices = watch_slices(service)
    assert service.wait_ready()["recon"] == f"{family}TomoStream:StreamRecon"
    wait_until(lambda: len(slices) > 5)
    assert slices[-1][1:] == (64, 192)
    array = pva_client(environment.client()).get(f"{family}TomoStream:StreamReconZ")
    values = {a.name: a.value for a in array.attribute}
    assert array.value.dtype == np.float32
    assert 0 < values["SlotsFilled"] <= 90
    assert service.end(signal.SIGTERM) == 0
    assert "Traceback" not in service.text


def test_a_detector_that_comes_late_and_again_is_waited_for(
    start, detector, bare_config, watch_slices, wait_until
):
    service = start("serve", "--config", bare_config(), "--ready-json")
    slices = watch_slices(service)
    first = detector()
    wait_until(lambda: len(slices) > 5)
    first.end(signal.SIGKILL)
    before = len(slices)
    # Another size, and ids from the beginning.
    detector(size=48)
    wait_until(lambda: slices[-1][1:] == (48, 144))
    wait_until(lambda: len(slices) > before + 5)
    ids = [update[0] for update in slices]
    assert ids == sorted(ids)
    assert service.end(signal.SIGINT) == 0
    assert "Traceback" not in service.text


def test_a_camera_that_ends_in_good_order_is_heard_again_at_once(
    start, bare_config, environment, wait_until, watch_slices, family
):
    """Its server ends the monitors, which the library does not begin again."""
    channel = f'{{image_channel: "{family}Pva1:Image", has_tomoscan: false}}'
    camera = (
        "simulate", "--prefix", family, "--size", "32", "--angles", "90",
        "--ready-json",
    )  # fmt: skip
    simulator = start(*camera, server="simulator")
    simulator.wait_ready()
    service = start("serve", "--config", bare_config(input=channel), "--ready-json")
    slices = watch_slices(service)
    for _ in range(4):
        before = len(slices)
        wait_until(lambda n=before: len(slices) > n + 5, 20)
        assert simulator.end(signal.SIGTERM) == 0
        simulator = start(*camera, server="simulator")
        simulator.wait_ready()
    before = len(slices)
    wait_until(lambda: len(slices) > before + 5, 20)


def test_an_operator_is_told_and_heard_while_the_camera_is_awaited(
    start, wait_until, environment, channel_access, family
):
    """IOC and service are there before the detector's IOC, which names the channel."""
    prefix, variables = f"{family}TomoStream:", environment.client()
    names = (
        "StartRecon", "ServerRunning", "SessionState", "ImageConnection", "FrameRateHz",
        "Latency", "ReconStatus", "ErrorText",
    )  # fmt: skip

    def shown():
        found = channel_access(variables, [prefix + name for name in names])
        return dict(zip(names, found.values(), strict=True))

    def put(**values):
        channel_access(variables, values={prefix + n: v for n, v in values.items()})

    start("ioc", "--prefix", prefix, "--ready-json", server="ioc").wait_ready()
    # As a service that ended amid a stream has left them.
    put(FrameRateHz=98.0, Latency=45.0)
    service = start("serve", "--prefix", prefix, "--ready-json")
    wait_until(lambda: f"{family}TomoScanStream:Image" in shown()["ReconStatus"])
    wait_until(lambda: shown()["ServerRunning"] == "Running")
    found = shown()
    assert f"{family}TomoScanStream:Image" in found.pop("ErrorText")
    assert found.pop("ReconStatus").startswith("idle: not started; ")
    assert found == {
        "StartRecon": "Done", "ServerRunning": "Running", "SessionState": "idle",
        "ImageConnection": "Disconnected", "FrameRateHz": 0.0, "Latency": 0.0,
    }  # fmt: skip
    client = start(
        program=[sys.executable, "-c", PUT_AND_WAIT, f"{prefix}StartRecon"]
    ).process
    wait_until(lambda: shown()["SessionState"] == "waiting")
    assert shown()["StartRecon"] == "Acquire"
    assert client.poll() is None
    put(AbortRecon=1)
    assert client.wait(5) == 0
    found = shown()
    assert (found["StartRecon"], found["SessionState"]) == ("Done", "idle")
    assert found["ReconStatus"].startswith("idle: stopped by the operator; ")
    assert service.text.count("stopped by the operator") == 1
    put(StartRecon=1)
    wait_until(lambda: shown()["SessionState"] == "waiting")
    start(
        "simulate", "--prefix", family, "--size", "64", "--angles", "90", "--rate",
        "60", "--ready-json", server="simulator",
    ).wait_ready()  # fmt: skip
    service.wait_ready()
    wait_until(lambda: shown()["SessionState"] == "streaming")
    found = shown()
    assert (found["ServerRunning"], found["ImageConnection"]) == (
        "Running", "Connected",
    )  # fmt: skip
    assert "TomoScanStream" not in found["ReconStatus"]
    assert service.end(signal.SIGTERM) == 0
    assert "Traceback" not in service.text


def test_records_alone_say_the_wiring(
    start, watch_slices, wait_until, environment, channel_access, family
):
    """The service comes first; it waits for IOC and camera, and for Start."""
    prefix = f"{family}TomoStream:"
    variables = environment.client()
    service = start("serve", "--prefix", prefix, "--ready-json")
    start("ioc", "--prefix", prefix, "--ready-json", server="ioc").wait_ready()
    start(
        "simulate", "--prefix", family, "--size", "64", "--angles", "90", "--rate",
        "60", "--ready-json", server="simulator",
    ).wait_ready()  # fmt: skip
    slices = watch_slices(service)
    names = service.wait_ready()
    assert names["image"] == f"{family}Pva1:Image"
    state, status = f"{prefix}SessionState", f"{prefix}ReconStatus"

    def shown(name):
        return channel_access(variables, [name])[name]

    wait_until(lambda: shown(state) == "idle")
    assert not slices
    channel_access(variables, [], {f"{prefix}StartRecon": 1})
    wait_until(lambda: len(slices) > 5)
    wait_until(lambda: shown(state) == "streaming")
    assert "90 of 90" in shown(status)
    wait_until(lambda: shown(f"{prefix}ServerRunning") == "Running")
    channel_access(variables, [], {f"{prefix}AbortRecon": 1})
    wait_until(lambda: shown(f"{prefix}StartRecon") == "Done")
    assert shown(state) == "idle"
    assert service.end() == 0


def test_a_second_service_on_the_same_channel_is_refused(start, bare_config, family):
    config = bare_config()
    start("serve", "--config", config, "--ready-json").wait_ready()
    second = start("serve", "--config", config)
    assert second.process.wait(20) == 2
    assert f"{family}TomoStream:StreamRecon" in second.text
    assert "is served already" in second.text


def test_the_wait_for_records_can_be_ended(start, wait_until, family):
    service = start("serve", "--prefix", f"{family}TomoStream:")
    wait_until(lambda: "waiting for records" in service.text)
    assert service.end(signal.SIGTERM) == 0
    assert service.text.count("waiting for records") == 1


def test_a_machine_without_a_repeater_is_given_one(
    start, wait_until, living, environment, family
):
    if shutil.which("caRepeater"):
        pytest.skip("libca starts the caRepeater of this machine")
    service = start("serve", "--prefix", f"{family}TomoStream:")
    wait_until(lambda: "waiting for records" in service.text)
    port = environment.repeater_port
    processes = service.family()
    listening = [
        process.pid
        for process in processes
        for connection in process.net_connections("udp")
        if connection.laddr.port == port
    ]
    assert len(listening) == 1
    assert listening != [service.process.pid]
    # One is enough for all: the doctor finds it.
    doctor = start("doctor", "--prefix", f"{family}no:", "--timeout", "1")
    assert doctor.process.wait(40) == 1
    assert service.end(signal.SIGINT) == 0
    assert not living(processes)
    assert "aRepeater" not in service.text + doctor.text


def test_recon_asks_records_without_a_repeater_in_silence(start, tmp_path, family):
    if shutil.which("caRepeater"):
        pytest.skip("libca starts the caRepeater of this machine")
    scan = tmp_path / "scan.h5"
    scan.touch()
    recon = start("recon", scan, "--live", f"{family}no:")
    assert recon.process.wait(40) == 1
    (told,) = recon.text.splitlines()
    assert told.startswith(f"tomostream: {family}no:Center: no answer within 5 s")


def test_the_log_file_has_no_line_per_frame(
    start, detector, bare_config, watch_slices, wait_until, tmp_path
):
    log = tmp_path / "log" / "tomostream.log"
    detector()
    service = start(
        "serve", "--config", bare_config(log=f'{{file: "{log}"}}'), "--duration", "4",
        "--ready-json",
    )  # fmt: skip
    slices = watch_slices(service)
    assert service.process.wait(40) == 0
    assert len(slices) > 20
    assert 0 < len(log.read_text().splitlines()) < 30


def test_the_doctor_finds_what_is_there(start, family):
    prefix = f"{family}TomoStream:"
    start("ioc", "--prefix", prefix, "--ready-json", server="ioc").wait_ready()
    start(
        "simulate", "--prefix", family, "--size", "64", "--ready-json",
        server="simulator",
    ).wait_ready()  # fmt: skip
    doctor = start("doctor", "--prefix", prefix, "--json", "d.json")
    assert doctor.process.wait(40) == 0, doctor.text
    assert f"{family}Pva1:Image: 64 x 64 uint16" in doctor.text


def test_the_doctor_says_what_cannot_be_reached(start, family):
    doctor = start(
        "doctor", "--prefix", f"{family}no:", "--channel", f"{family}no", "--timeout",
        "1",
    )  # fmt: skip
    assert doctor.process.wait(40) == 1
    assert f"no record below {family}no: answers within 1 s" in doctor.text
    assert doctor.text.count("no answer within 1 s") == 1
    assert "-> start them (tomostream ioc" in doctor.text


def test_serve_waits_for_the_records_no_longer_than_it_was_told(start, family):
    service = start("serve", "--prefix", f"{family}TomoStream:", "--duration", "1")
    assert service.process.wait(40) == 1
    last = service.text.splitlines()[-1]
    assert last.startswith(
        f"tomostream: no answer in time: no record below {family}TomoStream: answers"
    )
