"""A whole beamline on loopback: records, camera and reconstruction."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from tomostream._version import __version__
from tomostream.app.config import (
    Config,
    EngineSection,
    IdSection,
    InputSection,
    LimitSection,
)
from tomostream.app.environment import BeaconPort, LoopbackEnvironment
from tomostream.app.interruption import Interruption
from tomostream.app.memory import MemoryKeeper
from tomostream.app.names import Names
from tomostream.app.processes import Children
from tomostream.core.controls import CONTROLS
from tomostream.core.errors import ConfigurationError, ProcessError
from tomostream.core.geometry import Geometry
from tomostream.core.health import Health
from tomostream.core.parameters import Parameters, Value
from tomostream.core.publication import Publication
from tomostream.core.record_name import LONGEST_STRING
from tomostream.runtime import SystemClock

if TYPE_CHECKING:
    from tomostream.app.server import Server

_START_S = 60.0
"""Time that the slowest machine may take to start a child."""
_SLICES_S = 60.0
"""Time from the first frames on to the first slices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPlan:
    """What the user asked for."""

    prefix: str
    size: int
    rate_hz: float
    n_angles: int
    scan: str
    replay: Path | None
    center: float | None
    backend: Literal["auto", "cpu", "cuda"]
    isa: Literal["auto", "avx512", "avx2", "baseline"]
    threads: int | None
    is_open: bool = False
    """Whether other computers may see it."""

    def __post_init__(self) -> None:
        longest = Names.below(self.prefix).tomoscan
        if len(longest) > LONGEST_STRING:
            raise ConfigurationError(
                f"--prefix: expected {LONGEST_STRING} characters at most in "
                f"{longest}, which a string record holds, got {len(longest)}"
            )


