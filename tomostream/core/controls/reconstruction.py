"""The operator's parameters; each is a field of `core.parameters.Parameters`."""

from tomostream.core.controls.declaration import SWITCH, Control, Extent

_BY_FRAMES = "operator; service at the first frame, when the frames' size changes"
_BY_CLICKS = f"{_BY_FRAMES}, at a click into the slices, and by the lens change"


def _plane(name: str, field: str, extent: Extent, text: str) -> Control:
    return Control(
        name=name, kind="integer", field=field, unit="pixel", low=0, high=65535,
        extent=extent, help=text, is_saved=True, written=_BY_CLICKS,
    )  # fmt: skip


def _edge(name: str, field: str, extent: Extent, text: str) -> Control:
    return Control(
        name=name, kind="integer", field=field, unit="pixel", low=0, high=65535,
        extent=extent, help=text, is_saved=True, written=_BY_FRAMES,
    )  # fmt: skip


def _angle(name: str, field: str, text: str) -> Control:
    return Control(
        name=name, kind="number", field=field, unit="deg", low=-180, high=180,
        precision=1, help=text, default=0.0, is_saved=True,
    )  # fmt: skip


def _coefficient(name: str, field: str, text: str) -> Control:
    return Control(
        name=name, kind="number", field=field, low=-100, high=100, precision=5,
        default=0.0, help=text, is_saved=True,
    )  # fmt: skip


def _exposure(name: str, field: str, text: str) -> Control:
    return Control(
        name=name, kind="number", field=field, unit="s", low=0, high=1e4, precision=6,
        default=0.0, help=text, is_saved=True,
    )  # fmt: skip


def _place(name: str, field: str, extent: Extent, text: str) -> Control:
    return Control(
        name=name, kind="number", field=field, unit="pixel", low=0, high=65535,
        extent=extent, precision=1, default=0.0, help=text, is_saved=True,
        written=_BY_FRAMES,
    )  # fmt: skip


def _direction(name: str, field: str, text: str) -> Control:
    return Control(
        name=name, kind="number", field=field, low=-1e6, high=1e6, precision=3,
        default=1.0, help=text, is_saved=True,
    )  # fmt: skip


FILTERS = ("Parzen", "Shepp-logan", "Ramp", "Butterworth", "Hann", "Cosine")

