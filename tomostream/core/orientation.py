"""How the camera looks at the rotation axis; applied once, when pixels are made."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tomostream.core.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Orientation:
    """Turn a camera's image so that rows are z and columns lie across the axis.

    First rows and columns are exchanged where the axis lies along the camera's rows,
    then the result is mirrored. Quarter turns of the camera are said by `axis` and the
    two flips together.
    """

    axis: Literal["columns", "rows"] = "columns"
    """Which of the camera's lines run along the rotation axis; columns: vertical."""
    flip_x: bool = False
    """Mirror left and right, after `axis`."""
    flip_z: bool = False
    """Mirror top and bottom, after `axis`."""
    rotation_sign: Literal[1, -1] = 1
    """-1 where angles count the other way round than the stage turns."""
    roll_deg: float = 0.0
    """A small tilt of the camera against the axis; only 0 can be corrected yet."""

    def __post_init__(self) -> None:
        if self.axis not in {"columns", "rows"}:
            raise ConfigurationError(
                f"axis: expected columns or rows, got {self.axis!r}"
            )
        if self.rotation_sign not in {1, -1}:
            raise ConfigurationError(
                f"rotation_sign: expected 1 or -1, got {self.rotation_sign}"
            )
        if self.roll_deg != 0:
            raise ConfigurationError(
                f"roll_deg: expected 0, got {self.roll_deg:g}; correcting a camera's "
                "roll is not possible yet. Turn the camera, or, for quarter turns, "
                "set axis, flip_x and flip_z"
            )

    def apply(self, image: NDArray[np.generic]) -> NDArray[np.generic]:
        """Give the oriented image, C-contiguous; the image itself where it is one.

        Parameters
        ----------
        image
            (camera rows, camera columns), counts. Not modified.

        Returns
        -------
        ndarray
            (n_z, n_x), counts.
        """
        if self.axis == "rows":
            image = image.T
        if self.flip_z:
            image = image[::-1]
        if self.flip_x:
            image = image[:, ::-1]
        return np.ascontiguousarray(image)

    def camera_shape(self, shape: tuple[int, int]) -> tuple[int, int]:
        """Give (camera rows, camera columns) of what is (n_z, n_x) when oriented."""
        n_z, n_x = shape
        return (n_x, n_z) if self.axis == "rows" else (n_z, n_x)

    def angle_deg(self, angle_deg: float) -> float:
        """Give the angle in the sense in which the reconstruction turns."""
        return self.rotation_sign * angle_deg
