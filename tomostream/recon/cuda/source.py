"""The kernels' source and what Python must know of it."""

import re
from functools import cache
from pathlib import Path

THREADS = 128
"""Threads of a block: __launch_bounds__ of every kernel."""
SEGMENT = 128
"""Columns that one thread filters, kSegment."""
BLOCK = 8
"""Columns that one thread moves, kBlock."""
POLES = 8
"""kPoles."""
TAPS = 6
"""kTaps."""
FRAME_WORDS = 4
"""kFrameWords: place of the fields, scale (bits), place in the ring, raw index."""
USE_WORDS = 5
"""kUse: place in the ring, sign, start, step, step_down."""
PIXEL_TYPES = ("i1", "u1", "i2", "u2", "i4", "u4", "f4")
"""Types of raw pixels, by the number that `pixel` takes."""
OPTIONS = ("--std=c++17",)
"""For NVRTC; no fast mathematics, which would lose not-a-numbers."""

_FILES = ("common.cuh", "load.cu", "filter.cu", "planes.cu", "steps.cu")
_MACROS = re.compile(r"^(?:KERNEL|LOAD|FILTER|VERTICAL|TILTED)[ (](\w+)", re.MULTILINE)


@cache
def source() -> str:
    """Give all kernels as one text."""
    folder = Path(__file__).parent / "kernels"
    return "".join(
        f'#line 1 "{name}"\n{(folder / name).read_text()}' for name in _FILES
    )


@cache
def kernel_names() -> tuple[str, ...]:
    """Give the names of all kernels."""
    return tuple(_MACROS.findall(source()))
