import h5py
import numpy as np
import pytest

from tomostream.sim.phantom import head_phantom, project

DARK, FLAT = 100.0, 40000.0


def _lines(n_x, n_z, theta_deg, *, center, width):
    still = head_phantom(width or n_x, n_z).still
    lines = np.zeros((len(theta_deg), n_z, n_x))
    for line, angle in zip(lines, theta_deg, strict=True):
        project(still, angle, center=center, out=line)
    return lines


@pytest.fixture
def write_scan(tmp_path):
    """Write a Data Exchange file of the phantom; give its path.

    Datasets are changed by name, as ``data_white``; None leaves one out.
    """

    def write(
        n_x=48, n_z=20, n_theta=60, *, center=23.3, span=180.0, width=None,
        name="scan.h5", change=None, **datasets,
    ):  # fmt: skip
        theta = np.linspace(0, span, n_theta, endpoint=False)
        counts = DARK + (FLAT - DARK) * np.exp(
            -_lines(n_x, n_z, theta, center=center, width=width)
        )
        contents = {
            "data": np.rint(counts).astype(np.uint16), "theta": theta,
            "data_white": np.full((2, n_z, n_x), FLAT, np.uint16),
            "data_dark": np.full((2, n_z, n_x), DARK, np.uint16),
        }  # fmt: skip
        contents |= datasets
        if change is not None:
            change(contents)
        with h5py.File(tmp_path / name, "w") as file:
            for key, values in contents.items():
                if values is not None:
                    file[f"exchange/{key}"] = values
        return tmp_path / name

    return write
