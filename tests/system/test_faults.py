"""Faults of the server that this one replaces that only real processes can show.

The others are in `tests/unit/faults`.
"""

import signal
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest

from tomostream.app.environment import LoopbackEnvironment
from tomostream.runtime import SystemClock

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

PROGRAMS = Path(__file__).parent / "programs"
RATE_HZ = 100


@pytest.fixture
def environment():
    """Ports of the test's own; the detector is a server by itself."""
    return LoopbackEnvironment.find(pva_servers=("simulator", "detector", "service"))


@pytest.fixture
def pass_time(wait_until):
    """Let time pass: what is tested lasts so long."""
    clock = SystemClock()

    def let_pass(seconds):
        over_s = clock.monotonic_s() + seconds
        wait_until(lambda: clock.monotonic_s() > over_s, seconds + 5)

    return let_pass


@pytest.fixture
def streaming(start, family, pva_client, environment, channel_access, wait_until):
    """Start all that a scan needs, and the service; give it, all, and what it shows."""
    records = f"{family}TomoStream:"
    programs = {
        "detector": ("detector.py", "detector", [family, str(RATE_HZ)]),
        "tomoscan": ("scan_server.py", "simulator", [family, "0", "2"]),
    }
    running = {
        name: start(
            *arguments, program=[sys.executable, str(PROGRAMS / file)], server=server
        )
        for name, (file, server, arguments) in programs.items()
    }
    running["ioc"] = start(
        "ioc", "--prefix", records, "--ready-json", server="ioc"
    )  # fmt: skip
    for started in running.values():
        started.wait_ready()
    running["service"] = start("serve", "--prefix", records, "--ready-json")
    running["service"].wait_ready()
    client, shown = pva_client(environment.client()), []

    def note(array):
        if len(array.dimension) == 2:
            said = {a.name: a.value for a in array.attribute}
            shown.append(said["LastProjectionId"])

    client.monitor(f"{records}StreamRecon", note)
    channel_access(environment.client(), values={f"{records}StartRecon": 1})
    wait_until(lambda: len(shown) > 20)

    def read(*names):
        full = [records + name for name in names]
        return list(channel_access(environment.client(), full).values())

    return running, shown, read


@pytest.mark.parametrize("hung", ["tomoscan", "ioc", "both"])
def test_fault_27_a_record_that_does_not_answer_holds_no_frame_up(
    streaming, pass_time, wait_until, hung
):
    running, shown, read = streaming
    missing = read("FramesMissing", "FramesDropped", "Decimation")
    processes = [
        psutil.Process(running[name].process.pid)
        for name in (["tomoscan", "ioc"] if hung == "both" else [hung])
    ]
    for process in processes:
        process.suspend()
    try:
        pass_time(6.0)
        updates, newest = len(shown), shown[-1]
        # The old server waited 2 s for every frame: ten minutes for these.
        wait_until(lambda: shown[-1] > newest + 3 * RATE_HZ, 30)
        assert len(shown) > updates + 10
    finally:
        for process in processes:
            process.resume()
    wait_until(lambda: read("SessionState") == ["streaming"], 15)
    assert read("FramesMissing", "FramesDropped", "Decimation") == missing


@pytest.mark.parametrize("gone", [("tomoscan",), ("ioc",), ("tomoscan", "ioc")])
def test_fault_27_a_record_that_has_gone_holds_no_frame_up(
    streaming, pass_time, wait_until, gone
):
    running, shown, _ = streaming
    for name in gone:
        running[name].end(signal.SIGKILL)
    # Its going is noticed at once.
    pass_time(1.0)
    updates, newest = len(shown), shown[-1]
    # Three seconds on idle cores; the old server would have handled five frames.
    wait_until(
        lambda: shown[-1] > newest + 3 * RATE_HZ and len(shown) > updates + 20, 10
    )
    assert running["service"].process.poll() is None
    assert "Traceback" not in running["service"].text


def test_fault_27_the_service_ends_while_a_record_does_not_answer(
    streaming, pass_time, living
):
    running, _, _ = streaming
    hanging = psutil.Process(running["ioc"].process.pid)
    family = running["service"].family()
    hanging.suspend()
    try:
        pass_time(1.0)
        assert running["service"].end(signal.SIGTERM) == 0
    finally:
        hanging.resume()
    assert not living(family)


def test_fault_33_ctrl_c_ends_the_service_and_all_that_it_started(streaming, living):
    running, _, _ = streaming
    family = running["service"].family()
    assert running["service"].end(signal.SIGINT) == 0
    assert not living(family)
    assert "Traceback" not in running["service"].text


def test_fault_34_every_image_is_whole_while_sizes_change(
    start, family, environment, pva_client, channel_access, tmp_path, wait_until
):
    records, scan = f"{family}TomoStream:", f"{family}TomoScanStream:"
    variables = environment.client()
    start("ioc", "--prefix", records, "--ready-json", server="ioc").wait_ready()
    start(
        "simulate", "--prefix", family, "--size", "64", "--angles", "60", "--rate",
        "100", "--ready-json", server="simulator",
    ).wait_ready()  # fmt: skip
    service = start("serve", "--prefix", records, "--start", "--ready-json")
    service.wait_ready()
    torn, sizes = [], []

    def check(array):
        size = tuple(d.size for d in array.dimension)
        if len(size) != 2:
            return
        sizes.append(size)
        if np.asarray(array.value).size != size[0] * size[1]:
            torn.append((size, len(array.value)))

    client = pva_client(variables)
    client.monitor(f"{records}StreamRecon", check)
    wait_until(lambda: sizes)
    for binning in (1, 2, 0, 1, 0):
        width = 3 * (64 >> binning)
        channel_access(variables, values={f"{scan}StreamBinning": binning})
        wait_until(lambda w=width: sizes[-1] == (w, w // 3))
    assert len(set(sizes)) == 3
    assert not torn
