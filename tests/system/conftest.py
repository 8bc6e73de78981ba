"""Real servers on loopback: ports and prefixes of their own, and an orderly end."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import psutil
import pytest

from tomostream.app.environment import LoopbackEnvironment
from tomostream.epics.generate.beamlines import Beamline

_POLL = Event()


def _wait_until(condition: Callable[[], object], timeout_s: float = 30.0) -> Any:
    """Give what the condition gives, as soon as it is true; fail when it never is."""
    deadline_s = time.monotonic() + timeout_s
    while not (result := condition()):
        if time.monotonic() > deadline_s:
            pytest.fail(f"not within {timeout_s:g} s: {condition}")
        _POLL.wait(0.02)
    return result


@dataclass
class Started:
    """A process under test; its output goes into a file."""

    process: subprocess.Popen
    output: Path

    @property
    def text(self) -> str:
        return self.output.read_text(encoding="utf-8", errors="replace")

    @property
    def readiness(self) -> dict | None:
        for line in self.text.splitlines():
            if line.startswith('{"ready"'):
                return json.loads(line)
        return None

    def wait_ready(self, timeout_s: float = 30.0) -> dict:
        def is_ready():
            if self.process.poll() is not None and self.readiness is None:
                pytest.fail(f"ended with {self.process.returncode}: {self.text}")
            return self.readiness

        return _wait_until(is_ready, timeout_s)

    def end(self, number: int = signal.SIGTERM, timeout_s: float = 20.0) -> int:
        """Send a signal; give the exit status."""
        self.process.send_signal(number)
        return self.process.wait(timeout_s)

    def family(self) -> list[psutil.Process]:
        """Give the process and all that it has started."""
        whole = psutil.Process(self.process.pid)
        return [whole, *whole.children(recursive=True)]


def _living(processes: list[psutil.Process]) -> list[psutil.Process]:
    alive = []
    for process in processes:
        try:
            if process.status() != psutil.STATUS_ZOMBIE:
                alive.append(process)
        except psutil.NoSuchProcess:
            continue
    return alive


@pytest.fixture
def wait_until():
    """Give the result of a condition once it is true: `wait_until(call, timeout_s)`."""
    return _wait_until


@pytest.fixture
def living():
    """Give those of some psutil processes that have not ended."""
    return _living


@pytest.fixture
def environment() -> LoopbackEnvironment:
    """Ports of the test's own."""
    return LoopbackEnvironment.find()


@pytest.fixture
def family() -> str:
    """Beginning of all names of the test, such as t3f9a:."""
    return f"t{secrets.token_hex(3)}:"


@pytest.fixture
def start(environment, tmp_path):
    """Start `tomostream` commands, or others; all end with the test.

    `ports` are an environment other than the test's own.
    """
    running: list[Started] = []

    def start_one(
        *arguments: str, server: str = "service", program=None, ports=None
    ) -> Started:
        command = [sys.executable, "-m", "tomostream"] if program is None else program
        variables = (ports or environment).process_environment(server)
        output = tmp_path / f"output{len(running)}.txt"
        with output.open("wb") as file:
            process = subprocess.Popen(
                [*command, *arguments], cwd=tmp_path, stdout=file,
                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                env=variables | {"PYTHONUNBUFFERED": "1"}, process_group=0,
            )  # fmt: skip
        running.append(Started(process, output))
        return running[-1]

    yield start_one
    for started in running:
        if started.process.poll() is None:
            started.process.terminate()
    for started in running:
        try:
            started.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(started.process.pid, signal.SIGKILL)
            started.process.wait(5)


@pytest.fixture
def template_ioc(start, family):
    """Start an IOC without synApps on the shipped templates; give the macros.

    Others than those of nowhere may be given, and another template for 2-BM's records.
    """
    folder = Path(__file__).parents[2] / "iocBoot" / "db"
    shipped = folder / "tomoStream_2BM.template"

    def start_ioc(at_2bm: Path = shipped, **others: str) -> dict[str, str]:
        macros = {
            "P": family, "R": "TomoStream:", "BUSY": "bo",
            "TOMO_SCAN": f"{family}TomoScanStream:", "IMAGE_P": f"{family}ImageName",
            "DARK_PVA": f"{family}Dark", "FLAT_PVA": f"{family}Flat",
            "RECON_PVA": f"{family}Recon", "THETA_PVA": f"{family}Theta",
            "MCT_OPTICS": f"{family}MCTOptics:", "TOMO_0_DEG": f"{family}m1",
            "TOMO_90_DEG": f"{family}m2", "SAMPLE_Y": f"{family}m3",
            "ROI_PLUGIN": f"{family}ROI1:",
        } | others  # fmt: skip
        arguments = ["-m", ",".join(f"{k}={v}" for k, v in macros.items())]
        for template in (folder / "tomoStream.template", at_2bm):
            arguments += ["-d", str(template)]
        program = Path(__file__).parent / "programs" / "template_ioc.py"
        ioc = start(*arguments, server="ioc", program=[sys.executable, str(program)])
        _wait_until(lambda: "IOC Running" in ioc.text)
        return macros

    return start_ioc


