"""A picture of the three slices, with axes, a grey scale and the rotation centre."""

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tomostream.core.geometry import Geometry, Planes
from tomostream.core.ortho_planes import OrthoPlane, ortho_planes
from tomostream.core.publication import Publication
from tomostream.core.slices import F32, Slices

_PAGE, _INK, _FAINT = (16, 20, 27), (232, 236, 241), (139, 150, 164)
_RULE = (58, 68, 82)
_COLOR = {"x": (255, 158, 87), "y": (112, 214, 148), "z": (110, 178, 255)}
"""Of the plane normal to that axis: its title, and its trace in the other two."""
_MARGIN, _LEFT, _GAP, _HEAD, _FOOT = 40, 74, 14, 150, 86
_BAR_WIDTH, _BAR_ROOM = 20, 130
_SIDE, _TALLEST, _LOWEST = 440, 880, 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Three slices, and what is to be written above them."""

    slices: Slices
    planes: Planes
    title: str
    facts: tuple[str, ...]
    first_row: int = 0
    """Detector row of the vertical slices' first row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Panel:
    normal: str
    across: str
    down: str
    pixels: F32
    plane: OrthoPlane
    position: int
    rotation_deg: float
    first: int = 0
    """Number of the topmost row."""

    @property
    def title(self) -> str:
        place = {"x": "column", "y": "row", "z": "detector row"}[self.normal]
        return f"{self.across}{self.down} plane, {place} {self.normal} = "

    @property
    def value(self) -> str:
        turned = f", turned by {self.rotation_deg:g} deg" if self.rotation_deg else ""
        return f"{self.position}{turned}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Box:
    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.left + self.width

    @property
    def bottom(self) -> int:
        return self.top + self.height


def write_snapshot(publication: Publication, path: Path, *, channel: str) -> None:
    """Draw the newest slices into a PNG file.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    draw_snapshot(publication, channel=channel).save(path, format="PNG", optimize=True)


def draw_snapshot(publication: Publication, *, channel: str) -> Image.Image:
    """Draw the newest slices."""
    shown = publication
    return draw_slices(
        Picture(
            slices=shown.slices, planes=shown.planes, title=channel,
            facts=(
                f"Center {shown.center:.2f} pixel",
                f"{shown.filter_type} filter",
                f"{shown.slots_filled} projections",
                f"newest at {shown.angle_deg % 360:.1f} deg",
                f"update {shown.unique_id}",
            ),
        )
    )  # fmt: skip


def draw_slices(shown: Picture) -> Image.Image:
    """Draw slices side by side, on one grey scale and one scale of length."""
    panels = _panels(shown)
    sizes = _sizes(panels)
    height = max(h for _, h in sizes)
    width = 2 * _MARGIN + sum(w + _LEFT + _GAP for w, _ in sizes)
    page = Image.new("RGB", (width + _BAR_ROOM, _HEAD + height + _FOOT), _PAGE)
    draw = ImageDraw.Draw(page, "RGBA")
    low, high = grey_limits(*(panel.pixels for panel in panels))
    _draw_head(draw, shown)
    left = _MARGIN + _LEFT
    for panel, (w, h) in zip(panels, sizes, strict=True):
        box = _Box(left=left, top=_HEAD, width=w, height=h)
        grey = Image.fromarray(to_grey(panel.pixels, low, high))
        page.paste(grey.resize((w, h), Image.Resampling.BICUBIC), (left, _HEAD))
        _draw_panel(draw, panel, box)
        for other in panels:
            if other is not panel:
                _draw_trace(draw, panel, box, other=other)
        _write_upwards(page, f"{panel.down} / pixel", box)
        left += w + _LEFT + _GAP
    bar = _Box(
        left=left - _LEFT + 24, top=_HEAD, width=_BAR_WIDTH, height=max(height, 160)
    )
    _draw_bar(draw, bar, low, high)
    return page


def grey_limits(*images: F32) -> tuple[float, float]:
    """Give what is drawn black and white: nearly all of the values lie between."""
    values = np.concatenate([image[np.isfinite(image)] for image in images])
    if values.size == 0:
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(values, (0.5, 99.0)))
    return (low, high) if high > low else (low, low + 1.0)


def to_grey(image: F32, low: float, high: float) -> NDArray[np.uint8]:
    """Map (n, m), 1/pixel, to grey values; NaN (cross-hairs) becomes white."""
    scaled = (image - np.float32(low)) * np.float32(255.0 / (high - low))
    return np.nan_to_num(np.clip(scaled, 0, 255), nan=255.0).astype(np.uint8)


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Give about `count` round numbers between two limits."""
    if high <= low:
        return [low]
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(m for m in (1, 2, 2.5, 5, 10) if m * power >= 0.9 * rough)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [float(f"{k * step:.12g}") for k in range(first, last + 1)]


def _panels(shown: Picture) -> list[_Panel]:
    slices, first, wanted = shown.slices, shown.first_row, shown.planes
    (n_z, n_out), there = slices.y.shape, replace(wanted, z=wanted.z - first)
    geometry = Geometry(n_z=n_z, n_x=n_out, n_slots=1, n_out=n_out)
    x, y, z = ortho_planes(there, geometry)
    return [
        _Panel(
            normal="z", across="x", down="y", pixels=slices.z, plane=z,
            position=wanted.z, rotation_deg=wanted.rot_z,
        ),
        _Panel(
            normal="y", across="x", down="z", pixels=slices.y, plane=y,
            position=wanted.y, rotation_deg=wanted.rot_y, first=first,
        ),
        _Panel(
            normal="x", across="y", down="z", pixels=slices.x, plane=x,
            position=wanted.x, rotation_deg=wanted.rot_x, first=first,
        ),
    ]  # fmt: skip


