"""A GPU that fails in mid-stream ends the session; the next Start begins anew."""

import shutil

import numpy as np
import pytest

from tomostream.core.errors import ReconstructionError
from tomostream.core.health import RejectReason
from tomostream.core.ports import Command
from tomostream.recon.cuda.backend import CudaBackend
from tomostream.recon.engine import Engine
from tomostream.runtime.queues import ArrivalQueue
from tomostream.service import AngleSource, ServiceSettings, StreamLoop
from tomostream.testing.arrivals import image_arrival
from tomostream.testing.cuda_shim import ShimDevice
from tomostream.testing.fakes import FakeClock, FakeControls, RecordingPublisher

pytestmark = pytest.mark.skipif(
    shutil.which("g++") is None, reason="the shim needs g++"
)

N_Z, N_X, N_SLOTS = 12, 40, 20
FAULT = "CUDA: cudaErrorLaunchTimeout"


class FaultyDevice(ShimDevice):
    """Fails while one of its calls is named, as all of a GPU's calls may."""

    faulty = ""

    def _try(self, name):
        if name == self.faulty:
            raise ReconstructionError(FAULT)

    def launch(self, kernel, size, args):
        self._try("launch")
        super().launch(kernel, size, args)

    def upload(self, target, source):
        self._try("upload")
        return super().upload(target, source)

    def mark(self):
        self._try("mark")
        return super().mark()

    def download(self, target, source):
        self._try("download")
        return super().download(target, source)


class Stream:
    """A loop, an engine on a device, and frames that are always the same ones."""

    def __init__(self, device):
        self.clock = FakeClock()
        self.queue = ArrivalQueue(capacity_frames=1000, capacity_bytes=1 << 30)
        self.controls, self.publisher = FakeControls(), RecordingPublisher()
        self.controls.turn(center=N_X / 2)
        self.loop = StreamLoop(
            self.queue, Engine(backend=CudaBackend([device])),
            publisher=self.publisher, controls=self.controls, clock=self.clock,
            settings=ServiceSettings(
                angle_source=AngleSource.FIXED_STEP, angle_step_deg=180 / N_SLOTS
            ),
        )  # fmt: skip
        self.sent = 0

    def start(self):
        self.controls.press(Command.START)
        self.loop.step()

    def send(self, count):
        for _ in range(count):
            random = np.random.default_rng(self.sent % N_SLOTS)
            frame = random.integers(400, 1000, (N_Z, N_X)).astype(np.uint16)
            self.queue.put(image_arrival(self.sent, frame, now_s=self.clock.now_s()))
            self.sent += 1
            while self.loop.step().taken:
                pass
            self.clock.advance(1.0)
            self.loop.step()

    @property
    def status(self):
        return str(self.controls.readings["ReconStatus"])

    @property
    def shown(self):
        return self.publisher.publications[-1].packed


@pytest.mark.parametrize("call", ["launch", "upload", "mark", "download"])
def test_a_fault_ends_the_session_and_the_next_start_begins_anew(call):
    device = FaultyDevice()
    stream = Stream(device)
    stream.start()
    stream.send(2 * N_SLOTS)
    expected = stream.shown
    device.faulty = call
    stream.send(1)
    assert stream.loop.state == "failed"
    assert FAULT in stream.status
    published = len(stream.publisher.publications)
    stream.send(N_SLOTS - 1)
    assert len(stream.publisher.publications) == published

    # As long as the device fails, so does every Start, and says so.
    stream.start()
    stream.send(1)
    assert stream.loop.state == "failed"
    assert FAULT in stream.status

    device.faulty = ""
    stream.send(N_SLOTS - 1)
    stream.start()
    # To where it was: whole turns after the first pictures.
    stream.send(2 * N_SLOTS)
    assert stream.sent % (2 * N_SLOTS) == 0
    assert stream.loop.state == "streaming"
    atol = 1e-3 * float(np.ptp(expected))
    np.testing.assert_allclose(stream.shown, expected, atol=atol)
    health = stream.loop.health.get()
    assert health is not None
    assert health.rejected.get(RejectReason.FAILED, 0) >= (call != "download")
