"""Every instruction set of the CPU backend shows tilted planes right."""

import pytest

from tomostream.recon.cpu.backend import available_isas
from tomostream.testing.plane_suite import PlaneSuite


def needs(isa: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        isa not in available_isas(), reason=f"this CPU has no {isa}"
    )


@needs("avx512")
class TestAvx512(PlaneSuite):
    settings = {"isa": "avx512"}  # noqa: RUF012  declared ClassVar in the suite


@needs("avx2")
class TestAvx2(PlaneSuite):
    settings = {"isa": "avx2"}  # noqa: RUF012


class TestBaseline(PlaneSuite):
    settings = {"isa": "baseline"}  # noqa: RUF012
