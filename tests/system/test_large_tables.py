"""An angle table of 131 million angles, as tomoScan sends for sweeps there and back."""

import logging
import signal
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(300)]

logger = logging.getLogger(__name__)

PROGRAM = Path(__file__).parent / "programs" / "large_table.py"
SWEEP, STEP_DEG = 30, 6.0
FIRST_ID = 5
REVOLUTION = 2 * SWEEP
N_ANGLES = 131_072_000 // REVOLUTION * REVOLUTION
NOISE = 16 << 20
"""By which resident memory moves without any cause of ours."""
SPARE = 48 << 20
"""For a ring, and for the look at a table's first million angles."""


def angle_deg(index):
    place = index % REVOLUTION
    return STEP_DEG * min(place, REVOLUTION - 1 - place)


class Service:
    """The service, its memory, and what it publishes."""

    def __init__(self, started, records, client):
        self._started = started
        self.published = []
        client.monitor(f"{records}StreamRecon", self._note)

    def _note(self, array):
        said = {a.name: a.value for a in array.attribute}
        if "LastProjectionId" in said:
            self.published.append((said["LastProjectionId"], said["Angle"]))

    def memory(self):
        return memory_of(self._started.process.pid)

    @property
    def text(self):
        return self._started.text

    def newest_id(self):
        return self.published[-1][0] if self.published else FIRST_ID

    def has_turned(self, since):
        """Whether the ring has been filled anew thrice, so that nothing old is left."""
        return self.newest_id() > since + 3 * REVOLUTION


def available():
    return psutil.virtual_memory().available


def memory_of(pid):
    """Give resident memory and its peak, bytes."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    said = dict(line.split(":", 1) for line in status.splitlines())
    resident, peak = (int(said[n].split()[0]) << 10 for n in ("VmRSS", "VmHWM"))
    return resident, peak


@pytest.fixture(params=["float32", "float64"])
def beamline(request, start, family, pva_client, environment, wait_until, tmp_path):
    """Start tomoScan, which has not sent its table yet, and the service."""
    table_bytes = N_ANGLES * np.dtype(request.param).itemsize
    # While a table comes again, tomoScan's part holds four and the service three.
    wanted, free = 15 * table_bytes // 2 + 6 * SPARE, available()
    if free < wanted:
        pytest.skip(f"{free >> 20} MiB of memory are free, {wanted >> 20} are needed")
    records = f"{family}TomoStream:"
    config = tmp_path / "service.yaml"
    config.write_text(f'prefix: "{records}"\nstart_at_once: true\n')
    scan = start(
        family, str(N_ANGLES), request.param, program=[sys.executable, str(PROGRAM)],
        server="simulator",
    )  # fmt: skip
    scan.wait_ready()
    start("ioc", "--prefix", records, "--ready-json", server="ioc").wait_ready()
    started = start("serve", "--config", str(config), "--ready-json")
    started.wait_ready()
    service = Service(started, records, pva_client(environment.client()))
    wait_until(lambda: "StreamTheta: connected True" in started.text)
    return scan, service, table_bytes, wanted


def test_revolutions_copy_nothing_of_a_table_of_131_million_angles(
    beamline, wait_until, record_property
):
    scan, service, table_bytes, wanted = beamline
    memory = {"before": service.memory()}

    def turn(what, *, is_sent):
        """Let the stage turn, after the table was sent; note the memory then."""
        had_slices, newest = bool(service.published), service.newest_id()
        if is_sent:
            scan.process.send_signal(signal.SIGUSR1)
        wait_until(lambda: service.published, 90)
        since = newest if had_slices else service.newest_id()
        wait_until(lambda: service.has_turned(since), 90)
        memory[what] = service.memory()

    turn("sent", is_sent=True)
    turn("three revolutions later", is_sent=False)
    turn("sent again", is_sent=True)
    turn("and again", is_sent=True)
    memory["tomoScan"] = memory_of(scan.process.pid)
    figures = {k: [b // 10**6 for b in both] for k, both in memory.items()}
    record_property("resident_and_peak_mb", figures)
    logger.info("%d MB: resident and peak MB: %s", table_bytes // 10**6, figures)
    resident = {what: now for what, (now, _) in memory.items()}
    assert not [p for p in service.published if p[1] != angle_deg(p[0] - FIRST_ID)]
    assert "Traceback" not in service.text
    assert resident["sent"] - resident["before"] < table_bytes + SPARE
    assert resident["three revolutions later"] - resident["sent"] < NOISE
    turned, sent = memory["three revolutions later"], memory["sent"]
    assert turned[1] - sent[1] < NOISE
    # The client's queue has two places, and each keeps what it was filled with last.
    assert resident["sent again"] - resident["before"] < 2 * table_bytes + SPARE
    assert resident["and again"] - resident["sent again"] < NOISE
    assert memory["and again"][1] + memory["tomoScan"][1] < wanted
