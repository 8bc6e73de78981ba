"""Draw every MEDM screen into docs/images/screens, with the demo's records alive.

Usage: python tests/system/programs/picture_screens.py [FOLDER]
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from PIL import Image

from tomostream.app.environment import free_ports

ROOT = Path(__file__).parents[3]
PROGRAMS = Path(__file__).parent
MACROS = {"P": "sim:", "R": "TomoStream:", "TOMO_SCAN": "sim:TomoScanStream:"}
MACROS_2BM = {
    "MCT_OPTICS": "2bm:MCTOptics:", "TOMO_0_DEG": "2bmS1:m2", "TOMO_90_DEG": "2bmS1:m1",
    "SAMPLE_Y": "2bmb:m25", "ROI_PLUGIN": "2bmbSP1:ROI1:",
}  # fmt: skip
COLORS, PATIENCE_S, WARM_UP_S = 128, 60, 8.0


def joined(macros: dict[str, str]) -> str:
    return ",".join(f"{name}={value}" for name, value in macros.items())


def main() -> None:
    """Start the demo and 2-BM's records, draw, end them."""
    folder = Path(sys.argv[1]) if sys.argv[1:] else ROOT / "docs/images/screens"
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        variables = started_demo(stack, work)
        variables |= started_lens_records(stack, variables)
        time.sleep(WARM_UP_S)  # noqa: TID251  what is drawn should have settled
        for screen in sorted((ROOT / "adl").glob("*.adl")):
            draw(screen, folder / f"{screen.stem}.png", os.environ | variables)


def started_demo(stack: ExitStack, work: Path) -> dict[str, str]:
    """Give the EPICS variables of a demo that has slices."""
    report = work / "demo.json"
    start(stack, [sys.executable, "-m", "tomostream", "demo", "--json", str(report)])
    ends_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends_s:
        if report.exists() and (text := report.read_text(encoding="utf-8")):
            return json.loads(text)["environment"]
        time.sleep(0.1)  # noqa: TID251
    sys.exit("the demo has no slices")


def started_lens_records(stack: ExitStack, variables: dict[str, str]) -> dict[str, str]:
    """Serve 2-BM's records by an IOC of their own; give the changed variables."""
    (port,) = free_ports(1)
    template = ROOT / "iocBoot/db/tomoStream_2BM.template"
    start(
        stack,
        [sys.executable, str(PROGRAMS / "template_ioc.py"), "-m",
         joined(MACROS | MACROS_2BM), "-d", str(template)],
        EPICS_CAS_SERVER_PORT=str(port), EPICS_CAS_INTF_ADDR_LIST="127.0.0.1",
        EPICS_PVAS_INTF_ADDR_LIST="127.0.0.1",
        EPICS_CA_REPEATER_PORT=variables.get("EPICS_CA_REPEATER_PORT", "5065"),
    )  # fmt: skip
    addresses = f"{variables['EPICS_CA_ADDR_LIST']} 127.0.0.1:{port}"
    return {"EPICS_CA_ADDR_LIST": addresses}


def start(stack: ExitStack, command: list[str], **variables: str) -> None:
    process = subprocess.Popen(
        command, env=os.environ | variables, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    stack.callback(process.wait, 20)
    stack.callback(process.terminate)


def draw(screen: Path, picture: Path, variables: dict[str, str]) -> None:
    """Draw one screen, in few colours."""
    done = subprocess.run(
        [sys.executable, str(PROGRAMS / "render_screen.py"), str(screen),
         joined(MACROS), str(picture)],
        env=variables, capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(done.stderr)
    with Image.open(picture) as image:
        image.convert("RGB").quantize(COLORS, dither=Image.Dither.NONE).save(
            picture, optimize=True
        )
    print(f"{picture.name}: {picture.stat().st_size} bytes, {done.stdout.strip()}")


if __name__ == "__main__":
    main()
