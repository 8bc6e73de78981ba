"""ScanRange 360: a simulated turn goes over the wire, the sample comes out of it."""

import numpy as np
import pytest

from tomostream.core.geometry import Geometry, Planes, output_pad, output_width
from tomostream.sim.phantom import head_phantom, truth_slices

pytestmark = [pytest.mark.system, pytest.mark.timeout(150)]

N_X, N_Z, N_ANGLES = 96, 64, 180


def truth(center):
    """Give geometry and exact planes of the simulator's still sample."""
    geometry = Geometry(
        n_z=N_Z, n_x=N_X, n_slots=2 * N_ANGLES, scan_range=360,
        n_out=output_width(N_X, center, 360), pad_x=output_pad(N_X, center, 360),
    )  # fmt: skip
    ellipsoids = head_phantom(N_X, N_Z).at(0.0)
    planes = Planes(x=geometry.n_out // 2 + 11, y=geometry.n_out // 2 - 9, z=30)
    return geometry, planes, truth_slices(ellipsoids, geometry, planes, oversample=4)


def relative(image, wanted):
    """Give the relative L2 difference."""
    return float(np.linalg.norm(image - wanted) / np.linalg.norm(wanted))


@pytest.fixture
def shown(start, family, pva_client, environment, channel_access, wait_until):
    """Give the planes that come over the wire when the axis is at a column."""

    def show(center, planes):
        records = f"{family}TomoStream:"
        variables = environment.client()
        start("ioc", "--prefix", records, "--ready-json", server="ioc").wait_ready()
        start(
            "simulate", "--prefix", family, "--width", str(N_X), "--height", str(N_Z),
            "--angles", str(N_ANGLES), "--rate", "100", "--center", str(center),
            "--still", "--photons", "0", "--ready-json", server="simulator",
        ).wait_ready()  # fmt: skip
        service = start("serve", "--prefix", records, "--ready-json")
        service.wait_ready()
        values = {
            "ScanRange": "360", "Center": center, "OrthoX": planes.x,
            "OrthoY": planes.y, "OrthoZ": planes.z, "FilterType": "Ramp",
        }  # fmt: skip
        channel_access(variables, (), {records + k: v for k, v in values.items()})
        channel_access(variables, (), {f"{records}StartRecon": 1})

        def filled():
            names = [f"{records}{n}" for n in ("SlotsFilled", "SlotsTotal")]
            return list(channel_access(variables, names).values())

        wait_until(lambda: filled() == [2 * N_ANGLES] * 2, 60)
        client = pva_client(variables)
        assert "Traceback" not in service.text
        return [client.image(f"{records}StreamRecon{p}").copy() for p in "ZYX"]

    return show


@pytest.mark.parametrize("center", [(N_X - 1) / 2, 9.5, N_X - 12.25])
def test_a_whole_turn_shows_the_sample_wherever_the_axis_is(shown, center):
    geometry, planes, exact = truth(center)
    images = shown(center, planes)
    places = np.arange(geometry.n_out) - geometry.n_out // 2
    beside = np.hypot(places[None, :], places[:, None]) > geometry.n_out // 2 - 1
    # Beyond the circle that every view sees nothing is known.
    images[0][beside] = exact.z[beside] = 0.0
    for image, wanted in zip(images, (exact.z, exact.y, exact.x), strict=True):
        assert image.shape == wanted.shape
        # The blur of the thin skull: 0.08 to 0.15. An axis one column off makes it 0.5,
        # and columns that are seen twice may not count twice.
        difference = relative(image, wanted)
        assert difference < 0.17
        assert relative(image[:, ::-1], wanted) > 1.4 * difference
        assert image.sum() == pytest.approx(wanted.sum(), rel=0.015)
