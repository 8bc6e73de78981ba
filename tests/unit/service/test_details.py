from typing import Any

import numpy as np
import pytest

from tomostream.core.arrivals import ConnectionArrival
from tomostream.core.controls import DETAILS
from tomostream.core.frame import FrameKind
from tomostream.core.health import RejectReason
from tomostream.service import ServiceSettings
from tomostream.testing.arrivals import field_arrival
from tomostream.testing.loop_rig import LoopRig

DARK, FLAT = FrameKind.DARK, FrameKind.FLAT
SOURCES = {"ImageConnection": "cam:Image", "ThetaConnection": "scan:Theta"}


def read(bench, *names, after_s=1.0) -> Any:
    """Give readings, a second later."""
    bench.clock.advance(after_s)
    bench.step()
    values = [bench.controls.readings[name] for name in names]
    return values if len(values) > 1 else values[0]


def connection(source, bench, *, is_connected=True):
    return ConnectionArrival(
        source=source, is_connected=is_connected, arrived_s=bench.clock.now_s()
    )


@pytest.fixture
def wired():
    """A loop that knows of two sources, of which none is there yet."""
    return LoopRig(ServiceSettings(sources=SOURCES))


def test_every_detail_is_one_a_record_can_show(streaming):
    read(streaming, "Angle")
    for control in DETAILS:
        value = streaming.controls.readings.get(control.name, control.default)
        if control.choices and isinstance(value, str):
            assert value in control.choices, control.name
        if control.kind == "text":
            assert 0 < len(str(value)) < 40, control.name


def test_buffer_fill_and_completeness_are_per_cent_of_the_slots(streaming):
    assert read(streaming, "BufferFill", "Completeness") == pytest.approx(
        [100 * 10 / 180] * 2
    )


def test_the_newest_frame_tells_angle_size_type_codec_and_scan(streaming):
    pixels = np.ones((6, 8), np.uint16)
    streaming.send(*(streaming.image(k, pixels, codec="lz4") for k in (11, 12)))
    names = ("Angle", "ImageWidth", "ImageHeight", "ImageType", "Codec", "ScanType")
    assert read(streaming, *names) == [
        pytest.approx(11.0),
        8,
        6,
        "uint16",
        "lz4",
        "continuous",
    ]


def test_the_scan_is_told_before_its_first_frame(bench):
    bench.scan()
    assert read(bench, "ScanType", "ImageType") == ["continuous", "none"]


def test_lost_frames_count_for_ten_seconds_only(streaming):
    streaming.send_frames([15, 16])
    assert read(streaming, "LostRecently") == 4
    assert streaming.health().frames_missing == 4
    assert read(streaming, "LostRecently", after_s=11) == 0
    assert streaming.health().frames_missing == 4


def test_frames_that_are_left_out_by_intention_are_no_fault(streaming):
    streaming.loop._tally.reject(RejectReason.DECIMATED, "overload", count=7)
    assert read(streaming, "RejectedRecently", "ErrorText") == [0, ""]


def test_a_faulty_frame_is_told_with_its_fault_and_forgotten_in_time(streaming):
    streaming.send(10)
    count, text = read(streaming, "RejectedRecently", "ErrorText")
    assert count == 1
    assert "10" in text
    assert read(streaming, "RejectedRecently", "ErrorText", after_s=11) == [0, ""]


def test_latency_is_zero_again_when_nothing_is_published(streaming):
    streaming.send(streaming.image(11, timestamp_s=streaming.clock.now_s() - 0.3))
    assert streaming.health().latency_p99_ms > 0
    assert read(streaming, "Latency", after_s=5) == 0
    assert streaming.health().latency_p99_ms > 0


def test_latency_is_the_median_while_slices_go_out(streaming):
    for number in range(11, 40):
        streaming.clock.advance(0.1)
        stamp_s = streaming.clock.now_s() - 0.3
        streaming.send(streaming.image(number, timestamp_s=stamp_s))
    shown = read(streaming, "Latency", after_s=0.6)
    assert shown == pytest.approx(streaming.loop.health.get().latency_p50_ms)
    assert shown >= 299


