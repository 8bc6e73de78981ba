"""From the loop to the work beside it: a view of the ring, when it is asked for."""

from collections.abc import Callable
from dataclasses import dataclass

from tomostream.core.parameters import Parameters
from tomostream.core.ports import Clock
from tomostream.recon.center import CenterEstimate
from tomostream.recon.snapshot import RingSnapshot
from tomostream.runtime.latest import Latest

_EVERY_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What the loop was at work on at one moment. Read only."""

    snapshot: RingSnapshot
    parameters: Parameters
    """In force."""
    session: int
    """Which filling of the ring."""
    completeness: float
    """Share of the slots that hold a projection which is not stale, 0 to 1."""
    data_s: float
    """Time stamp of the newest projection, the source's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisFound:
    """What is known of the rotation axis, and in which filling of the ring."""

    estimate: CenterEstimate
    session: int


class Handover:
    """Let a worker have scenes, and the loop have what was found in them.

    The worker asks, the loop gives at one of its next steps, five times a second at
    most: giving costs it references to the frames and no copy. One scene at a time is
    on the way, so that no more than one ring's frames are kept alive.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._given_s = -1e18
        self._asked: Latest[bool] = Latest(False)
        self._scene: Latest[Scene | None] = Latest(None)
        self.axis: Latest[AxisFound | None] = Latest(None)
        """Set by the worker, for the loop."""
        self.failed: Latest[int] = Latest(0)
        """Views that could not be made; set by the worker."""
        self.lacking: Latest[str] = Latest("")
        """Which view there is no memory for, and what it wanted; set by the worker."""
        self.decimation: Latest[int] = Latest(1)
        """Set by the loop: above 1 the machine is too slow as it is."""

    def give(self, made: Callable[[], Scene | None]) -> None:
        """Give a scene if one is asked for and it is time; for the loop."""
        now_s = self._clock.monotonic_s()
        if not self._asked.get() or now_s - self._given_s < _EVERY_S:
            return
        scene = made()
        if scene is not None:
            self._given_s = now_s
            self._asked.set(False)
            self._scene.set(scene)

    def take(self, timeout_s: float) -> Scene | None:
        """Give a scene of now, or None where none comes in time; for the worker."""
        version = self._scene.set(None)
        self._asked.set(True)
        came = self._scene.wait_newer(version, timeout_s)
        self._asked.set(False)
        scene = self._scene.get() if came else None
        self._scene.set(None)
        return scene
