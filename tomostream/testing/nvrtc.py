"""CUDA's kernels compiled for GPUs that are not there: NVRTC needs no driver."""

import ctypes
import importlib.util
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tomostream.recon.cuda.source import OPTIONS, source

ARCHITECTURES = ("sm_75", "sm_80", "sm_90", "sm_100")
"""Turing, Ampere, Hopper, Blackwell."""
_ENTRY = re.compile(
    r"Compiling entry function '(\w+)' for '\w+'(.*?)Used (\d+) registers", re.DOTALL
)
_MEMORY = re.compile(
    r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one kernel takes of a GPU's multiprocessor, for each thread."""

    registers: int
    stack_bytes: int
    spill_bytes: int


def find_nvrtc() -> Path | None:
    """Give the compiler of the wheel nvidia-cuda-nvrtc; None if there is none."""
    spec = importlib.util.find_spec("nvidia")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        found = [
            path
            for path in sorted(Path(folder).glob("*/lib/libnvrtc.so.*"))
            if "alt" not in path.name
        ]
        if found:
            return found[-1]
    return None


@cache
def compiled(architecture: str) -> dict[str, Usage]:
    """Compile all kernels; give what each takes, by name.

    Raises
    ------
    RuntimeError
        The source does not compile; the compiler's log.
    """
    return _usages(compile_log(source(), architecture))


def compile_log(text: str, architecture: str) -> str:
    """Compile a source down to machine code; give the compiler's log."""
    path = find_nvrtc()
    if path is None:
        raise RuntimeError("NVRTC is not installed: pip install nvidia-cuda-nvrtc-cu12")
    nvrtc = ctypes.CDLL(str(path))
    program = ctypes.c_void_p()
    status = nvrtc.nvrtcCreateProgram(
        ctypes.byref(program), text.encode(), b"kernels.cu", 0, None, None
    )
    if status != 0:
        raise RuntimeError(f"NVRTC: error {status}")
    try:
        options = [f"--gpu-architecture={architecture}", *OPTIONS, "--ptxas-options=-v"]
        array = (ctypes.c_char_p * len(options))(*(o.encode() for o in options))
        status = nvrtc.nvrtcCompileProgram(program, len(options), array)
        size = ctypes.c_size_t()
        nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
        log = ctypes.create_string_buffer(size.value)
        nvrtc.nvrtcGetProgramLog(program, log)
    finally:
        nvrtc.nvrtcDestroyProgram(ctypes.byref(program))
    if status != 0:
        raise RuntimeError(log.value.decode())
    return log.value.decode()


def _usages(log: str) -> dict[str, Usage]:
    return {
        name: _usage(int(registers), _MEMORY.findall(said))
        for name, said, registers in _ENTRY.findall(log)
    }


def _usage(registers: int, memory: list[tuple[str, str, str]]) -> Usage:
    # Of the kernel and of what it calls.
    return Usage(
        registers=registers,
        stack_bytes=sum(int(stack) for stack, _, _ in memory),
        spill_bytes=sum(int(stores) + int(loads) for _, stores, loads in memory),
    )


def report() -> str:
    """Give registers and spills of every kernel and architecture, as Markdown."""
    found = {name: compiled(name) for name in ARCHITECTURES}
    lines = [f"| kernel | {' | '.join(found)} |", "|---" * (len(found) + 1) + "|"]
    for kernel in sorted(found[ARCHITECTURES[0]]):
        cells = [_cell(usages[kernel]) for usages in found.values()]
        lines.append(f"| `{kernel}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(usage: Usage) -> str:
    return f"{usage.registers}, {usage.spill_bytes}"
