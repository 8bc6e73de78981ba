"""Numbers drawn into an image, for viewers that show nothing but pixels."""

import numpy as np
from numpy.typing import NDArray

HEIGHT = 7
"""Rows of a number at scale 1, with a row of margin above and below."""
_ADVANCE = 4

# Rows of three pixels, top to bottom, as octal digits.
_GLYPHS = {
    "0": "75557", "1": "26227", "2": "71747", "3": "71717", "4": "55711",
    "5": "74717", "6": "74757", "7": "71222", "8": "75757", "9": "75717",
    ".": "00002", "-": "00700",
}  # fmt: skip


def drawn(text: str, *, scale: int = 1) -> NDArray[np.bool_]:
    """Draw a number.

    Parameters
    ----------
    text
        Digits, point and minus; anything else is left blank.
    scale
        Pixels for each dot.

    Returns
    -------
    ndarray
        (HEIGHT * scale, width), True where there is ink.
    """
    image = np.zeros((HEIGHT, max(_ADVANCE * len(text) + 1, 1)), bool)
    for place, character in enumerate(text):
        rows = [int(row) for row in _GLYPHS.get(character, "00000")]
        dots = [[bool(row & 4), bool(row & 2), bool(row & 1)] for row in rows]
        left = 1 + _ADVANCE * place
        image[1:6, left : left + 3] = dots
    return np.kron(image, np.ones((scale, scale), bool))
