"""Arrays in, arrays out: filtered backprojection of a stream. Knows no network."""

from tomostream.core.slices import Slices
from tomostream.recon.backend import (
    AddReport,
    Backend,
    MemoryPlan,
    select_backend,
)
from tomostream.recon.engine import Engine, FieldReport

__all__ = [
    "AddReport",
    "Backend",
    "Engine",
    "FieldReport",
    "MemoryPlan",
    "Slices",
    "select_backend",
]