class Demo:
    """IOC and camera as child processes, the service in this one.

    To be used as a context manager: all of it ends with the context.
    """

    def __init__(self, plan: DemoPlan, interruption: Interruption) -> None:
        self._plan = plan
        self._interruption = interruption
        self._clock = SystemClock()
        self._memory = MemoryKeeper(self._clock)
        self._children = Children()
        self._beacons: BeaconPort | None = None
        self._server: Server | None = None
        self.names = Names.below(plan.prefix)
        self.environment = LoopbackEnvironment.find(is_open=plan.is_open)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # The service first: it shall not report that its sources have gone.
        if self._server is not None:
            self._server.stop()
        self._children.stop()
        if self._beacons is not None:
            self._beacons.close()

    def start(self) -> bool:
        """Start all; tell whether it runs, or the end was asked for.

        Raises
        ------
        TomostreamError
            Says which part did not start, and why.
        """
        # From here on this process is the service, and no other EPICS is seen.
        self.environment.enter("service")
        self._beacons = BeaconPort(self.environment.repeater_port)
        self._children.start(
            "IOC", self._ioc_arguments(), environment=self._variables("ioc")
        )
        camera = self._children.start(
            "camera", self._camera_arguments(),
            environment=self._variables("simulator"),
        )  # fmt: skip
        # Imported while the children start, after the variables were set.
        from tomostream.app.build import build_server

        server = build_server(self._config())
        if self._plan.replay is None:
            size = self._plan.size
            server.prepare(
                Geometry(n_z=size, n_x=size, n_slots=self._plan.n_angles, n_out=size)
            )
        if not self._children.wait_ready(_START_S, self._interruption):
            return False
        self._server = server
        server.start(first_parameters(camera.readiness or {}, self._plan.center))
        return True

    def wait_for_slices(self) -> bool:
        """Wait for the first slices; tell whether they came, or the end was asked for.

        Raises
        ------
        ProcessError
            None came in time; says what the service waits for.
        """
        deadline_s = self._clock.monotonic_s() + _SLICES_S
        while self.publication is None:
            self.check()
            if self._clock.monotonic_s() > deadline_s:
                raise ProcessError(
                    f"no slices within {_SLICES_S:g} s: {self.server.status}"
                )
            if self._interruption.wait(0.05):
                return False
        return True

    def check(self) -> None:
        """Make sure that all parts run; to be called now and then.

        Raises
        ------
        TomostreamError
            Says which part has ended, and why.
        """
        if self._beacons is not None:
            self._beacons.answer()
        self._children.check()
        self.server.check()
        self._memory.look(self.server.connected)

    @property
    def server(self) -> "Server":
        """The service; there is one once `start` has told so."""
        if self._server is None:
            raise ProcessError("the service has not been started")
        return self._server

    @property
    def status(self) -> str:
        """What is done or waited for, in a sentence."""
        if self._server is not None:
            return self._server.status
        late = ", ".join(child.name for child in self._children.late)
        return f"not ready: {late}" if late else "not started"

    @property
    def health(self) -> Health:
        """The service's own numbers."""
        return self.server.health

    @property
    def publication(self) -> Publication | None:
        """The newest slices."""
        return self.server.publication

    def write_report(self, path: Path) -> None:
        """Write what a client needs to know, and how it goes, as JSON."""
        report = {
            "version": __version__,
            "environment": self.environment.client(),
            "pvs": self._pvs(),
            "health": self.health.flat(),
            "parameters": _shown(self.server.parameters),
            "state": self.server.state,
            "status": self.server.status,
        }
        write_json(path, report)

    def _pvs(self) -> dict[str, str]:
        """Give channels by role in small letters, records by their own names."""
        records = {c.name: f"{self.names.records}{c.name}" for c in CONTROLS}
        scan = {n: f"{self.names.tomoscan}{n}" for n in ("FrameType", "FirstProjid")}
        return self.names.channels() | records | scan

    def _config(self) -> Config:
        plan, names = self._plan, self.names
        return Config(
            prefix=plan.prefix,
            recon_channel=names.recon,
            input=InputSection(
                image_channel=names.image, dark_channel=names.dark,
                flat_channel=names.flat, theta_channel=names.theta,
                tomoscan_prefix=names.tomoscan,
            ),
            ids=IdSection(origin=0),
            engine=EngineSection(
                backend=plan.backend, isa=plan.isa, threads=plan.threads
            ),
            limits=LimitSection(queue_frames=1000),
            start_at_once=True,
        )  # fmt: skip

    def _variables(self, name: str) -> dict[str, str]:
        return self.environment.process_environment(name) | {"PYTHONUNBUFFERED": "1"}

    def _ioc_arguments(self) -> list[str]:
        names = self.names
        return [
            "ioc", "--ready-json", "--prefix", names.records,
            "--tomoscan", names.tomoscan, "--image", names.image_name_record,
            "--dark", names.dark, "--flat", names.flat, "--theta", names.theta,
            "--recon", names.recon,
        ]  # fmt: skip

    def _camera_arguments(self) -> list[str]:
        plan = self._plan
        family = self.names.tomoscan.removesuffix("TomoScanStream:")
        common = [
            "--ready-json", "--prefix", family, "--rate", repr(plan.rate_hz),
            "--id-origin", "0",
        ]  # fmt: skip
        if plan.replay is not None:
            return ["replay", os.fspath(plan.replay.absolute()), *common]
        return [
            "simulate", *common, "--size", str(plan.size),
            "--angles", str(plan.n_angles), "--scan", plan.scan,
        ]  # fmt: skip


def first_parameters(camera: Mapping[str, Any], center: float | None) -> Parameters:
    """Give the operator's first values: the axis where it is known, else mid.

    Parameters
    ----------
    camera
        What the camera says of itself: n_x, n_z, and center where it knows it.
    center
        What the user asked for.

    Raises
    ------
    ConfigurationError
        The centre is outside the frames.
    """
    n_x, n_z = int(camera["n_x"]), int(camera["n_z"])
    if center is None:
        center = float(camera.get("center") or (n_x - 1) / 2)
    if not 0 <= center < n_x:
        raise ConfigurationError(
            f"--center: expected a column of 0 to {n_x - 1}, got {center:g}"
        )
    return replace(
        Parameters(), center=center, ortho_x=n_x // 2, ortho_y=n_x // 2,
        ortho_z=n_z // 2,
    )  # fmt: skip


def _shown(parameters: Parameters) -> dict[str, Value]:
    """Give parameters by record name, choices by their text."""
    values = dict(parameters.values())
    for record in CONTROLS:
        if record.field and record.choices:
            values[record.name] = record.choices[int(values[record.name])]
    return values


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write JSON so that a reader sees the old file or the whole new one."""
    text = json.dumps(values, indent=2) + "\n"
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
