import argparse

import pytest

from tomostream.app.demo import Demo
from tomostream.app.interruption import Interruption
from tomostream.cli import demo as demo_command
from tomostream.cli.demo_screen import _plan, status_line
from tomostream.core.health import Health, RejectReason


def test_a_calm_stream_is_told_in_two_short_lines():
    health = Health(
        frame_rate_hz=99.6, publish_rate_hz=20.0, latency_p50_ms=31.2,
        latency_p99_ms=52.0, slots_filled=180, slots_total=180,
    )  # fmt: skip
    first, second = status_line(
        health, "streaming", "streaming: 180 of 180 slots"
    ).plain.splitlines()
    assert first == (
        "streaming in 100 frames/s   out 20 updates/s   latency 31 ms (99 %: 52 ms)"
    )
    assert second == "          ring 180/180   received 0   lost 0"


def test_every_loss_is_shown():
    health = Health(
        frames_missing=2, frames_dropped=3, decimation=4,
        rejected={RejectReason.DECIMATED: 7},
    )  # fmt: skip
    line = status_line(health, "filling", "filling").plain
    assert "lost 5   not used 7   every 4th frame used" in line


def test_what_is_waited_for_is_said():
    line = status_line(Health(), "waiting", "waiting: for frames").plain
    assert line.splitlines()[2].strip() == "waiting: for frames"


@pytest.mark.parametrize("options", [[], ["--open"]])
def test_the_demo_is_open_only_when_asked(options):
    parser = argparse.ArgumentParser()
    demo_command.add_arguments(parser)
    plan = _plan(parser.parse_args(options))
    with Demo(plan, Interruption()) as demo:
        assert demo.environment.is_open is bool(options)
        assert demo.status == "not started"
