"""What works on this machine, what does not, and what to do about it."""

import os
import platform
import shutil
import socket
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from tomostream._version import __version__
from tomostream.app.environment import epics_variables, free_ports
from tomostream.core.errors import (
    ProcessError,
    ReconstructionError,
    TomostreamError,
)
from tomostream.core.geometry import Geometry, Planes
from tomostream.core.memory import total_bytes
from tomostream.core.parameters import ReconParameters
from tomostream.recon.cuda.driver import extra_for, find_driver
from tomostream.recon.engine import Engine

NEEDED = (
    "numpy", "pvapy", "pyepics", "softioc", "h5py", "imagecodecs", "pydantic",
    "PyYAML", "rich", "pillow", "PyWavelets",
)  # fmt: skip
_CUPY = ("cupy-cuda12x", "cupy-cuda13x", "cupy")
_STANDARD_PORTS = {
    "Channel Access": (5064, socket.SOCK_STREAM),
    "Channel Access beacons": (5065, socket.SOCK_DGRAM),
    "pvAccess": (5075, socket.SOCK_STREAM),
    "pvAccess searches": (5076, socket.SOCK_DGRAM),
}


class State(StrEnum):
    """How a finding is to be taken."""

    GOOD = "good"
    NOTE = "note"
    """Works without; somebody may want to know."""
    BAD = "bad"
    """Something that is needed does not work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    state: State
    text: str
    fix: str = ""
    """What to do about it."""

    def as_json(self) -> dict[str, str]:
        """Give it as plain values."""
        return {name: str(value) for name, value in asdict(self).items()}


def examine_machine(environ: Mapping[str, str] | None = None) -> list[Finding]:
    """Look at everything that needs no network."""
    environ = os.environ if environ is None else environ
    return [
        *_platform(), *_versions(), *_kernels(), *_compiler(), *_gpu(),
        *_addresses(environ), *_ports(),
    ]  # fmt: skip


def _platform() -> list[Finding]:
    system, machine = platform.system(), platform.machine()
    where = f"{system} {machine}"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    cores = cores or os.cpu_count() or 1
    size = total_bytes()
    memory = f", {size / 2**30:.1f} GiB of memory" if size else ""
    python = ".".join(map(str, sys.version_info[:3]))
    findings = [
        Finding(
            subject="tomostream", state=State.GOOD,
            text=f"{__version__}, Python {python}, {cores} cores{memory}",
        )
    ]  # fmt: skip
    if system == "Linux" and machine == "x86_64":
        return [
            *findings,
            Finding(subject="platform", state=State.GOOD, text=f"{where}: tested"),
        ]
    if system == "Linux" and machine in {"aarch64", "arm64"}:
        text = f"{where}: the kernels build, nothing else has been tried"
    elif system == "Linux":
        text = f"{where}: has not been tried"
    else:
        text = f"{where}: not supported; pvapy and the kernels may or may not work"
    fix = "report what works and what does not; Linux x86-64 is what is tested"
    findings.append(Finding(subject="platform", state=State.NOTE, text=text, fix=fix))
    return findings


def _versions() -> list[Finding]:
    found: list[str] = []
    findings: list[Finding] = []
    for name in NEEDED:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            findings.append(
                Finding(
                    subject="packages", state=State.BAD, text=f"{name} is missing",
                    fix=f"pip install {name}",
                )
            )  # fmt: skip
    text = ", ".join(found)
    return [Finding(subject="packages", state=State.GOOD, text=text), *findings]


def _kernels() -> list[Finding]:
    """Let every instruction set reconstruct something: nothing less is a proof."""
    try:
        from tomostream.recon.cpu.backend import available_isas

        names = available_isas()
        for name in names:
            _reconstruct_a_point(Engine(backend="cpu", isa=name))
    except (ImportError, TomostreamError) as exc:
        return [
            Finding(
                subject="kernels", state=State.BAD, text=f"the extension fails: {exc}",
                fix="pip install --force-reinstall --no-cache-dir tomostream",
            )
        ]  # fmt: skip
    text = f"{', '.join(names)} work here; auto takes {names[0]}"
    return [Finding(subject="kernels", state=State.GOOD, text=text)]


def _reconstruct_a_point(engine: Engine) -> None:
    size = 32
    geometry = Geometry(n_z=size, n_x=size, n_slots=8, n_out=size)
    engine.configure(
        geometry,
        ReconParameters(center=size / 2, planes=Planes.middle(geometry)),
    )
    frame = np.ones((size, size), np.float32)
    frame[:, size // 2] = 0.5
    angles = np.arange(8) * 22.5
    engine.add([frame] * 8, angles, np.arange(8))
    peak = engine.slices().z.argmax()
    if peak != size // 2 * size + size // 2:
        raise ReconstructionError(f"{engine.isa}: the slice of a point is wrong")


def _gpu() -> list[Finding]:
    driver = find_driver()
    if driver.problem:
        text = f"no NVIDIA GPU is seen; the CPU is used ({driver.problem})"
        return [Finding(subject="GPU", state=State.NOTE, text=text)]
    seen = f"{', '.join(driver.gpus)}; the driver runs CUDA {driver.version}"
    try:
        _reconstruct_a_point(Engine(backend="cuda"))
    except TomostreamError as exc:
        return [
            Finding(
                subject="GPU", state=State.NOTE, text=f"{seen}; the CPU is used: {exc}",
                fix=f"pip install 'tomostream[{extra_for(driver.version)}]'",
            )
        ]  # fmt: skip
    cupy = next((name for name in _CUPY if _is_installed(name)), "cupy")
    shown = f"{cupy} {version(cupy)}" if _is_installed(cupy) else "CuPy"
    text = f"{seen}; {shown}; the cuda backend works, auto takes it"
    return [Finding(subject="GPU", state=State.GOOD, text=text)]


def _is_installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def _compiler() -> list[Finding]:
    compilers = [name for name in ("g++", "clang++") if shutil.which(name)]
    if compilers:
        text = f"{', '.join(compilers)} found (needed to install from source only)"
        return [Finding(subject="compiler", state=State.GOOD, text=text)]
    return [
        Finding(
            subject="compiler", state=State.NOTE,
            text="no C++ compiler; one is needed to install from source only",
            fix="Debian, Ubuntu: apt install g++ python3-dev; "
            "Red Hat: dnf install gcc-c++ python3-devel",
        )
    ]  # fmt: skip


def _addresses(environ: Mapping[str, str]) -> list[Finding]:
    variables = epics_variables(environ)
    shown = ", ".join(f"{name}={value!r}" for name, value in variables.items())
    findings = [
        Finding(
            subject="EPICS", state=State.GOOD,
            text=shown or "no EPICS_* variables: all attached networks are searched",
        )
    ]  # fmt: skip
    for protocol in ("CA", "PVA"):
        servers = variables.get(f"EPICS_{protocol}_NAME_SERVERS", "")
        addresses = variables.get(f"EPICS_{protocol}_ADDR_LIST", "")
        automatic = variables.get(f"EPICS_{protocol}_AUTO_ADDR_LIST", "YES").upper()
        if automatic.startswith("N") and not addresses.split() and not servers.split():
            findings.append(
                Finding(
                    subject="EPICS", state=State.BAD,
                    text=f"EPICS_{protocol}_AUTO_ADDR_LIST is NO and "
                    f"EPICS_{protocol}_ADDR_LIST is empty: no server can be found",
                    fix=f"set EPICS_{protocol}_ADDR_LIST to the servers' addresses",
                )
            )  # fmt: skip
    return findings


def _ports() -> list[Finding]:
    taken = [
        f"{port} ({name})"
        for name, (port, kind) in _STANDARD_PORTS.items()
        if _is_taken(port, kind)
    ]
    text = "the standard EPICS ports are free"
    if taken:
        text = f"in use by other EPICS programs: {', '.join(taken)}; servers share them"
    findings = [Finding(subject="ports", state=State.GOOD, text=text)]
    try:
        free_ports(4)
    except ProcessError as exc:
        findings.append(
            Finding(
                subject="ports", state=State.BAD, text=str(exc),
                fix="`tomostream demo` needs loopback; see `ip address show lo`",
            )
        )  # fmt: skip
    return findings


def _is_taken(port: int, kind: int) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return True
    return False
