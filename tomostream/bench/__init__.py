"""The measurements behind `tomostream bench`."""

from tomostream.bench.result import BenchConfig, BenchResult
from tomostream.bench.run import run

__all__ = ["BenchConfig", "BenchResult", "run"]
