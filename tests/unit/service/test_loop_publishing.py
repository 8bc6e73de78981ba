import logging

import numpy as np
import pytest

from tomostream.core.arrivals import ConnectionArrival
from tomostream.core.controls import CONTROLS, DETAILS
from tomostream.core.health import HEALTH_NUMBERS, RejectReason, camel_case


def test_publications_are_counted_from_one(bench):
    bench.start()
    bench.scan()
    for number in range(1, 6):
        bench.send(number)
        bench.clock.advance(1.0)
    assert [p.unique_id for p in bench.publisher.publications] == [1, 2, 3, 4, 5]


def test_nothing_is_published_before_a_frame(bench):
    bench.start()
    bench.scan()
    bench.step(10, every_s=1.0)
    assert bench.publisher.publications == []


def test_nothing_is_published_when_nothing_has_changed(streaming):
    streaming.step(3, every_s=1.0)
    count = len(streaming.publisher.publications)
    streaming.step(10, every_s=1.0)
    assert len(streaming.publisher.publications) == count


@pytest.mark.parametrize("limit_hz", [1.0, 5.0, 20.0])
def test_the_publish_rate_is_limited_and_kept(bench, limit_hz):
    bench.controls.turn(publish_rate_limit_hz=limit_hz)
    bench.start()
    bench.scan(count=10_000)
    for number in range(1, 2001):
        bench.queue.put(bench.image(number))
        bench.step(every_s=0.005)
    assert len(bench.publisher.publications) == pytest.approx(10 * limit_hz, rel=0.1)


def test_a_slow_publisher_leaves_half_the_time_to_frames(bench):
    bench.publisher.on_publish = lambda: bench.clock.advance(0.1)
    bench.start()
    bench.scan(count=10_000)
    started_s = bench.clock.monotonic_s()
    number = 0
    while bench.clock.monotonic_s() < started_s + 10.0:
        number += 1
        bench.queue.put(bench.image(number))
        bench.step(every_s=0.01)
    assert len(bench.publisher.publications) <= 55


def test_the_attributes_describe_what_is_shown(streaming):
    streaming.controls.turn(center=3.25, ortho_x=2, ortho_y=3, ortho_z=0)
    streaming.clock.advance(1.0)
    streaming.send(15)
    assert streaming.last.attributes() == {
        "FirstProjectionId": 1, "LastProjectionId": 15, "Angle": 14.0,
        "Center": 3.25, "OrthoX": 2, "OrthoY": 3, "OrthoZ": 0,
        "FilterType": "Parzen", "SlotsFilled": 11, "SlotsStale": 0,
        "Completeness": 11 / 180, "Session": 1,
    }  # fmt: skip


def test_time_stamps_tell_publication_and_data_apart(streaming):
    taken_s = streaming.clock.now_s() + 0.5
    image = streaming.image(11, timestamp_s=taken_s)
    streaming.clock.advance(1.0)
    now_s = streaming.clock.now_s()
    streaming.send(image)
    assert (streaming.last.data_s, streaming.last.published_s) == (taken_s, now_s)


def test_slots_that_were_not_renewed_are_stale(bench):
    bench.start()
    bench.scan(step_deg=10.0)
    bench.send_frames(range(1, 19))
    bench.clock.advance(1.0)
    bench.send_frames(range(30, 37))
    health = bench.health()
    # One revolution is 18 frames: with id 36 come, 1 to 18 should have gone.
    assert (health.slots_filled, health.slots_stale) == (18, 11)
    assert bench.last.completeness == pytest.approx(7 / 18)


def test_the_image_has_the_packed_shape(streaming):
    assert streaming.last.packed.shape == (8, 24)
    assert streaming.last.packed.dtype == np.float32
    assert streaming.last.slices.y.shape == (2, 8)


