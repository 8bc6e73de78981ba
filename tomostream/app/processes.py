"""Child processes: they end with us, and tell why when they end on their own."""

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import IO, Any, Self

from tomostream.app.interruption import Interruption
from tomostream.core.errors import ProcessError
from tomostream.runtime import Latest, SystemClock, Worker

PARENT_VARIABLE = "TOMOSTREAM_PARENT_PID"
"""Names the process whose end a child shall not outlive."""
_PR_SET_PDEATHSIG = 1
_KEPT_LINES = 200
_LINE_LIMIT = 4096


class ChildProcess:
    """A `tomostream` command, or another module, in a process of its own.

    Its output is read all the time, the newest lines are kept. It is ready when it has
    printed a line of JSON with the key ``ready``.
    """

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str],
        module: str = "tomostream",
    ) -> None:
        self.name = name
        self._arguments = [sys.executable, "-m", module, *arguments]
        self._environment = dict(environment) | {PARENT_VARIABLE: str(os.getpid())}
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._ready: Latest[Mapping[str, Any] | None] = Latest(None)
        self._process: subprocess.Popen[str] | None = None
        self._reader: Worker | None = None

    def start(self) -> None:
        """Start it; returns at once."""
        process = subprocess.Popen(
            self._arguments, env=self._environment, text=True, errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            # Not in our group: Ctrl-C comes to us alone, we end the children in order.
            process_group=0,
        )  # fmt: skip
        self._process = process
        output = process.stdout
        if output is not None:
            self._reader = Worker(f"{self.name} output", lambda _: self._read(output))
            self._reader.start()

    @property
    def pid(self) -> int | None:
        """Process id, once started."""
        return self._process.pid if self._process else None

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def readiness(self) -> Mapping[str, Any] | None:
        """What it said when it was ready; None before."""
        return self._ready.get()

    @property
    def last_lines(self) -> tuple[str, ...]:
        """The newest lines of its output."""
        return tuple(self._lines)

    def check(self) -> None:
        """Make sure that it runs.

        Raises
        ------
        ProcessError
            It has ended; says how, and its last words.
        """
        if not self.is_running:
            raise ProcessError(self._obituary())

    def signal(self, number: int) -> None:
        """Send a signal to it, and to what it has started itself."""
        if self._process is not None and self.is_running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def wait(self, timeout_s: float) -> bool:
        """Wait for its end; tell whether it came."""
        if self._process is None:
            return True
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        if self._reader is not None:
            self._reader.join(1.0)
        return True

    def _read(self, output: IO[str]) -> None:
        with output:
            while line := output.readline(_LINE_LIMIT):
                line = line.rstrip()
                # Its libraries' threads write into the same pipe: words of theirs may
                # stand before and behind in the line.
                start = line.find('{"ready"')
                if start >= 0:
                    with contextlib.suppress(ValueError):
                        facts, _ = json.JSONDecoder().raw_decode(line[start:])
                        self._ready.set(facts)
                        continue
                if line:
                    self._lines.append(line)

    def _obituary(self) -> str:
        code = None if self._process is None else self._process.poll()
        if self._reader is not None:
            self._reader.join(1.0)
        how = "was not started" if code is None else f"ended with status {code}"
        if code is not None and code < 0:
            how = f"was ended by {signal.Signals(-code).name}"
        words = self._lines[-1] if self._lines else "it said nothing"
        return f"the {self.name} {how}: {words.removeprefix('tomostream: ')}"


class Children:
    """Processes that are ended together, whatever happens."""

    def __init__(self, *, patience_s: float = 5.0) -> None:
        self._children: list[ChildProcess] = []
        self._patience_s = patience_s

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str],
        module: str = "tomostream",
    ) -> ChildProcess:
        """Start a child: the module's ``__main__``, with these arguments."""
        child = ChildProcess(name, arguments, environment=environment, module=module)
        self._children.append(child)
        child.start()
        return child

    @property
    def late(self) -> list[ChildProcess]:
        """Those that are not ready."""
        return [child for child in self._children if child.readiness is None]

    def wait_ready(self, timeout_s: float, interruption: Interruption) -> bool:
        """Wait until all are ready; tell whether they are, or the end was asked for.

        Raises
        ------
        ProcessError
            One has ended, or was not ready in time.
        """
        clock = SystemClock()
        deadline = clock.monotonic_s() + timeout_s
        while late := self.late:
            self.check()
            if clock.monotonic_s() > deadline:
                raise ProcessError(_lateness(late[0], timeout_s))
            if interruption.wait(0.02):
                return False
        return True

    def check(self) -> None:
        """Make sure that all run.

        Raises
        ------
        ProcessError
            One has ended.
        """
        for child in self._children:
            child.check()

    def stop(self) -> None:
        """End all at once, by SIGTERM and, after a while, by SIGKILL."""
        _end(self._children, signal.SIGTERM, self._patience_s)
        _end(self._children, signal.SIGKILL, 2.0)
        self._children.clear()


def end_with_parent() -> None:
    """Let this process end when the one that started it as a child does.

    To be called first thing in a child: a parent that was killed cannot end anybody.
    """
    parent = os.environ.pop(PARENT_VARIABLE, "")
    if not parent.isdecimal() or not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    # It may have died before the call above.
    if os.getppid() != int(parent):
        os.kill(os.getpid(), signal.SIGTERM)


def _lateness(child: ChildProcess, timeout_s: float) -> str:
    lines = child.last_lines
    words = f"; it said: {lines[-1]}" if lines else ""
    return f"the {child.name} was not ready within {timeout_s:g} s{words}"


def _end(children: Iterable[ChildProcess], number: int, patience_s: float) -> None:
    clock = SystemClock()
    deadline = clock.monotonic_s() + patience_s
    running = [child for child in children if child.is_running]
    for child in running:
        child.signal(number)
    for child in running:
        child.wait(max(deadline - clock.monotonic_s(), 0.0))
