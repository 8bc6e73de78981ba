"""How frames lie on the detector, and what a change of it means for the operator."""

from dataclasses import dataclass, replace

from tomostream.core.geometry import (
    Geometry,
    Planes,
    ScanRange,
    output_pad,
    output_width,
    rescale_center,
    rescale_center_by_width,
    rescale_index,
)
from tomostream.core.parameters import Parameters
from tomostream.core.scan import AngleTable
from tomostream.core.steps import Region


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameLayout:
    """Size of the frames, and where on the detector they were read."""

    n_z: int
    n_x: int
    binning_x: float = 0.0
    """0: not said."""
    offset_x: float = 0.0
    """Binned pixels."""

    def geometry(
        self, table: AngleTable, *, center: float, scan_range: ScanRange
    ) -> Geometry:
        """Give the sizes of a session with these frames and angles."""
        return Geometry(
            n_z=self.n_z, n_x=self.n_x, n_slots=table.slots(scan_range),
            n_out=output_width(self.n_x, center, scan_range), scan_range=scan_range,
            pad_x=output_pad(self.n_x, center, scan_range),
        )  # fmt: skip


def rescaled(parameters: Parameters, old: FrameLayout, new: FrameLayout) -> Parameters:
    """Give the parameters that show the same place in frames of another layout.

    Binning and offset are used where both layouts say them and they explain the
    change; else the width's ratio.
    """
    if old == new:
        return parameters
    return replace(
        parameters,
        center=_rescaled_center(parameters.center, old, new),
        ortho_x=rescale_index(parameters.ortho_x, size_old=old.n_x, size_new=new.n_x),
        ortho_y=rescale_index(parameters.ortho_y, size_old=old.n_x, size_new=new.n_x),
        ortho_z=rescale_index(parameters.ortho_z, size_old=old.n_z, size_new=new.n_z),
        oblique_x=_rescaled(parameters.oblique_x, old.n_x, new.n_x),
        oblique_y=_rescaled(parameters.oblique_y, old.n_x, new.n_x),
        oblique_z=_rescaled(parameters.oblique_z, old.n_z, new.n_z),
        **_rescaled_region(parameters, old, new),
    )


def _rescaled(place: float, size_old: int, size_new: int) -> float:
    return (place + 0.5) * size_new / size_old - 0.5


def _rescaled_region(
    parameters: Parameters, old: FrameLayout, new: FrameLayout
) -> dict[str, int]:
    left, width = _rescaled_part(
        parameters.region_x, parameters.region_width, new.n_x / old.n_x
    )
    top, height = _rescaled_part(
        parameters.region_y, parameters.region_height, new.n_z / old.n_z
    )
    return {
        "region_x": left, "region_y": top,
        "region_width": width, "region_height": height,
    }  # fmt: skip


def _rescaled_part(first: int, count: int, ratio: float) -> tuple[int, int]:
    start, end = round(first * ratio), round((first + count) * ratio)
    # What was wanted must not vanish in coarse pixels.
    return start, max(end - start, min(count, 1))


def _rescaled_center(center: float, old: FrameLayout, new: FrameLayout) -> float:
    # Many detectors say binning 1 and offset 0 whatever they do.
    explains = (old.binning_x, old.offset_x) != (new.binning_x, new.offset_x)
    if explains and min(old.binning_x, new.binning_x) > 0:
        return rescale_center(
            center, binning_old=old.binning_x, binning_new=new.binning_x,
            offset_old=old.offset_x, offset_new=new.offset_x,
        )  # fmt: skip
    return rescale_center_by_width(center, width_old=old.n_x, width_new=new.n_x)


def completed(
    parameters: Parameters, layout: FrameLayout, *, are_planes_centred: bool
) -> Parameters:
    """Give the parameters with which the first frames can be shown.

    A Center that was never set (0) or lies off the detector becomes the middle column.
    Planes that were never set (all 0) become the middle ones, the oblique plane's point
    likewise. What an operator has
    saved stays where it is possible.
    """
    center = parameters.center
    if center == 0 or not _is_on_detector(center, layout):
        center = (layout.n_x - 1) / 2
    return placed(
        replace(parameters, center=center),
        layout,
        are_planes_centred=are_planes_centred,
    )


def placed(
    parameters: Parameters, layout: FrameLayout, *, are_planes_centred: bool
) -> Parameters:
    """Give the parameters with what names a place inside frames and volume.

    A region that was saved for other frames is cut at their edges; one that lies
    outside is none.
    """
    n_out = output_width(layout.n_x, parameters.center, parameters.scan_range)
    geometry = Geometry(n_z=layout.n_z, n_x=layout.n_x, n_slots=1, n_out=n_out)
    planes = Planes(
        x=parameters.ortho_x, y=parameters.ortho_y, z=parameters.ortho_z
    ).clipped(geometry)
    if are_planes_centred and planes == Planes(x=0, y=0, z=0):
        planes = Planes.middle(geometry)
    region = _fitting(parameters, layout)
    parameters = replace(
        parameters, ortho_x=planes.x, ortho_y=planes.y, ortho_z=planes.z,
        oblique_x=_within(parameters.oblique_x, n_out),
        oblique_y=_within(parameters.oblique_y, n_out),
        oblique_z=_within(parameters.oblique_z, layout.n_z),
        region_x=region.x, region_y=region.y,
        region_width=region.width, region_height=region.height,
    )  # fmt: skip
    point = parameters.oblique_x, parameters.oblique_y, parameters.oblique_z
    if not are_planes_centred or any(point):
        return parameters
    return replace(
        parameters, oblique_x=float(n_out // 2), oblique_y=float(n_out // 2),
        oblique_z=float(layout.n_z // 2),
    )  # fmt: skip


def misplaced(parameters: Parameters, layout: FrameLayout) -> list[str]:
    """Say what an operator has put outside of the frames; it is done all the same."""
    said: list[str] = []
    if not _is_on_detector(parameters.center, layout):
        said.append(
            f"Center {parameters.center:.10g} lies outside the frames "
            f"(columns 0 to {layout.n_x - 1})"
        )
    region = parameters.recon().steps.region
    if region and not region.clipped(layout.n_z, layout.n_x):
        said.append("the region that flats are scaled by lies outside the frames")
    return said


def _is_on_detector(center: float, layout: FrameLayout) -> bool:
    # Pixel centres are integers: the first column begins half a pixel before 0.
    return -0.5 <= center <= layout.n_x - 0.5


def _within(place: float, size: int) -> float:
    return min(max(place, 0.0), size - 1.0)


def _fitting(parameters: Parameters, layout: FrameLayout) -> Region:
    n_z, n_x = layout.n_z, layout.n_x
    wanted = Region(
        x=parameters.region_x, y=parameters.region_y,
        width=parameters.region_width, height=parameters.region_height,
    )  # fmt: skip
    # One that juts out a little is left as the operator has it: steps cut it.
    is_takeable = wanted.x < n_x and wanted.y < n_z
    if is_takeable and wanted.width <= n_x and wanted.height <= n_z:
        return wanted
    return wanted.clipped(n_z, n_x) or Region(x=0, y=0, width=0, height=0)
