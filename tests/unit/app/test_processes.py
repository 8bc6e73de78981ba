import os
import signal
import subprocess
import sys
import textwrap
import time
from threading import Event

import psutil
import pytest

from tomostream.app.interruption import Interruption
from tomostream.app.processes import ChildProcess, Children
from tomostream.core.errors import ProcessError

READY = 'import time; print(\'{"ready": "it"}\', flush=True); time.sleep(60)'


@pytest.fixture
def children():
    with Children(patience_s=1.0) as group:
        yield group


@pytest.fixture
def interruption():
    with Interruption() as wish:
        yield wish


def start(group, code, name="child"):
    """Start Python code instead of a command."""
    child = ChildProcess(name, [], environment=dict(os.environ))
    child._arguments = [sys.executable, "-c", textwrap.dedent(code)]
    group._children.append(child)
    child.start()
    return child


def test_a_ready_child_tells_what_it_is(children, interruption):
    child = start(children, READY)
    assert children.wait_ready(20, interruption)
    assert child.readiness == {"ready": "it"}


def test_a_child_is_ready_also_where_others_words_are_in_its_line(
    children, interruption
):
    said = '"iocRun: {\\"ready\\": \\"it\\"}All complete"'
    child = start(children, f"import time; print({said}, flush=True); time.sleep(60)")
    assert children.wait_ready(20, interruption)
    assert child.readiness == {"ready": "it"}


def test_a_child_that_fails_is_quoted(children, interruption):
    start(children, "import sys; sys.exit('tomostream: port 5064 is taken')", "IOC")
    with pytest.raises(ProcessError, match="the IOC ended with status 1: port 5064"):
        children.wait_ready(20, interruption)


def test_a_child_that_was_killed_says_by_what(children, interruption):
    child = start(children, READY)
    children.wait_ready(20, interruption)
    child.signal(signal.SIGKILL)
    assert child.wait(5)
    with pytest.raises(ProcessError, match="was ended by SIGKILL"):
        children.check()


def test_a_child_that_is_late_is_named(children, interruption):
    start(children, "import time; print('still here', flush=True); time.sleep(60)")
    with pytest.raises(ProcessError, match="the child was not ready within 1 s"):
        children.wait_ready(1, interruption)
    assert [child.name for child in children.late] == ["child"]


def test_the_wish_to_end_ends_the_wait(children, interruption):
    start(children, "import time; time.sleep(60)")
    interruption.request()
    assert not children.wait_ready(20, interruption)


def test_a_child_that_ignores_sigterm_is_killed(interruption):
    with Children(patience_s=0.2) as group:
        child = start(
            group,
            "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
            + READY,
        )
        group.wait_ready(20, interruption)
    assert not child.is_running


def test_what_a_child_started_ends_with_it(interruption):
    with Children(patience_s=1.0) as group:
        child = start(
            group,
            "import subprocess, sys, json\n"
            "code = 'import time; time.sleep(60)'\n"
            "p = subprocess.Popen([sys.executable, '-c', code])\n"
            "print(json.dumps({'ready': p.pid}), flush=True); p.wait()",
        )
        group.wait_ready(20, interruption)
        grandchild = psutil.Process((child.readiness or {})["ready"])
    assert wait_until(lambda: not lives(grandchild))


def test_output_is_bounded(children, interruption):
    child = start(
        children,
        "for k in range(5000): print('line', k)\nprint('x' * 100_000)\n" + READY,
    )
    assert children.wait_ready(20, interruption)
    assert len(child.last_lines) <= 200
    assert max(map(len, child.last_lines)) <= 4096


def test_children_end_when_the_parent_is_killed(tmp_path):
    (tmp_path / "child.py").write_text(
        "from tomostream.app.processes import end_with_parent\nend_with_parent()\n"
        + READY
    )
    code = """
        import os, sys, time
        from tomostream.app.processes import ChildProcess
        child = ChildProcess("child", [], environment=dict(os.environ))
        child._arguments = [sys.executable, "child.py"]
        child.start()
        while child.readiness is None:
            time.sleep(0.01)
        print(child.pid, flush=True)
        time.sleep(60)
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdout=subprocess.PIPE, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert parent.stdout is not None
    with parent:
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    assert wait_until(lambda: not lives(child))


def lives(process):
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(condition, timeout_s=5.0):
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if condition():
            return True
        Event().wait(0.01)
    return False
