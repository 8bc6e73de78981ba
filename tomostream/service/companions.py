"""What goes along with the loop, such as a beamline's lens change."""

from dataclasses import replace

from tomostream.core.parameters import Parameters
from tomostream.core.ports import Companion, Moment, Wish
from tomostream.service.reconstruction import Reconstruction


class Companions:
    """Ask companions for their wishes, and grant them. Owned by the loop's thread."""

    def __init__(self) -> None:
        self._companions: list[Companion] = []
        self.wish = Wish()
        """Of all companions together, as of the last step."""

    def add(self, companion: Companion) -> None:
        """Ask this one too from now on."""
        self._companions.append(companion)

    def step(self, recon: Reconstruction, *, is_running: bool) -> None:
        """Let them do what there is to do; after a pause begin with a new ring."""
        if not self._companions:
            return
        moment = Moment(
            is_running=is_running, geometry=recon.geometry, planes=recon.planes
        )
        wishes = [companion.step(moment) for companion in self._companions]
        was_paused = self.wish.is_paused
        self.wish = Wish(
            is_paused=any(wish.is_paused for wish in wishes),
            note="; ".join(wish.note for wish in wishes if wish.note),
            refusals=tuple(said for wish in wishes for said in wish.refusals),
        )
        for wish in wishes:
            if wish.planes is not None:
                recon.use_parameters(_at_planes(recon.parameters, wish))
        if was_paused and not self.wish.is_paused:
            recon.empty()

    def abort(self) -> None:
        """Let them give up what is under way."""
        for companion in self._companions:
            companion.abort()


def _at_planes(parameters: Parameters, wish: Wish) -> Parameters:
    planes = wish.planes
    if planes is None:
        return parameters
    return replace(parameters, ortho_x=planes.x, ortho_y=planes.y, ortho_z=planes.z)
