"""Stand-ins for the ports that need no network, no device and no waiting."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tomostream.core.geometry import Geometry
from tomostream.core.health import RejectReason
from tomostream.core.parameters import Parameters, ReconParameters
from tomostream.core.ports import Command
from tomostream.core.publication import Publication
from tomostream.core.slices import F32
from tomostream.core.views import View, ViewImage
from tomostream.recon.backend import MemoryPlan
from tomostream.recon.snapshot import RingSnapshot


class FakeClock:
    """Time that stands still until it is told to go on."""

    def __init__(self, now_s: float = 1_700_000_000.0) -> None:
        self._now_s = now_s
        self._monotonic_s = 1000.0

    def now_s(self) -> float:
        """Give the wall clock, seconds since 1970."""
        return self._now_s

    def monotonic_s(self) -> float:
        """Give seconds that never run backwards."""
        return self._monotonic_s

    def advance(self, seconds: float) -> None:
        """Let time go on."""
        self._now_s += seconds
        self._monotonic_s += seconds


class RecordingPublisher:
    """Keep what was published, the newest `kept` of it."""

    def __init__(self, kept: int = 1000) -> None:
        self._kept = kept
        self.publications: list[Publication] = []
        self.on_publish: Callable[[], None] = lambda: None
        """Called with each publication: let time pass, or raise."""

    def publish(self, publication: Publication) -> None:
        """Keep it."""
        self.on_publish()
        self.publications.append(publication)
        del self.publications[: -self._kept]


class RecordingViews:
    """Keep the views that were published; somebody looks at those in `wanted`."""

    def __init__(self) -> None:
        self.wanted: set[View] = set()
        self.images: list[ViewImage] = []

    def is_wanted(self, view: View) -> bool:
        """Tell whether somebody looks."""
        return view in self.wanted

    def publish_view(self, image: ViewImage) -> None:
        """Keep it."""
        self.images.append(image)


class FakeControls:
    """An operator's side in memory: turn knobs, press buttons, read records."""

    def __init__(self, parameters: Parameters | None = None) -> None:
        self.shown = parameters or Parameters()
        """What the records show."""
        self.readings: dict[str, float | int | str] = {}
        """What the service has written last, by record name."""
        self.reports: list[Mapping[str, float | int | str]] = []
        self.refused: Mapping[str, str] = {}
        """Why a record's value is not used, by record name."""
        self.written: list[Parameters] = []
        self.limits: dict[str, tuple[int, int]] = {}
        """What each record was limited to last."""
        self.is_slow = False
        """Whether parameters that are written back never come round."""
        self._pressed: list[Command] = []

    def turn(self, **values: Any) -> None:
        """Change parameters, as an operator does."""
        self.shown = replace(self.shown, **values)

    def press(self, command: Command) -> None:
        """Press a button."""
        self._pressed.append(command)

    def parameters(self) -> Parameters:
        """Give the newest snapshot."""
        return self.shown

    def commands(self) -> Sequence[Command]:
        """Give the buttons pressed since the last call."""
        pressed, self._pressed = self._pressed, []
        return pressed

    def report(self, readings: Mapping[str, float | int | str]) -> None:
        """Keep the readings."""
        self.reports.append(dict(readings))
        del self.reports[:-1000]
        self.readings |= readings

    def limit(self, name: str, *, low: int, high: int) -> None:
        """Keep the limits."""
        self.limits[name] = low, high

    def write_parameters(self, parameters: Parameters) -> None:
        """Keep, and show, what the service has changed."""
        self.written.append(parameters)
        if not self.is_slow:
            self.shown = parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeAddReport:
    """What became of a batch."""

    accepted: NDArray[np.bool_]
    reasons: tuple[RejectReason | None, ...] = ()
    pixels_repaired: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeFieldReport:
    """What became of fields."""

    dead_pixels: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotContent:
    """What a slot of the fake ring holds."""

    value: float
    """The frame's first pixel."""
    angle_deg: float
    generation: int
    """How many times fields had been set before."""


