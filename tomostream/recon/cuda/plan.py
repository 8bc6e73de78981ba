"""How a session fits into the memory of its devices, before any is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tomostream.core.errors import NotEnoughMemoryError
from tomostream.core.geometry import Geometry
from tomostream.recon.backend import GENERATIONS
from tomostream.recon.cuda.source import POLES, SEGMENT, USE_WORDS
from tomostream.recon.steps.phase import LEAST

BATCHES = (32, 16, 8, 4, 2, 1)
"""Projections processed together, the wanted one first: larger ones read the slices'
sums less often."""
KEPT_FREE = 0.1
"""Part of the free memory that is left to FFT plans and to others."""
MOST_DECIMATION = 16
"""A ring with fewer slots than one in so many would show streaks, not a sample."""
RAW_BUFFERS = 2
"""Batches of raw frames on the device: one is computed, one uploaded."""
PLACES = GENERATIONS + 1
"""Fields on a device; the last place holds dark 0 and flat 1, for finished images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slab:
    """The detector rows of one device."""

    first: int
    rows: int

    @property
    def pitch(self) -> int:
        """Rows of a column in memory: whole sectors of 32 bytes."""
        return -(-self.rows // 16) * 16


@dataclass(frozen=True, slots=True, kw_only=True)
class DevicePlan:
    """What one device will hold, in bytes."""

    slab: Slab
    batch: int
    """Projections processed together."""
    decimation: int
    """Every so many slots of the ring one is kept; 1: all."""
    ring: int
    accumulators: int
    fields: int
    scratch: int
    free: int
    """What was free before."""

    @property
    def total(self) -> int:
        """The sum."""
        return self.ring + self.accumulators + self.fields + self.scratch

    @property
    def fits(self) -> bool:
        """Whether there is room for it."""
        return self.total <= self.free * (1 - KEPT_FREE)


def slabs(n_z: int, devices: int) -> list[Slab]:
    """Share the detector rows among devices, evenly, in pairs of rows."""
    pairs = -(-n_z // 2)
    borders = [min(2 * (pairs * i // devices), n_z) for i in range(devices + 1)]
    borders[-1] = n_z
    return [Slab(first=a, rows=b - a) for a, b in pairwise(borders) if b > a]


def kept_slots(geometry: Geometry, decimation: int) -> int:
    """Give the slots that a decimated ring has."""
    return -(-geometry.n_slots // decimation)


def plan_devices(
    geometry: Geometry, free: Sequence[int], *, item_bytes: int
) -> list[DevicePlan]:
    """Find the largest batch, then the densest ring, that fits on every device.

    Parameters
    ----------
    free
        Bytes free on each device.
    item_bytes
        Of a value in the ring.

    Raises
    ------
    NotEnoughMemoryError
        Not even a decimated ring fits.
    """
    parts = slabs(geometry.n_z, len(free))
    batches = [b for b in BATCHES if b <= geometry.n_slots]
    tries = [(batch, 1) for batch in batches]
    tries += [(1, decimation) for decimation in range(2, MOST_DECIMATION + 1)]
    plans: list[DevicePlan] = []
    for batch, decimation in tries:
        plans = [
            plan_device(
                geometry, slab, bytes_free,
                batch=batch, decimation=decimation, item_bytes=item_bytes,
            )
            for slab, bytes_free in zip(parts, free, strict=False)
        ]  # fmt: skip
        if all(plan.fits for plan in plans):
            return plans
    worst = max(plans, key=lambda plan: plan.total - plan.free)
    raise NotEnoughMemoryError(
        f"device memory: {geometry.n_slots} projections of {geometry.n_z} x "
        f"{geometry.n_x} do not fit; even one in {MOST_DECIMATION} wants "
        f"{worst.total / 2**30:.2f} GiB, {worst.free / 2**30:.2f} GiB are free"
    )


def plan_device(
    geometry: Geometry, slab: Slab, free: int,
    *, batch: int, decimation: int, item_bytes: int,
) -> DevicePlan:  # fmt: skip
    """Count what one device holds."""
    g, pitch = geometry, slab.pitch
    places = kept_slots(g, decimation) + batch
    # Zingers and phase may need rows of other slabs: as many as there are.
    frame = g.n_z * g.n_x
    column = max(g.n_ring, g.n_out) * pitch
    segments = -(-g.n_ring // SEGMENT)
    uses = 4 * (places + batch) * USE_WORDS
    fft = 1 << (2 * g.n_ring - 1).bit_length()
    return DevicePlan(
        slab=slab, batch=batch, decimation=decimation, free=free,
        ring=item_bytes * places * g.n_ring * pitch,
        accumulators=4 * (2 * g.n_out * pitch + 2 * g.n_out**2),
        fields=4 * (2 * PLACES * frame + 2 * slab.rows * g.n_x),
        scratch=4 * RAW_BUFFERS * batch * frame
        + 4 * 2 * batch * max(frame, column)
        + 4 * batch * segments * 4 * POLES * pitch
        + 4 * places * g.n_ring
        + 4 * 8 * uses
        + 4 * (2 * slab.rows * g.n_out + 2 * g.n_out**2)
        # Rows, spectrum and what a transform wants.
        + 4 * 4 * max(_widest(g.n_z) * _widest(g.n_x), slab.rows * fft),
    )  # fmt: skip


def _widest(size: int) -> int:
    """Give the most that phase retrieval pads an axis to."""
    return fast_length(size + 2 * max(size, LEAST))


def fast_length(least: int) -> int:
    """Give the next even length that is a product of 2, 3, 5 and 7."""
    length = least + least % 2
    while _rest(length) > 1:
        length += 2
    return length


def _rest(length: int) -> int:
    for prime in (2, 3, 5, 7):
        while length % prime == 0:
            length //= prime
    return length


def report(plans: Sequence[DevicePlan], n_slots: int) -> str:
    """Say in a sentence what was planned."""
    total = sum(plan.total for plan in plans) / 2**30
    free = sum(plan.free for plan in plans) / 2**30
    first = plans[0]
    ring = f"a ring of {n_slots} projections"
    if first.decimation > 1:
        kept = -(-n_slots // first.decimation)
        ring = (
            f"only {kept} of {n_slots} projections fit, one in {first.decimation} is "
            "kept"
        )
    devices = f" on {len(plans)} devices" if len(plans) > 1 else ""
    return (
        f"device memory: {ring}, batches of {first.batch}: {total:.2f} of "
        f"{free:.2f} GiB{devices}"
    )
