"""`tomostream bench --reconfigure`: the service's loop, the engine, no network."""

import json

import pytest

from tomostream.bench.reconfigure import (
    Change,
    ReconfigureConfig,
    reconfigure,
    reconfigure_text,
)
from tomostream.bench.result import BenchConfig
from tomostream.core.errors import ReconstructionError
from tomostream.core.parameters import FilterType
from tomostream.recon.engine import Engine
from tomostream.runtime.worker import StopSignal

HOLD_S = 0.3


class SlowEngine(Engine):
    """It holds the loop up whenever the ring is filtered anew."""

    def refilter(self, limit):
        StopSignal().wait(HOLD_S)
        return super().refilter(limit)


class StuckEngine(Engine):
    """It never gets its ring ready."""

    @property
    def slots_waiting(self):
        return int(self.parameters.filter_type is FilterType.RAMP)

    def refilter(self, limit):
        return 0


class BrokenEngine(Engine):
    """It fails at the second filter."""

    def set_parameters(self, parameters):
        raise MemoryError("no more")


@pytest.fixture(autouse=True)
def no_settling(monkeypatch):
    monkeypatch.setattr("tomostream.bench.reconfigure._SETTLE_S", 0.1)


def small(**others):
    base = BenchConfig(size=32, angles=20, batch=2, threads=1, accuracy=False)
    changes = {"ramp": {"filter_type": FilterType.RAMP}}
    return ReconfigureConfig(base=base, rate_hz=60.0, changes=changes, **others)


def test_the_ring_is_finished_while_slices_go_out():
    lines = []
    result = reconfigure(small(), lines.append)
    (change,) = result.changes
    assert change.name == "ramp"
    assert change.finish_s is not None
    assert change.publications >= 1
    assert 0 < result.longest_gap_s < 10
    assert "longest gap" in lines[-1]
    assert json.loads(result.to_json())["changes"][0]["name"] == "ramp"


def test_a_ring_that_holds_the_slices_up_is_seen(monkeypatch):
    monkeypatch.setattr("tomostream.bench.reconfigure.Engine", SlowEngine)
    assert reconfigure(small()).longest_gap_s >= HOLD_S


def test_a_change_that_does_not_end_is_told(monkeypatch):
    monkeypatch.setattr("tomostream.bench.reconfigure.Engine", StuckEngine)
    result = reconfigure(small(patience_s=3.0))
    assert result.changes[0].finish_s is None
    assert "not finished" in reconfigure_text(result)


def test_a_failed_session_ends_the_measurement(monkeypatch):
    monkeypatch.setattr("tomostream.bench.reconfigure.Engine", BrokenEngine)
    with pytest.raises(ReconstructionError, match="no more"):
        reconfigure(small())


def test_a_broken_promise_is_told():
    result = reconfigure(small())
    held_up = Change(
        name="x", longest_gap_s=0.7, finish_s=1.0, publications=3, decimation=2
    )
    result.changes.append(held_up)
    text = reconfigure_text(result)
    assert "NOT KEPT" in text
    assert "1 of 2" in text
