import pytest

from tomostream.sim.pacing import Pacer


def sent_times(pacer, clock, count, cost_s=0.0):
    """Send frames as a loop does; each takes a time of its own."""
    times = []
    for _ in range(count):
        clock.time_s += pacer.wait_s()
        pacer.advance()
        times.append(clock.time_s)
        clock.time_s += cost_s
    return times


def test_frames_are_due_at_even_times(clock):
    times = sent_times(Pacer(250.0, clock), clock, 1001)
    assert times[-1] - times[0] == pytest.approx(4.0)


def test_time_that_a_frame_takes_does_not_add_up(clock):
    times = sent_times(Pacer(100.0, clock), clock, 101, cost_s=0.009)
    assert times[-1] - times[0] == pytest.approx(1.0, abs=0.001)


def test_lost_time_is_caught_up_at_twice_the_rate(clock):
    pacer = Pacer(100.0, clock)
    sent_times(pacer, clock, 10)
    start_s = clock.time_s
    clock.time_s += 0.3
    times = sent_times(pacer, clock, 100)

    assert sum(t < times[0] + 0.1 for t in times) <= 21
    assert times[-1] - start_s == pytest.approx(1.0)
    assert pacer.slipped_s == 0.0


def test_long_delay_puts_the_schedule_off_and_is_counted(clock):
    pacer = Pacer(100.0, clock, patience_s=0.5)
    sent_times(pacer, clock, 10)
    clock.time_s += 3.0
    times = sent_times(pacer, clock, 11)

    assert pacer.slipped_s == pytest.approx(2.99)
    assert times[-1] - times[0] == pytest.approx(0.1)


def test_rate_that_cannot_be_kept_slips_all_the_time(clock):
    pacer = Pacer(100.0, clock)
    times = sent_times(pacer, clock, 1000, cost_s=0.02)
    assert times[-1] - times[0] == pytest.approx(999 * 0.02)
    assert pacer.slipped_s == pytest.approx(10.0, abs=1.0)


def test_another_rate_holds_from_the_frame_after_the_next(clock):
    pacer = Pacer(100.0, clock)
    sent_times(pacer, clock, 2)
    pacer.set_rate(10.0)
    times = sent_times(pacer, clock, 3)
    assert times[2] - times[1] == pytest.approx(0.1)


def test_pause_is_no_delay(clock):
    pacer = Pacer(100.0, clock)
    sent_times(pacer, clock, 2)
    clock.time_s += 60.0
    pacer.restart()
    times = sent_times(pacer, clock, 11)
    assert times[-1] - times[0] == pytest.approx(0.1)
    assert pacer.slipped_s == 0.0


def test_late_timers_do_not_lower_a_high_rate(clock):
    pacer = Pacer(2000.0, clock)
    times = []
    for _ in range(4000):
        wait_s = pacer.wait_s()
        clock.time_s += wait_s + 0.0003 * (wait_s > 0)
        pacer.advance()
        times.append(clock.time_s)
    assert times[-1] - times[0] == pytest.approx(2.0, abs=0.01)
