"""Faults 16 to 24 of the server that this one replaces: none may come back.

Fault 16, rings of more than 2^31 elements, needs 16 GiB: see
`tests/unit/recon/test_large_ring.py`. Fault 22, a missing click file, is with the
clicks. Fault 23 is not in the list.
"""

from dataclasses import replace

import imagecodecs
import numpy as np
import pytest

from tomostream.core.health import RejectReason
from tomostream.core.parameters import Parameters
from tomostream.core.ports import Command
from tomostream.epics.buttons import RESTING_STATES, Buttons
from tomostream.epics.compression import decompress
from tomostream.testing.arrivals import table_arrival
from tomostream.testing.fakes import FakeClock


def test_fault_17_frames_may_be_higher_than_wide(make_engine, frames):
    engine, f = make_engine(n_z=70, n_x=32), frames(2, 70, 32)
    engine.add(list(f), np.array([0.0, 90.0]), np.arange(2))
    assert engine.packed().shape == (70, 96)
    assert np.isfinite(engine.packed()).all()
    assert np.abs(engine.slices().y[-1]).max() > 0


def test_fault_18_an_empty_angle_table_is_waited_out(bench):
    bench.start()
    bench.send(table_arrival([]))
    bench.send_frames([1, 2])
    assert bench.loop.state == "waiting"
    bench.scan()
    bench.send_frames([3, 4])
    assert bench.loop.state == "filling"


def test_fault_19_an_exception_ends_the_session_and_start_recon_is_done(bench):
    clock = FakeClock()
    buttons = Buttons(clock)
    press = buttons.handler("StartRecon")
    press(0.0, 0.0)
    press(1.0, 0.0)
    assert buttons.commands() == [Command.START]
    bench.start()
    bench.scan()
    bench.engine.error = RuntimeError("out of memory")
    bench.send_frames([1, 2])
    assert bench.loop.state == "failed"
    assert "out of memory" in bench.status
    is_running = bench.controls.readings["SessionState"] not in RESTING_STATES
    assert buttons.started(is_running) == 0
    bench.start()
    bench.send_frames([3, 4])
    assert bench.loop.state == "filling"


@pytest.mark.parametrize("missing", ["energy_kev", "distance_mm", "pixel_um"])
def test_fault_20_phase_retrieval_that_is_impossible_is_told_and_left_out(
    bench, missing
):
    whole = Parameters(energy_kev=30.0, distance_mm=100.0, pixel_um=1.0, alpha=1e-3)
    assert whole.recon().steps.phase is not None
    assert replace(whole, **{missing: 0.0}).recon().steps.phase is None
    bench.controls.turn(energy_kev=30.0, distance_mm=100.0, pixel_um=1.0, alpha=1e-3)
    bench.controls.turn(**{missing: 0.0})
    bench.start()
    bench.scan()
    bench.send_frames([1, 2])
    assert bench.loop.state == "filling"
    assert "phase retrieval needs" in bench.status


@pytest.mark.parametrize(
    "dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8", ">u2"]
)
def test_fault_21_every_pixel_type_is_reconstructed(make_engine, dtype):
    engine, plain = make_engine(), make_engine()
    frame = np.random.default_rng(1).integers(1, 100, (4, 32))
    engine.add([frame.astype(dtype)], np.array([30.0]), np.array([0]))
    plain.add([frame.astype("f4")], np.array([30.0]), np.array([0]))
    np.testing.assert_allclose(engine.packed(), plain.packed(), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("codec", "encode"),
    [
        ("lz4", lambda image: imagecodecs.lz4_encode(image.tobytes())),
        ("blosc", lambda image: imagecodecs.blosc_encode(image.tobytes(), typesize=2)),
        ("jpeg", imagecodecs.jpeg_encode),
    ],
)
def test_fault_21_compressed_frames_are_decoded(codec, encode):
    image = np.full((16, 24), 100, np.uint8 if codec == "jpeg" else np.uint16)
    coded = np.frombuffer(bytes(encode(image)), np.uint8)
    decoded = decompress(coded, codec, dtype=image.dtype, shape=image.shape)
    np.testing.assert_array_equal(decoded, image)


def test_fault_24_a_start_before_the_detector_waits_for_it(bench):
    bench.start()
    bench.step(100, every_s=0.1)
    assert bench.loop.state == "waiting"
    assert "for frames" in bench.status
    bench.scan()
    bench.send_frames([1, 2])
    assert bench.loop.state == "filling"
    assert bench.rejected(RejectReason.MALFORMED) == 0