def test_a_failed_session_says_its_error_first(streaming):
    streaming.engine.error = RuntimeError("out of tricks")
    streaming.queue.put(streaming.image(11))
    streaming.step()
    assert read(streaming, "ErrorText").startswith("RuntimeError: out of tricks")


def test_a_source_is_disconnected_until_it_says_otherwise(wired):
    names = (*SOURCES, "DarkConnection")
    assert read(wired, *names) == ["Disconnected", "Disconnected", "not used"]
    assert read(wired, "ErrorText") == "not connected: cam:Image, scan:Theta"
    wired.send(connection("cam:Image", wired))
    assert read(wired, *names) == ["Connected", "Disconnected", "not used"]
    wired.send(connection("cam:Image", wired, is_connected=False))
    assert read(wired, "ImageConnection") == "Disconnected"


def test_the_status_says_which_source_was_never_there(wired):
    wired.send(connection("cam:Image", wired))
    assert "not connected: scan:Theta" in wired.status


def test_fields_tell_age_shape_and_match(streaming):
    assert read(streaming, "DarkAge", "DarkShape", "DarkMatch") == [0, "none", "none"]
    streaming.send(field_arrival(DARK, now_s=streaming.clock.now_s()))
    shape = " x ".join(map(str, streaming.engine.geometry.frame_shape))
    age, *others = read(streaming, "DarkAge", "DarkShape", "DarkMatch", after_s=30)
    assert 30 <= age <= 31
    assert others == [shape, "ok"]


def test_a_field_that_comes_again_does_not_grow_young(streaming):
    streaming.send(field_arrival(FLAT, now_s=streaming.clock.now_s()))
    streaming.clock.advance(100)
    streaming.send(field_arrival(FLAT, now_s=streaming.clock.now_s()))
    assert read(streaming, "FlatAge") >= 100
    streaming.send(field_arrival(FLAT, 5.0, now_s=streaming.clock.now_s()))
    assert read(streaming, "FlatAge") <= 2


def test_a_field_of_another_size_is_told(streaming):
    streaming.send(field_arrival(FLAT, n_pixels=15, shape=(3, 5)))
    shape, match, text = read(streaming, "FlatShape", "FlatMatch", "ErrorText")
    assert (shape, match) == ("3 x 5", "another size")
    assert "15 pixels kept aside" in text


def test_sizes_that_do_not_fit_the_values_are_not_believed(streaming):
    streaming.send(field_arrival(FLAT, n_pixels=15, shape=(2, 8)))
    assert read(streaming, "FlatShape") == "15 pixels"


def test_a_field_before_any_frame_is_not_compared(bench):
    bench.send(field_arrival(DARK))
    assert read(bench, "DarkMatch") == "no frames"


def test_memory_is_told_in_mebibytes(streaming):
    assert read(streaming, "Memory") == 0.5


def test_what_reconstructs_is_told_as_it_was_given():
    bench = LoopRig(ServiceSettings(hardware={"Backend": "cpu", "Isa": "avx2"}))
    assert read(bench, "Backend", "Isa") == ["cpu", "avx2"]


def test_planes_and_region_end_where_volume_and_frames_do(streaming):
    n_z, n_x = streaming.engine.geometry.frame_shape
    assert streaming.controls.limits == {
        "OrthoX": (0, n_x - 1), "OrthoY": (0, n_x - 1), "OrthoZ": (0, n_z - 1),
        "ObliqueX": (0, n_x - 1), "ObliqueY": (0, n_x - 1), "ObliqueZ": (0, n_z - 1),
        "RegionX": (0, n_x - 1), "RegionY": (0, n_z - 1),
        "RegionWidth": (0, n_x), "RegionHeight": (0, n_z),
    }  # fmt: skip


def test_limits_follow_another_size_before_the_planes_are_written(streaming):
    told = []
    streaming.controls.limit = lambda name, **ends: told.append((name, ends["high"]))
    streaming.controls.write_parameters = lambda _: told.append("planes")
    pixels = np.ones((16, 32), np.uint16)
    streaming.send(*(streaming.image(k, pixels) for k in (11, 12, 13)))
    assert told[:3] == [("OrthoX", 31), ("OrthoY", 31), ("OrthoZ", 15)]
    assert ("RegionHeight", 16) in told
    assert told.index("planes") == len(told) - 1
