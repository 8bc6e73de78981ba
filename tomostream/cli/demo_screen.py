"""What the demo shows in the terminal."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tomostream.app.demo import Demo, DemoPlan
from tomostream.app.environment import own_address
from tomostream.app.interruption import Interruption
from tomostream.app.log import set_up_log
from tomostream.app.snapshot import write_snapshot
from tomostream.core.health import Health
from tomostream.runtime import SystemClock

_LOOK_S = 0.5
_PLAIN_EVERY_S = 10.0
"""Between status lines where the output is no terminal."""
_GOOD_LATENCY_MS = 100.0
_AT_WORK = frozenset({"filling", "streaming"})


def show(options: argparse.Namespace) -> int:
    """Run the demo on this terminal."""
    console = Console(highlight=False, soft_wrap=True)
    set_up_log(level="warning")
    with Interruption() as interruption, Demo(_plan(options), interruption) as demo:
        started_s = SystemClock().monotonic_s()
        console.print(_title(options))
        with _waiting(console):
            flows = demo.start() and demo.wait_for_slices()
        if not flows:
            console.print(f"Ended before the first slices; {demo.status}", markup=False)
            return 0
        seconds = SystemClock().monotonic_s() - started_s
        if options.json:
            demo.write_report(options.json)
        _print_ways_in(console, demo, seconds)
        _watch(console, demo, interruption, duration_s=options.duration)
        _end(console, demo, options)
    return 0


def _plan(options: argparse.Namespace) -> DemoPlan:
    return DemoPlan(
        prefix=options.prefix, size=options.size, rate_hz=options.rate,
        n_angles=options.angles, scan=options.scan, replay=options.replay,
        center=options.center, backend=options.backend, isa=options.isa,
        threads=options.threads, is_open=options.open,
    )  # fmt: skip


def _title(options: argparse.Namespace) -> Text:
    if options.replay:
        what = f"{options.replay.name} again and again, {options.rate:g} frames/s"
    else:
        what = (
            f"{options.size} x {options.size} pixels, {options.rate:g} frames/s, "
            f"{options.angles} projections in 180 degrees, {options.scan}"
        )
    return Text.assemble(("tomostream demo", "bold"), "  ", what)


@contextmanager
def _waiting(console: Console) -> Iterator[None]:
    if console.is_terminal:
        with console.status("starting camera, records and reconstruction ..."):
            yield
    else:
        console.print("starting camera, records and reconstruction ...")
        yield


def _print_ways_in(console: Console, demo: Demo, seconds: float) -> None:
    names = demo.names
    table = Table.grid(padding=(0, 2))
    for role, name in (
        ("slices, Z | Y | X", names.recon),
        ("single slices", f"{names.recon}X  ...Y  ...Z"),
        ("alignment views", f"{names.recon}Projection  ...Sinogram  ...Overlay"),
        ("candidate centres", f"{names.recon}Centers"),
        ("volume, oblique", f"{names.recon}Volume  ...Oblique"),
        ("projections", names.image),
        ("rotation centre", f"{names.records}Center"),
        ("slice positions", f"{names.records}OrthoX  ...Y  ...Z"),
        ("filter", f"{names.records}FilterType"),
        ("start, abort", f"{names.records}StartRecon  AbortRecon"),
    ):
        table.add_row(f"  {role}", Text(name, style="cyan"))
    console.print(f"Slices flow, {seconds:.1f} s after the start.\n")
    console.print(table)
    console.print("\nPaste this into another shell to reach them from there:\n")
    _print_lines(console, demo.environment.export_lines())
    if demo.environment.is_open:
        console.print("\nand this into a shell of another computer:\n")
        _print_lines(console, demo.environment.export_lines(own_address()))
    console.print(
        "\nthen, for instance,  [green]pip install c2dataviewer[/]  and  "
        f"[green]c2dv --app image --pv {names.recon}[/]\n"
        "(black at first: press Auto, for the values are far below 1)\n"
    )


def _print_lines(console: Console, lines: Iterable[str]) -> None:
    for line in lines:
        console.print(f"  {line}", markup=False)


def _watch(
    console: Console,
    demo: Demo,
    interruption: Interruption,
    *,
    duration_s: float | None,
) -> None:
    clock = SystemClock()
    end_s = None if duration_s is None else clock.monotonic_s() + duration_s
    next_plain_s = 0.0
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while end_s is None or clock.monotonic_s() < end_s:
            demo.check()
            line = status_line(demo.health, demo.server.state, demo.server.status)
            if console.is_terminal:
                live.update(line, refresh=True)
            elif clock.monotonic_s() >= next_plain_s:
                next_plain_s = clock.monotonic_s() + _PLAIN_EVERY_S
                print(" ".join(line.plain.split()), flush=True)
            left_s = _LOOK_S if end_s is None else end_s - clock.monotonic_s()
            if interruption.wait(min(_LOOK_S, left_s)):
                return


def status_line(health: Health, state: str, status: str) -> Text:
    """Say how it goes, in two lines of less than 80 characters.

    A third one says what is waited for, or what is wrong.
    """
    rejected = sum(health.rejected.values())
    lost = health.frames_missing + health.frames_dropped
    calm = "green" if health.latency_p99_ms < _GOOD_LATENCY_MS else "yellow"
    return Text.assemble(
        (f"{state:<10}", "bold green" if state == "streaming" else "bold yellow"),
        f"in {health.frame_rate_hz:.0f} frames/s   ",
        f"out {health.publish_rate_hz:.0f} updates/s   ",
        "latency ",
        (f"{health.latency_p50_ms:.0f} ms", calm),
        f" (99 %: {health.latency_p99_ms:.0f} ms)\n",
        f"{'':<10}ring {health.slots_filled}/{health.slots_total}   ",
        f"received {health.frames_received}   ",
        (f"lost {lost}", "bold red" if lost else ""),
        (f"   not used {rejected}", "yellow") if rejected else "",
        (_decimation(health.decimation), "bold yellow"),
        "" if state in _AT_WORK else (f"\n{'':<10}{status}", "yellow"),
    )


def _decimation(decimation: int) -> str:
    if decimation == 1:
        return ""
    endings = {2: "nd", 3: "rd"}
    return f"   every {decimation}{endings.get(decimation, 'th')} frame used"


def _end(console: Console, demo: Demo, options: argparse.Namespace) -> None:
    health, publication = demo.health, demo.publication
    console.print(
        f"{health.frames_received} frames received, {health.frames_missing} missing, "
        f"{health.frames_dropped} dropped, "
        f"{publication.unique_id if publication else 0} updates published, "
        f"latency {health.latency_p50_ms:.1f} ms "
        f"(99 %: {health.latency_p99_ms:.1f} ms), "
        f"reconstruction {health.recon_ms:.2f} ms per frame"
    )
    if options.json:
        demo.write_report(options.json)
    if options.snapshot and publication is not None:
        write_snapshot(publication, options.snapshot, channel=demo.names.recon)
        console.print(f"last slices drawn into {options.snapshot}", markup=False)
    sys.stdout.flush()
