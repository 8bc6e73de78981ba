from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tomostream.app.observed import ObservedControls, ObservedPublisher
from tomostream.app.server import Parts, Server
from tomostream.core.errors import ConnectionLostError, ProcessError
from tomostream.core.geometry import Geometry
from tomostream.core.health import Health
from tomostream.core.parameters import Parameters
from tomostream.epics.headless import FixedControls
from tomostream.runtime import ArrivalQueue, Latest


class Recorder:
    """A part that notes what it is told, and in which order."""

    def __init__(self, name, calls):
        self.name, self._calls = name, calls
        self.is_connected, self.error = True, None

    def start(self, sink=None):
        self._calls.append(f"start {self.name}")

    def stop(self):
        self._calls.append(f"stop {self.name}")


class Loop:
    def __init__(self, calls):
        self._calls = calls
        self.health = Latest(Health(frames_received=3))
        self.state = "streaming"
        self.fault = None

    def run(self, stop):
        if self.fault:
            raise self.fault
        stop.wait(30)
        self._calls.append("stop loop")


@pytest.fixture
def calls():
    return []


@pytest.fixture
def parts(calls):
    engine: Any = SimpleNamespace(configure=lambda *a: calls.append("configure"))
    loop: Any = Loop(calls)
    silent: Any = SimpleNamespace(publish=lambda p: None)
    beside: Any = SimpleNamespace(run=lambda stop: stop.wait(30))
    return Parts(
        engine=engine, loop=loop, beside=beside,
        arrivals=ArrivalQueue(capacity_frames=2, capacity_bytes=9),
        sources=[Recorder("images", calls)], records=Recorder("records", calls),
        controls=ObservedControls(FixedControls()), channels=Recorder("slices", calls),
        publisher=ObservedPublisher(silent),
    )  # fmt: skip


def test_outputs_come_first_and_go_last(parts, calls):
    server = Server(parts)
    server.start()
    server.stop()
    assert calls == [
        "start slices", "start records", "start images", "stop images", "stop loop",
        "stop records", "stop slices",
    ]  # fmt: skip


def test_parameters_are_put_before_the_first_frame(parts, calls):
    server = Server(parts)
    wanted = Parameters(center=47.5, ortho_x=3)
    server.start(wanted)
    server.stop()
    assert server.parameters == wanted


def test_records_that_refuse_parameters_are_named(parts, monkeypatch):
    monkeypatch.setattr("tomostream.app.server._ADOPTION_S", 0.1)
    deaf: Any = SimpleNamespace(parameters=Parameters, write_parameters=lambda p: None)
    server = Server(replace(parts, controls=ObservedControls(deaf)))
    with pytest.raises(ConnectionLostError, match="records records"):
        server.start(Parameters(center=1.0))
    server.stop()


def test_a_loop_that_died_is_told(parts, caplog):
    parts.loop.fault = ValueError("no ring")
    server = Server(parts)
    server.start()
    assert server._worker.join(5)
    with pytest.raises(ProcessError, match="reconstruction has died: ValueError: no"):
        server.check()
    server.stop()


def test_a_source_that_died_is_told(parts):
    server = Server(parts)
    server.start()
    server.check()
    parts.sources[0].error = RuntimeError("gone")
    with pytest.raises(ProcessError, match="images has died"):
        server.check()
    server.stop()


def test_a_server_that_was_not_started_can_be_stopped(parts, calls):
    Server(parts).stop()
    assert calls == []


def test_the_ring_can_be_made_ahead(parts, calls):
    Server(parts).prepare(Geometry(n_z=4, n_x=8, n_slots=2, n_out=8))
    assert calls == ["configure"]


def test_what_the_loop_reports_can_be_read(parts):
    server = Server(parts)
    assert server.status == "not started"
    parts.controls.report({"ReconStatus": "waiting: for frames"})
    parts.controls.report({"SessionState": "waiting"})
    publication: Any = object()
    parts.publisher.publish(publication)
    assert server.status == "waiting: for frames"
    assert server.health.frames_received == 3
    assert server.publication is publication
    assert np.isclose(server.parameters.center, 0.0)


def test_it_tells_which_sources_are_there(parts):
    server = Server(parts)
    assert server.connected == {"records", "images"}
    parts.records.is_connected = False
    assert server.connected == {"images"}