RECONSTRUCTION = (
    Control(
        name="Center", kind="number", field="center", unit="pixel",
        low=-65536, high=65536, precision=3, default=0.0, is_saved=True,
        help="Detector column of the rotation axis; rescaled when the frame size changes.",
        written="operator, CenterTweakUp and CenterTweakDown; service at the first frame "
        "(where it is 0 or off the detector), when the frames' size changes, at "
        "AutoCenterAccept, and with AutoCenterFollow",
    ),
    Control(
        name="FilterType", kind="choice", field="filter_type", choices=FILTERS,
        meanings=FILTERS, is_saved=True,
        help="Apodisation of the ramp filter; a change re-filters the ring.",
    ),
    Control(
        name="Dezinger", kind="choice", field="dezinger_radius",
        choices=("None", "Radius 2", "Radius 3", "Radius 4"), meanings=(0, 2, 3, 4),
        is_saved=True, help="Radius of the median that removes zingers.",
    ),
    Control(
        name="DezingerThreshold", kind="number", field="dezinger_threshold", low=0,
        high=100, precision=3, default=0.2, is_saved=True,
        help="Part of the median by which a zinger differs from it.",
    ),
    Control(
        name="RingRemoval", kind="choice", field="ring_removal",
        choices=("None", "fw", "high-pass"), meanings=("None", "fw", "high-pass"),
        is_saved=True,
        help="How rings are found in the mean projection of each revolution.",
    ),
    Control(
        name="RingWidth", kind="number", field="ring_width", unit="pixel", low=1,
        high=1000, precision=1, default=6.0, is_saved=True,
        help="Widest ring that RingRemoval takes out.",
    ),
    _plane("OrthoX", "ortho_x", "slice", "Column of the plane normal to x."),
    _plane("OrthoY", "ortho_y", "slice", "Row of the plane normal to y."),
    _plane("OrthoZ", "ortho_z", "row", "Detector row of the horizontal plane."),
    _angle("RotX", "rot_x", "Rotation of the plane normal to x about the vertical axis."),
    _angle("RotY", "rot_y", "Rotation of the plane normal to y about the vertical axis."),
    _angle("RotZ", "rot_z", "Tilt of the horizontal plane about y."),
    Control(
        name="Energy", kind="number", field="energy_kev", unit="keV", low=1, high=100,
        precision=3, default=30.0, is_saved=True, help="Photon energy, for phase retrieval.",
    ),
    Control(
        name="Distance", kind="number", field="distance_mm", unit="mm", low=0,
        high=5000, precision=3, default=0.0, is_saved=True,
        help="Sample to detector distance, for phase retrieval.",
    ),
    Control(
        name="Alpha", kind="number", field="alpha", low=0, high=10000, precision=8,
        default=0.0, is_saved=True,
        help="Paganin regularisation; phase retrieval is on when it is above 0.",
        written="operator; service when DeltaBeta changes",
    ),
    Control(
        name="DeltaBeta", kind="number", field="delta_beta", low=0, high=1e7,
        precision=1, default=0.0, is_saved=True,
        help="delta / beta of the sample, 1 / Alpha; writing one sets the other.",
        written="operator; service when Alpha changes",
    ),
    Control(
        name="PixelSize", kind="number", field="pixel_um", unit="um", low=1e-5,
        high=100, precision=5, default=1.0, is_saved=True,
        help="Detector pixel size in the sample's plane.",
    ),
    _coefficient("BeamHardening2", "hardening_2", "Coefficient of the line integral's square."),
    _coefficient("BeamHardening3", "hardening_3", "Coefficient of the line integral's cube."),
    Control(
        name="FlatScale", kind="choice", field="flat_scale",
        choices=("None", "Exposure", "Region"), meanings=("None", "Exposure", "Region"),
        is_saved=True, help="How flats of another exposure are scaled.",
    ),
    _exposure("Exposure", "exposure_s", "Exposure time of a projection, for FlatScale Exposure."),
    _exposure("FlatExposure", "flat_exposure_s", "Exposure time of the flat, for FlatScale Exposure."),
    _edge("RegionX", "region_x", "column", "First column of the region that sees air, for FlatScale Region."),
    _edge("RegionY", "region_y", "row", "First row of the region that sees air."),
    _edge("RegionWidth", "region_width", "columns", "Columns of the region that sees air."),
    _edge("RegionHeight", "region_height", "rows", "Rows of the region that sees air."),
    Control(
        name="TransmissionFloor", kind="number", field="transmission_floor", low=1e-6,
        high=1, precision=6, default=1e-6, is_saved=True,
        help="Smallest transmission; darker pixels are raised to it.",
    ),
    Control(
        name="Oblique", kind="choice", field="is_oblique_shown", choices=SWITCH,
        meanings=(False, True), is_saved=True,
        help="Reconstruct a plane of any direction beside the three.",
    ),
    _place("ObliqueX", "oblique_x", "slice", "Column of the oblique plane's middle."),
    _place("ObliqueY", "oblique_y", "slice", "Row in the horizontal slice of the oblique plane's middle."),
    _place("ObliqueZ", "oblique_z", "row", "Detector row of the oblique plane's middle."),
    _direction("ObliqueNX", "oblique_normal_x", "x of the oblique plane's normal, of any length."),
    _direction("ObliqueNY", "oblique_normal_y", "y of the oblique plane's normal."),
    _direction("ObliqueNZ", "oblique_normal_z", "z of the oblique plane's normal."),
    Control(
        name="PreviewRate", kind="number", field="preview_rate_hz", unit="Hz", low=0,
        high=10, precision=2, default=0.5, is_saved=True,
        help="Preview volumes per second; 0 switches them off.",
    ),
    Control(
        name="AutoCenterFollow", kind="choice", field="is_center_followed",
        choices=SWITCH, meanings=(False, True), is_saved=True,
        help="Let Center follow AutoCenter where the estimate is trusted.",
    ),
    Control(
        name="AutoCenterLimit", kind="number", field="center_step_limit", unit="pixel",
        low=0, high=1000, precision=2, default=1.0, is_saved=True,
        help="Farthest that AutoCenterFollow moves Center at once.",
    ),
    Control(
        name="CenterStripStep", kind="number", field="center_strip_step", unit="pixel",
        low=0.05, high=100, precision=2, default=0.5, is_saved=True,
        help="Distance of the candidate centres in the strip.",
    ),
    Control(
        name="ScanRange", kind="choice", field="scan_range", choices=("180", "360"),
        meanings=(180, 360), is_saved=True,
        help="Degrees that the ring holds; 360 is half-acquisition.",
    ),
    Control(
        name="CrossHair", kind="choice", field="crosshair", choices=SWITCH,
        meanings=(False, True), is_saved=True,
        help="Draw the other planes' positions into the packed image as NaN lines.",
    ),
    Control(
        name="PublishRateLimit", kind="number", field="publish_rate_limit_hz",
        unit="Hz", low=0.1, high=1000, precision=1, default=20.0, is_saved=True,
        help="Publications per second at most.",
    ),
)  # fmt: skip