def _sizes(panels: list[_Panel]) -> list[tuple[int, int]]:
    tallest = max(p.pixels.shape[0] for p in panels)
    widest = max(p.pixels.shape[1] for p in panels)
    scale = min(_SIDE / widest, _TALLEST / tallest)
    # A detector of two rows is drawn higher than it is, to be seen at all.
    return [
        (
            max(round(p.pixels.shape[1] * scale), _LOWEST),
            max(round(p.pixels.shape[0] * scale), _LOWEST),
        )
        for p in panels
    ]


def _draw_head(draw: ImageDraw.ImageDraw, shown: Picture) -> None:
    draw.text((_MARGIN, 30), shown.title, font=_font(26), fill=_INK)
    facts = "     ".join(shown.facts)
    draw.text((_MARGIN, 66), facts, font=_font(18), fill=_FAINT)


def _draw_panel(draw: ImageDraw.ImageDraw, panel: _Panel, box: _Box) -> None:
    title = (box.left, box.top - 14)
    label = panel.title
    draw.text(title, label, font=_font(17), fill=_FAINT, anchor="ls")
    after = box.left + draw.textlength(label, font=_font(17))
    color = _COLOR[panel.normal]
    draw.text((after, title[1]), panel.value, font=_font(19), fill=color, anchor="ls")
    rows, columns = panel.pixels.shape
    draw.rectangle(
        (box.left - 1, box.top - 1, box.right, box.bottom), outline=_RULE, width=1
    )
    _draw_axis_across(draw, box, columns, panel.across)
    _draw_axis_down(draw, box, rows, first=panel.first)


def _draw_trace(
    draw: ImageDraw.ImageDraw, panel: _Panel, box: _Box, *, other: _Panel
) -> None:
    """Mark where another plane cuts this one."""
    rows, columns = panel.pixels.shape
    ends = other.plane.crossing(panel.plane, rows, columns)
    if ends is None:
        return
    (x0, y0), (x1, y1) = (
        (
            box.left + (column + 0.5) * box.width / columns,
            box.top + (row + 0.5) * box.height / rows,
        )
        for row, column in ends
    )
    length = max(math.hypot(x1 - x0, y1 - y0), 1.0)
    color = (*_COLOR[other.normal], 170)
    for start in range(0, int(length), 10):
        a, b = start / length, min(start + 4, length) / length
        dash = (
            x0 + a * (x1 - x0),
            y0 + a * (y1 - y0),
            x0 + b * (x1 - x0),
            y0 + b * (y1 - y0),
        )
        draw.line(dash, fill=color, width=1)


def _draw_axis_across(
    draw: ImageDraw.ImageDraw, box: _Box, count: int, name: str
) -> None:
    for tick in nice_ticks(0, count - 1, 4):
        x = box.left + (tick + 0.5) * box.width / count
        draw.line((x, box.bottom, x, box.bottom + 6), fill=_FAINT, width=1)
        draw.text(
            (x, box.bottom + 11), f"{tick:g}", font=_font(15), fill=_FAINT, anchor="ma"
        )
    middle = box.left + box.width / 2
    draw.text(
        (middle, box.bottom + 36), f"{name} / pixel", font=_font(16), fill=_INK,
        anchor="ma",
    )  # fmt: skip


def _draw_axis_down(
    draw: ImageDraw.ImageDraw, box: _Box, count: int, *, first: int
) -> None:
    room = max(box.height // 90, 1)
    for tick in nice_ticks(first, first + count - 1, min(room, 4)):
        y = box.top + (tick - first + 0.5) * box.height / count
        draw.line((box.left - 7, y, box.left - 2, y), fill=_FAINT, width=1)
        draw.text(
            (box.left - 11, y), f"{tick:g}", font=_font(15), fill=_FAINT, anchor="rm"
        )


def _write_upwards(page: Image.Image, text: str, box: _Box) -> None:
    font = _font(16)
    left, top, right, bottom = font.getbbox(text)
    size = (int(right - left) + 4, int(bottom - top) + 4)
    label = Image.new("RGB", size, _PAGE)
    ImageDraw.Draw(label).text((2 - left, 2 - top), text, font=font, fill=_INK)
    turned = label.rotate(90, expand=True)
    middle = box.top + max(box.height, turned.height) // 2
    page.paste(turned, (box.left - _LEFT + 2, middle - turned.height // 2))


def _draw_bar(draw: ImageDraw.ImageDraw, box: _Box, low: float, high: float) -> None:
    for row in range(box.height):
        grey = round(255 * (1 - row / max(box.height - 1, 1)))
        line = (box.left, box.top + row, box.right, box.top + row)
        draw.line(line, fill=(grey, grey, grey))
    draw.rectangle(
        (box.left - 1, box.top - 1, box.right + 1, box.bottom), outline=_RULE
    )
    power = math.floor(math.log10(max(abs(low), abs(high), 1e-30)))
    factor = 10.0**-power if not -2 <= power <= 2 else 1.0
    unit = "1/pixel" if factor == 1.0 else f"{10.0**power:g} / pixel"
    for tick in nice_ticks(low * factor, high * factor, 5):
        share = (tick / factor - low) / (high - low)
        y = box.bottom - 1 - share * (box.height - 1)
        draw.line((box.right + 2, y, box.right + 7, y), fill=_FAINT, width=1)
        draw.text(
            (box.right + 12, y), f"{tick:g}", font=_font(15), fill=_FAINT, anchor="lm"
        )
    draw.text((box.left, box.top - 38), "attenuation", font=_font(16), fill=_INK,
              anchor="ls")  # fmt: skip
    draw.text((box.left, box.top - 16), unit, font=_font(15), fill=_FAINT, anchor="ls")


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