class FakeEngine:
    """An engine that remembers what it was told and computes nothing.

    A frame whose pixels are all NaN is not accepted; on one that begins with
    `poison` a processing step fails.
    """

    def __init__(self, clock: FakeClock | None = None, *, cost_s: float = 0.0) -> None:
        self._clock = clock
        self.cost_s = cost_s
        """Time that each frame takes, by `clock`."""
        self.making_s = 0.0
        """Time that a new ring takes."""
        self.poison = -1.0
        self.error: Exception | None = None
        """Raised by the next call that works, once."""
        self.geometry: Geometry | None = None
        self.parameters: ReconParameters | None = None
        self.slots: dict[int, SlotContent] = {}
        self.frames: dict[int, NDArray[Any]] = {}
        self.batches: list[int] = []
        self.fields: list[tuple[bool, bool, bool]] = []
        """(dark given, flat given, refilter) of each call."""
        self.calls: list[str] = []
        self.problem = ""
        """What a step cannot do."""
        self.filter_lack = None
        self.slots_outdated = 0
        self._waiting = 0

    @property
    def slots_filled(self) -> int:
        """Slots that hold a projection."""
        return len(self.slots)

    @property
    def slots_waiting(self) -> int:
        """Slots that wait for `refilter`."""
        return self._waiting

    def configure(self, geometry: Geometry, parameters: ReconParameters) -> None:
        """Make an empty ring."""
        self._fail()
        self.calls.append("configure")
        if self._clock is not None:
            self._clock.advance(self.making_s)
        self.geometry, self.parameters = geometry, parameters
        self.slots = {}
        self._waiting = 0

    def reset(self) -> None:
        """Empty the ring."""
        self._fail()
        self.calls.append("reset")
        self.slots = {}
        self._waiting = 0

    def set_fields(
        self, dark: F32 | None, flat: F32 | None, *, refilter: bool
    ) -> FakeFieldReport:
        """Note fields; a pixel whose flat is 0 is dead."""
        self._fail()
        for field in (dark, flat):
            assert field is None or field.shape == self._shape()
        self.fields.append((dark is not None, flat is not None, refilter))
        if refilter:
            self._waiting = len(self.slots)
        dead = 0 if flat is None else int(np.count_nonzero(flat == 0))
        return FakeFieldReport(dead_pixels=dead)

    def set_parameters(self, parameters: ReconParameters) -> None:
        """Note parameters."""
        self._fail()
        old = self.parameters
        if old and (parameters.filter_type, parameters.steps) != (
            old.filter_type, old.steps
        ):  # fmt: skip
            self._waiting = len(self.slots)
        self.calls.append("set_parameters")
        self.parameters = parameters

    def add(
        self,
        frames: Sequence[NDArray[Any]],
        angles_deg: NDArray[np.float64],
        slots: NDArray[np.intp],
    ) -> FakeAddReport:
        """Put frames into slots."""
        self._fail()
        if self._clock is not None:
            self._clock.advance(self.cost_s * len(frames))
        self.batches.append(len(frames))
        reasons: list[RejectReason | None] = [None] * len(frames)
        for k, frame in enumerate(frames):
            assert frame.shape == self._shape()
            if float(frame[0, 0]) == self.poison:
                reasons[k] = RejectReason.STEP
            elif frame.dtype.kind == "f" and np.isnan(frame).all():
                reasons[k] = RejectReason.PIXELS
            else:
                self.frames[int(slots[k])] = frame
                self.slots[int(slots[k])] = SlotContent(
                    value=float(frame[0, 0]), angle_deg=float(angles_deg[k]),
                    generation=len(self.fields),
                )  # fmt: skip
        accepted = np.array([reason is None for reason in reasons], bool)
        return FakeAddReport(accepted=accepted, reasons=tuple(reasons))

    def adopt_correction(self) -> None:
        """Have none."""

    def refilter(self, limit: int) -> int:
        """Work off waiting slots."""
        self._fail()
        if self._clock is not None:
            self._clock.advance(self.cost_s * min(limit, self._waiting))
        self._waiting = max(self._waiting - limit, 0)
        return self._waiting

    def packed(self) -> F32:
        """Give an image whose first pixel is the sum of the ring's values."""
        self._fail()
        assert self.geometry is not None
        image = np.zeros(self.geometry.packed_shape, np.float32)
        image[0, 0] = sum(content.value for content in self.slots.values())
        return image

    def oblique(self) -> F32:
        """Give a plane of ones."""
        assert self.geometry is not None
        return np.ones((self.geometry.n_out,) * 2, np.float32)

    @property
    def memory(self) -> MemoryPlan:
        """Give half a megabyte for the ring at hand."""
        ring = 1 << 19 if self.geometry else 0
        return MemoryPlan(ring=ring, raw=0, accumulators=0, fields=0, scratch=0)

    def snapshot(self) -> RingSnapshot:
        """Give the frames, by slot, uncorrected."""
        assert self.geometry is not None
        assert self.parameters is not None
        held = [slot for slot in self.frames if slot in self.slots]
        return RingSnapshot(
            geometry=self.geometry, parameters=self.parameters,
            dark=np.zeros(self._shape(), np.float32),
            flat=np.ones(self._shape(), np.float32),
            frames=tuple(self.frames[slot] for slot in held),
            angles_deg=np.array([self.slots[slot].angle_deg for slot in held]),
        )  # fmt: skip

    def _fail(self) -> None:
        if self.error is not None:
            error, self.error = self.error, None
            raise error

    def _shape(self) -> tuple[int, int]:
        assert self.geometry is not None
        return self.geometry.frame_shape
