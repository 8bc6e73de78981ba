from dataclasses import replace
from types import SimpleNamespace

import pytest

from tomostream.core.controls import control
from tomostream.core.parameters import FilterType
from tomostream.core.ports import Command
from tomostream.core.slices import Click
from tomostream.epics.controls import CaControls
from tomostream.epics.headless import FixedControls
from tomostream.testing.fakes import FakeClock


@pytest.fixture
def controls():
    """Controls that were not started: what they would send waits."""
    return CaControls("p:", FakeClock())


def show(controls, name, value):
    """Let a record show a value."""
    controls._monitors()[f"p:{name}"].handler(value, 0.0)


def waiting(controls):
    return [(put.name, put.value) for put in controls._puts.drain(100)]


def test_records_make_the_snapshot(controls):
    show(controls, "Center", 12.5)
    show(controls, "FilterType", 2.0)
    show(controls, "Dezinger", 1.0)
    shown = controls.parameters()
    assert (shown.center, shown.filter_type, shown.dezinger_radius) == (
        12.5, FilterType.RAMP, 2,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [("Center", float("nan")), ("Energy", 1e9), ("FilterType", 17.0)],
)
def test_an_invalid_value_keeps_the_old_one_and_is_told(controls, name, value):
    before = controls.parameters()
    show(controls, name, value)
    assert controls.parameters() == before
    assert name in controls.refused[name]


def test_a_valid_value_takes_the_complaint_back(controls):
    show(controls, "Energy", 1e9)
    show(controls, "Energy", 25.0)
    assert controls.refused == {}


def test_only_changed_readings_are_left_for_the_worker(controls):
    controls.report({"FramesReceived": 1, "ReconStatus": "ok"})
    version = controls._readings.version
    controls.report({"FramesReceived": 1, "ReconStatus": "ok"})
    assert controls._readings.version == version


def test_a_choice_is_written_by_its_index(controls):
    controls.report({"SessionState": "streaming"})
    index = control("SessionState").choices.index("streaming")
    assert controls._readings.get()["SessionState"] == index


def test_texts_are_cut_to_their_records(controls):
    controls.report({"BufferSize": "x" * 100, "ReconStatus": "y" * 400})
    left = controls._readings.get()
    assert (len(left["BufferSize"]), len(left["ReconStatus"])) == (39, 255)


def test_limits_are_written_into_the_fields_that_bind_clients_and_sliders(controls):
    controls.limit("OrthoZ", low=0, high=511)
    assert controls._limits.get() == {
        "OrthoZ.DRVL": 0, "OrthoZ.LOPR": 0, "OrthoZ.DRVH": 511, "OrthoZ.HOPR": 511,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("high", "order"),
    [
        # A record cuts what lies above its limit: the old value as well as the new.
        (1023, ["OrthoZ.DRVH", "OrthoZ.HOPR", "OrthoZ"]),
        (255, ["OrthoZ", "OrthoZ.DRVH", "OrthoZ.HOPR"]),
    ],
)
def test_no_plane_meets_a_limit_that_is_not_its_own(controls, high, order):
    sent = []
    links = SimpleNamespace(
        open=lambda: None, close=lambda: None, look=frozenset,
        connected=frozenset({"p:OrthoZ"}),
        put=lambda name, value: sent.append(name.removeprefix("p:")) or True,
    )  # fmt: skip
    controls._links = links
    controls.limit("OrthoZ", low=0, high=511)
    stop = SimpleNamespace(is_set=lambda: True)
    written = controls._written
    controls._watch(stop)
    assert written == {
        "OrthoZ.DRVL": 0, "OrthoZ.LOPR": 0, "OrthoZ.DRVH": 511, "OrthoZ.HOPR": 511,
    }  # fmt: skip
    sent.clear()
    controls.limit("OrthoZ", low=0, high=high)
    controls.write_parameters(replace(controls.parameters(), ortho_z=high // 2))
    controls._watch(stop)
    assert sent == order


def test_the_watchdog_is_written_every_time(controls):
    controls.report({"Watchdog": 5})
    controls.report({"Watchdog": 5})
    assert waiting(controls) == [("Watchdog", 5), ("Watchdog", 5)]


def test_a_reading_without_a_record_is_a_mistake_of_the_caller(controls):
    with pytest.raises(KeyError):
        controls.report({"NoSuchRecord": 1})


@pytest.mark.parametrize("end", ["idle", "failed"])
def test_start_goes_back_to_done_however_the_session_ends(controls, end):
    show(controls, "StartRecon", 1.0)
    assert controls.commands() == [Command.START]
    controls.report({"SessionState": "streaming"})
    controls.report({"SessionState": end})
    assert waiting(controls) == [("StartRecon", 0)]


def test_only_what_the_service_changed_is_written_back(controls):
    show(controls, "Center", 100.0)
    controls.write_parameters(replace(controls.parameters(), center=49.75))
    assert waiting(controls) == [("Center", 49.75)]


def test_stopping_what_was_never_started_is_no_fault(controls):
    controls.stop()
    assert controls.error is None


def test_fixed_controls_start_once_and_keep_what_is_reported():
    fixed = FixedControls()
    assert fixed.commands() == [Command.START]
    assert fixed.commands() == []
    fixed.report({"SessionState": "streaming"})
    fixed.report({"FramesReceived": 2})
    assert fixed.readings.get() == {"SessionState": "streaming", "FramesReceived": 2}
    fixed.write_parameters(replace(fixed.parameters(), center=3.0))
    assert fixed.parameters().center == 3.0


def test_a_write_of_click_y_is_a_click_and_is_taken_back(controls):
    show(controls, "ClickX", -1.0)
    show(controls, "ClickY", -1.0)
    show(controls, "ClickX", 300.0)
    assert controls.clicks() == []
    show(controls, "ClickY", 40.0)
    show(controls, "ClickY", -1.0)
    show(controls, "ClickY", 40.0)
    assert controls.clicks() == [Click(column=300, row=40)] * 2
    assert waiting(controls) == [("ClickY", -1)] * 2
    assert controls.clicks() == []


def test_a_click_that_stands_when_it_is_first_seen_is_of_long_ago(controls):
    show(controls, "ClickX", 300.0)
    show(controls, "ClickY", 40.0)
    assert controls.clicks() == []
    assert waiting(controls) == [("ClickY", -1)]