def test_a_published_image_is_not_modified_any_more(streaming):
    published = streaming.last.packed
    before = published.copy()
    streaming.controls.turn(crosshair=True)
    streaming.send(11)
    np.testing.assert_array_equal(published, before)
    with pytest.raises(ValueError, match="read-only"):
        published[0, 0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        streaming.last.slices.z[0, 0] = 1.0


def test_cross_hairs_are_drawn_when_wanted(streaming):
    assert not np.isnan(streaming.last.packed).any()
    streaming.controls.turn(crosshair=True)
    streaming.send(11)
    z = streaming.last.slices.z
    assert np.isnan(z[3:6]).all()
    assert np.isnan(z[:, 3:6]).all()
    assert not np.isnan(z[6:, 6:]).any()


def test_health_has_exactly_the_declared_numbers(streaming):
    flat = streaming.health().flat()
    assert list(flat) == [number.name for number in HEALTH_NUMBERS]


def test_every_reading_has_its_record(streaming):
    streaming.health()
    names = {control.name for control in CONTROLS}
    assert set(streaming.controls.readings) <= names
    wanted = {camel_case(n.name) for n in HEALTH_NUMBERS} | {
        "ReconStatus", "SessionState", "BufferSize", "ReconTime", "Corrected",
        "Session", "Watchdog", "AutoCenterConfidence", "CameraRollConfidence",
    }  # fmt: skip
    # These are told where it is known what reconstructs.
    wanted |= {c.name for c in DETAILS} - {"Backend", "Device", "Isa"}
    assert set(streaming.controls.readings) == wanted


def test_readings_go_out_twice_a_second_at_most(streaming):
    before = len(streaming.controls.reports)
    streaming.step(1000, every_s=0.01)
    assert len(streaming.controls.reports) - before <= 21


def test_the_watchdog_is_fed_every_three_seconds(streaming):
    streaming.controls.reports.clear()
    streaming.step(300, every_s=0.1)
    fed = [r["Watchdog"] for r in streaming.controls.reports if "Watchdog" in r]
    assert fed == [5] * len(fed)
    assert 9 <= len(fed) <= 11


def test_buffer_size_tells_new_frames_and_slots(streaming):
    streaming.send_frames(range(11, 14))
    streaming.health()
    assert streaming.controls.readings["BufferSize"] == "3/180"


def test_the_time_of_a_call_is_told(make_bench):
    bench = make_bench(cost_s=0.002)
    bench.start()
    bench.scan()
    # The first one goes in alone: what it costs is not known.
    bench.send_frames([1])
    bench.send_frames(range(2, 6))
    bench.health()
    assert bench.controls.readings["ReconTime"] == pytest.approx(0.008)
    assert bench.health().recon_ms == pytest.approx(2.0)


def test_rates_are_measured(bench):
    bench.start()
    bench.scan(count=10_000)
    for number in range(1, 1001):
        bench.queue.put(bench.image(number))
        bench.step(every_s=0.01)
    health = bench.loop.health.get()
    assert health.frame_rate_hz == pytest.approx(100.0, rel=0.1)
    assert health.publish_rate_hz == pytest.approx(20.0, rel=0.1)


def test_latencies_are_measured_from_time_stamp_and_from_arrival(streaming):
    streaming.loop._publishing.latency._samples.clear()
    streaming.loop._publishing.arrival._samples.clear()
    image = streaming.image(11, timestamp_s=streaming.clock.now_s() - 0.2)
    streaming.queue.put(image)
    streaming.clock.advance(0.3)
    streaming.step()
    health = streaming.health()
    assert health.latency_p50_ms == pytest.approx(500.0)
    assert health.arrival_p99_ms == pytest.approx(300.0)
    assert health.clock_offset_ms == 0.0


def test_a_clock_that_is_ahead_is_flagged(streaming):
    streaming.send_frames([11], timestamp_s=streaming.clock.now_s() + 7.0)
    assert streaming.health().clock_offset_ms == pytest.approx(7000.0)


def test_coverage_grows_with_the_slots(streaming):
    assert streaming.health().coverage_deg == pytest.approx(10.0)


def test_the_status_fits_its_record(streaming):
    for number in range(50):
        streaming.send(
            ConnectionArrival(
                source=f"some:long:channel:{number}", is_connected=False, arrived_s=0.0
            )
        )
    assert len(streaming.status) == 255


def test_faults_are_logged_once_a_second_with_the_number_left_out(streaming, caplog):
    with caplog.at_level(logging.WARNING):
        streaming.send_frames([5] * 50)
        streaming.clock.advance(2.0)
        streaming.send_frames([5])
    lines = [r.getMessage() for r in caplog.records]
    assert len(lines) == 2
    assert "and 49 more" in lines[1]


def test_no_counter_is_without_a_record():
    names = {control.name for control in CONTROLS}
    assert {camel_case(f"rejected_{r}") for r in RejectReason} <= names
