"""Flats of another exposure, or of another beam current, than the projections."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tomostream.core.steps import Region


def flat_scaled(
    transmission: NDArray[Any],
    *,
    exposure_ratio: float = 1.0,
    region: Region | None = None,
) -> NDArray[Any]:
    """Divide the transmission by what it would be without a sample.

    Parameters
    ----------
    transmission
        (..., n_z, n_x), dimensionless, dead pixels mended. Not modified.
    exposure_ratio
        Exposure time of a projection / that of the flat.
    region
        Where nothing but air is seen: its mean transmission becomes 1 in each frame.
        Outside of the frames, or dark, it changes nothing; an engine leaves out frames
        in which it is dark.

    References
    ----------
    The reference-detector normalisation of Kak & Slaney, Principles of Computerized
    Tomographic Imaging (1988), ch. 4.
    """
    scaled = transmission / transmission.dtype.type(exposure_ratio)
    inside = region and region.clipped(*scaled.shape[-2:])
    if inside is None:
        return scaled
    rows = slice(inside.y, inside.y + inside.height)
    columns = slice(inside.x, inside.x + inside.width)
    air = scaled[..., rows, columns].mean(axis=(-2, -1), keepdims=True)
    return scaled / np.where(air > 0, air, 1)