@pytest.fixture
def running(start, family, template_ioc):
    """Start records, scan and service, that waits for Start; give the beamline."""

    def run(server):
        beamline = Beamline(
            name="test", folder="", p=family, r="TomoStream:",
            tomoscan=f"{family}TomoScanStream:", stream=f"{family}TomoScanStream:",
            image_name_record="ImagePVAPrefix",
        )  # fmt: skip
        if server == "ours":
            arguments = ("--prefix", beamline.prefix, "--ready-json")
            start("ioc", *arguments, server="ioc").wait_ready()
        else:
            template_ioc(**beamline.macros())
        start(
            "simulate", "--prefix", family, "--size", "64", "--angles", "60", "--rate",
            "120", "--ready-json", server="simulator",
        ).wait_ready()  # fmt: skip
        service = start("serve", "--prefix", beamline.prefix, "--ready-json")
        service.wait_ready()
        return beamline, service

    return run


class PvaClient:
    """A p4p client of servers on loopback."""

    def __init__(self, variables: dict[str, str]) -> None:
        from p4p.client.thread import Context

        # p4p's own names; without the environment of this process.
        self._context = Context("pva", conf=variables, useenv=False, nt=False)
        # p4p does not keep them: a subscription nobody holds ends when the garbage
        # collector comes by.
        self._subscriptions: list[object] = []

    def get(self, channel: str, timeout_s: float = 10.0) -> Any:
        """Give the value of a channel as it came."""
        return self._context.get(channel, timeout=timeout_s)

    def monitor(self, channel: str, call: Callable[[object], None]) -> None:
        """Call for every update until the client is closed."""
        self._subscriptions.append(self._context.monitor(channel, call))

    def subscribe(
        self, channel: str, call: Callable[[object], None], fields: str | None = None
    ) -> Any:
        """Call for every update until what is given is closed."""
        subscription = self._context.monitor(channel, call, request=fields)
        self._subscriptions.append(subscription)
        return subscription

    def image(self, channel: str, timeout_s: float = 10.0) -> np.ndarray:
        """Give the pixels of an NTNDArray, (rows, columns)."""
        array = self.get(channel, timeout_s)
        columns, rows = (d.size for d in array.dimension)
        return np.asarray(array.value).reshape(rows, columns)

    def close(self) -> None:
        """End all monitors."""
        self._context.close()


@pytest.fixture
def pva_client():
    """Make p4p clients from EPICS variables; they end with the test."""
    clients: list[PvaClient] = []

    def make(variables: dict[str, str]) -> PvaClient:
        clients.append(PvaClient(variables))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


_CA_CODE = """
import json, sys, epics
epics.ca.HAS_NUMPY = False
names, values = json.loads(sys.argv[1]), json.loads(sys.argv[2])
for name, value in values.items():
    # StartRecon's put completes when streaming ends; a get after it is enough.
    pv = epics.PV(name, connection_timeout=10)
    if not pv.wait_for_connection(10) or pv.put(value) != 1:
        sys.exit(f"cannot write {name}")
    pv.get(timeout=10, use_monitor=False)
pvs = [epics.PV(n, connection_timeout=10) for n in names]
for pv in pvs:  # the type is known only then
    pv.wait_for_connection(10)
print(json.dumps({p.pvname: p.get(as_string=isinstance(p.type, str)
    and ("enum" in p.type or "char" in p.type), timeout=10) for p in pvs}))
"""


@pytest.fixture
def channel_access(tmp_path):
    """Read and write PVs in a process of its own: `call(variables, names, values)`."""

    def call(variables: dict[str, str], names=(), values=None) -> dict:
        shown = subprocess.run(
            [sys.executable, "-c", _CA_CODE, json.dumps(list(names)),
             json.dumps(values or {})],
            env=os.environ | variables, cwd=tmp_path, capture_output=True, text=True,
            timeout=60,
        )  # fmt: skip
        assert shown.returncode == 0, shown.stderr
        return json.loads(shown.stdout.splitlines()[-1])

    return call
