"""Which frames of a batch can be used, and in which portions they are processed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tomostream.core.health import RejectReason
from tomostream.core.steps import Steps
from tomostream.recon.backend import AddReport
from tomostream.recon.cuda.fields import LEAST_LIGHT, HostFields
from tomostream.recon.cuda.pixels import narrowed


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A frame that will be processed."""

    index: int
    """In the batch of the caller."""
    pixels: NDArray[Any]
    """(n_z, n_x), of one of PIXEL_TYPES."""
    angle_rad: float
    slot: int
    place: int
    """Of its fields."""
    light: float
    """That its transmissions are divided by."""


class Intake:
    """Judges the frames of one batch."""

    def __init__(self, fields: Mapping[int, HostFields], steps: Steps) -> None:
        self._fields, self._steps = fields, steps
        self._reasons: list[RejectReason | None] = []
        self._repaired = 0

    def job(
        self, frame: NDArray[Any], angle_rad: float, slot: int, place: int
    ) -> Job | None:
        """Take the batch's next frame; None if it cannot be used."""
        fields, steps = self._fields[place], self._steps
        light, reason = steps.exposure_ratio, None
        if steps.region is not None:
            light = fields.light(frame, steps.region)
            if not (light >= LEAST_LIGHT and np.isfinite(light)):
                reason = RejectReason.REGION
        # What comes first of the two; a device counts those of all other frames.
        bad = fields.bad(frame) if reason else fields.dead
        if bad > frame.size // 100:
            reason = RejectReason.PIXELS
        self._reasons.append(reason)
        if reason is not None:
            return None
        self._repaired += fields.dead
        return Job(
            index=len(self._reasons) - 1, pixels=narrowed(frame), angle_rad=angle_rad,
            slot=slot, place=place, light=light,
        )  # fmt: skip

    def judge(self, jobs: Sequence[Job], bad: Sequence[int]) -> list[int]:
        """Give the numbers of those jobs that have few enough bad pixels."""
        kept: list[int] = []
        for number, (job, count) in enumerate(zip(jobs, bad, strict=True)):
            dead = self._fields[job.place].dead
            if dead + count > job.pixels.size // 100:
                self._reasons[job.index] = RejectReason.PIXELS
                self._repaired -= dead
            else:
                self._repaired += count
                kept.append(number)
        return kept

    def report(self) -> AddReport:
        """Say what became of the batch."""
        return AddReport(
            accepted=np.array([reason is None for reason in self._reasons], bool),
            pixels_repaired=self._repaired, reasons=tuple(self._reasons),
        )  # fmt: skip


def batches(jobs: Sequence[Job], most: int) -> Iterator[list[Job]]:
    """Cut jobs into portions of one type in which no slot occurs twice."""
    batch: list[Job] = []
    slots: set[int] = set()
    for job in jobs:
        is_other = bool(batch) and job.pixels.dtype != batch[0].pixels.dtype
        if is_other or len(batch) == most or job.slot in slots:
            yield batch
            batch, slots = [], set()
        batch.append(job)
        slots.add(job.slot)
    if batch:
        yield batch
