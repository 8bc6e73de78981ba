"""What the operator wants of a backend, as far as there is memory for it."""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from tomostream.core.errors import NotEnoughMemoryError
from tomostream.core.geometry import Geometry
from tomostream.core.parameters import FilterType, ReconParameters
from tomostream.core.steps import RingRemoval, Steps
from tomostream.recon.backend import Backend

logger = logging.getLogger(__name__)

_PHASE, _ZINGERS, _RINGS = "phase retrieval", "zinger removal", "ring removal"
_OBLIQUE, _TILT = "the oblique plane", "the tilt by RotZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterLack:
    """A filter that is wanted and not used."""

    in_use: FilterType
    """The one before it."""
    why: str


Amounts = Mapping[str, object]
"""What takes memory -> what decides how much."""


class Demands:
    """Give a backend filter, steps and planes; what lacks memory is not used, and told.

    Instead of a filter the one before stays in use. What was switched on last is the
    first to be off. It stays so until it is asked for anew. Owned by the recon thread.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.steps = Steps()
        """In use."""
        self._filter: FilterType | None = None
        """In use; None: not yet."""
        self.filter_lack: FilterLack | None = None
        """Why another filter than the wanted one is in use; None: it is not so."""
        self._shown: ReconParameters | None = None
        self._of_steps = self._of_planes = ""

    @property
    def problem(self) -> str:
        """What is off, what it wanted and what there was; empty: nothing is."""
        return "; ".join(filter(None, [self._of_steps, self._of_planes]))

    @property
    def lacks_steps(self) -> bool:
        """Whether a step is off that should be on."""
        return bool(self._of_steps)

    def free(self) -> None:
        """Give back what steps hold, before more is asked for."""
        self._filter = self.filter_lack = None
        self.steps, self._of_steps = Steps(), ""
        self._backend.set_steps(self.steps)

    def set_filter(self, wanted: FilterType) -> bool:
        """Filter later frames like this, or as before; tell whether that changes.

        Raises
        ------
        NotEnoughMemoryError
            There was no filter before.
        """
        self.filter_lack = None
        if wanted is self._filter:
            return False
        try:
            self._backend.set_filter(wanted)
        except NotEnoughMemoryError as exc:
            if self._filter is None:
                raise
            self.filter_lack = FilterLack(
                in_use=self._filter, why=f"{wanted} is not used: {exc}"
            )
            logger.warning("%s", self.filter_lack.why)
            return False
        self._filter = wanted
        return True

    def set_steps(self, steps: Steps) -> None:
        """Process later frames like this, without the steps that lack memory."""

        def give(left_out: Collection[str]) -> None:
            if left_out:
                # What was refused may hold a part of what it wanted.
                self._backend.set_steps(Steps())
            self._backend.set_steps(_without(steps, left_out))

        tries = _tries(_hungry(steps), _hungry(self.steps))
        left_out, self._of_steps = _first_that_fits(give, tries)
        self.steps = _without(steps, left_out)

    def give_up_images(self, lack: NotEnoughMemoryError) -> bool:
        """Do without the steps on whole frames; tell whether there were any.

        They ask for more when the first frame comes that was corrected by other fields.
        """
        images = [name for name in _hungry(self.steps) if name != _RINGS]
        if images:
            self.steps = _without(self.steps, images)
            self._backend.set_steps(self.steps)
            self._of_steps = _said(images, lack)
        return bool(images)

    def show(self, wanted: ReconParameters, geometry: Geometry) -> None:
        """Show these planes, without those that lack memory."""

        def give(left_out: Collection[str]) -> None:
            shown = _upright(wanted, left_out)
            oblique = shown.oblique
            self._backend.set_view(
                shown.center, shown.planes, oblique.grid(geometry) if oblique else None
            )

        old = _tilted(self._shown) if self._shown else {}
        tries = _tries(_tilted(wanted), old)
        left_out, self._of_planes = _first_that_fits(give, tries)
        self._shown = _upright(wanted, left_out)

    def met(self, wanted: ReconParameters) -> ReconParameters:
        """Give the parameters without what is off."""
        if self.filter_lack:
            wanted = replace(wanted, filter_type=self.filter_lack.in_use)
        if not self.problem or self._shown is None:
            return wanted
        off = _hungry(wanted.steps).keys() - _hungry(self.steps).keys()
        return replace(
            wanted, steps=_without(wanted.steps, off),
            planes=self._shown.planes, oblique=self._shown.oblique,
        )  # fmt: skip


def _hungry(steps: Steps) -> Amounts:
    wanted = {
        _PHASE: steps.phase,
        _ZINGERS: steps.zinger_radius > 0,
        _RINGS: steps.ring_removal is not RingRemoval.NONE,
    }
    return {name: amount for name, amount in wanted.items() if amount}


def _without(steps: Steps, left_out: Collection[str]) -> Steps:
    default = Steps()
    return replace(
        steps,
        phase=None if _PHASE in left_out else steps.phase,
        zinger_radius=0 if _ZINGERS in left_out else steps.zinger_radius,
        ring_removal=(default if _RINGS in left_out else steps).ring_removal,
    )


def _tilted(parameters: ReconParameters) -> Amounts:
    wanted = {
        _OBLIQUE: parameters.oblique is not None,
        _TILT: parameters.planes.rot_z != 0,
    }
    return {name: amount for name, amount in wanted.items() if amount}


def _upright(parameters: ReconParameters, left_out: Collection[str]) -> ReconParameters:
    planes, oblique = parameters.planes, parameters.oblique
    return replace(
        parameters,
        planes=replace(planes, rot_z=0.0) if _TILT in left_out else planes,
        oblique=None if _OBLIQUE in left_out else oblique,
    )


def _tries(wanted: Amounts, old: Amounts) -> Iterator[tuple[str, ...]]:
    """Give what to leave out, the least first, and what is new before the rest."""
    new = [name for name, amount in wanted.items() if old.get(name) != amount]
    yield ()
    yield from ((name,) for name in new if len(new) > 1)
    if new:
        yield tuple(new)
    if len(new) < len(wanted):
        yield tuple(wanted)


def _first_that_fits(
    give: Callable[[Collection[str]], None], tries: Iterator[tuple[str, ...]]
) -> tuple[tuple[str, ...], str]:
    """Give what had to be left out, and say why.

    Raises
    ------
    NotEnoughMemoryError
        There is too little even for the last try.
    """
    lack: NotEnoughMemoryError | None = None
    for left_out in tries:
        try:
            give(left_out)
        except NotEnoughMemoryError as exc:
            lack = exc
            continue
        if lack is None:
            return (), ""
        said = _said(left_out, lack)
        logger.warning("%s", said)
        return left_out, said
    raise lack or NotEnoughMemoryError("nothing to leave out")


def _said(off: Collection[str], lack: NotEnoughMemoryError) -> str:
    return f"{' and '.join(off)} {'are' if len(off) > 1 else 'is'} off: {lack}"
