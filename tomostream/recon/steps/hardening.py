"""Beam hardening: a polychromatic beam is attenuated less than in proportion."""

from typing import Any

from numpy.typing import NDArray


def hardening_corrected(
    lines: NDArray[Any], *, coefficients: tuple[float, float]
) -> NDArray[Any]:
    """Turn polychromatic line integrals into monochromatic ones by a polynomial.

    Parameters
    ----------
    lines
        (...), line integrals, dimensionless. Not modified.
    coefficients
        b, c of ``line + b line^2 + c line^3``, from a wedge of the sample's material.

    References
    ----------
    Herman, Phys. Med. Biol. 24 (1979) 81, doi:10.1088/0031-9155/24/1/008.
    """
    b, c = coefficients
    return lines * (1 + lines * (b + lines * c))
