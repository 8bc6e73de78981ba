"""NVRTC compiles the kernels for every architecture, without a GPU."""

from pathlib import Path

import pytest

from tomostream.recon.cuda.source import kernel_names, source
from tomostream.testing.nvrtc import (
    ARCHITECTURES,
    compile_log,
    compiled,
    find_nvrtc,
    report,
)

pytestmark = pytest.mark.skipif(
    find_nvrtc() is None,
    reason="NVRTC is not installed: pip install nvidia-cuda-nvrtc-cu12",
)

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "cuda.md"


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_kernels_compile_and_spill_no_registers(architecture):
    usages = compiled(architecture)
    assert set(usages) == set(kernel_names())
    assert {name for name, usage in usages.items() if usage.spill_bytes} == set()
    # 64 K registers: two blocks of 128 threads a quarter of a multiprocessor at least.
    assert max(usage.registers for usage in usages.values()) <= 128


def test_broken_source_is_told_with_its_line():
    with pytest.raises(RuntimeError, match=r"planes\.cu\(\d+\): error"):
        compile_log(source().replace("position >> 32", "positron >> 32").replace(
            "constexpr int kUse = 5;", "constexpr int kUse = x;"
        ), "sm_90")  # fmt: skip


def test_documented_kernels_are_those_compiled():
    page = PAGE.read_text()
    named = [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")]
    assert named == sorted(kernel_names())
    # The numbers are of one compiler's version; the rows' form is checked.
    assert report().splitlines()[0] in page
