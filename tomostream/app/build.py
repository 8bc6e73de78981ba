"""Put a service together: the only place that knows every concrete class."""

from dataclasses import dataclass, replace

from tomostream.app.config import (
    AttributeAngles,
    Config,
    FixedStepAngles,
    OrientationSection,
    TableAngles,
)
from tomostream.app.observed import ObservedControls, ObservedPublisher
from tomostream.app.server import Parts, Server
from tomostream.beamlines.clicks import ClickedPlanes, ClickFile, TakeClicks
from tomostream.beamlines.lens_records import LensChangeCompanion
from tomostream.core.errors import ConfigurationError
from tomostream.core.frame import FrameKind
from tomostream.core.orientation import Orientation
from tomostream.core.ports import Clock, Source
from tomostream.epics.controls import CaControls
from tomostream.epics.headless import FixedControls
from tomostream.epics.ndarray import ImageReader
from tomostream.epics.publisher import NtNdArrayPublisher
from tomostream.epics.remote import RemoteRecords
from tomostream.epics.subscriber import (
    FieldSubscriber,
    ImageSubscriber,
    ThetaSubscriber,
)
from tomostream.epics.tomoscan import TomoScanSource
from tomostream.epics.wiring import Wiring, resolve_wiring
from tomostream.recon.backend import Backend, select_backend
from tomostream.recon.engine import Engine
from tomostream.recon.ring_updates import Found
from tomostream.runtime import ArrivalQueue, SystemClock
from tomostream.service.beside import Beside
from tomostream.service.errands import Errands
from tomostream.service.loop import StreamLoop
from tomostream.service.settings import AngleSource, ServiceSettings
from tomostream.service.views import AxisWatch, Views


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """Names of all that the service connects to; None: not used."""

    image: str
    recon: str
    dark: str | None = None
    flat: str | None = None
    theta: str | None = None
    tomoscan: str | None = None

    def by_record(self) -> dict[str, str]:
        """Give each source's name by the record that tells of its connection."""
        sources = {
            "ImageConnection": self.image, "DarkConnection": self.dark,
            "FlatConnection": self.flat, "ThetaConnection": self.theta,
            "TomoScanConnection": self.tomoscan,
        }  # fmt: skip
        return {record: name for record, name in sources.items() if name}


def connections(config: Config, said: Wiring | None) -> Connections:
    """Give the names: what the configuration leaves out is what the records say.

    Raises
    ------
    ConfigurationError
        A name that is needed is nowhere.
    """
    said = said or Wiring()
    given = config.input
    if not given.has_tomoscan:
        said = replace(said, dark_channel=None, flat_channel=None, tomoscan_prefix=None)
    takes_table = isinstance(config.angles, TableAngles)
    found = Connections(
        image=given.image_channel or said.image_channel or "",
        recon=config.recon_channel
        or said.recon_channel
        or f"{config.prefix}StreamRecon",
        dark=given.dark_channel or said.dark_channel,
        flat=given.flat_channel or said.flat_channel,
        theta=(given.theta_channel or said.theta_channel) if takes_table else None,
        tomoscan=given.tomoscan_prefix or said.tomoscan_prefix,
    )
    for name, value in (("image", found.image), ("theta", found.theta)):
        if not value and (name == "image" or takes_table):
            raise ConfigurationError(_told_missing(name, config.prefix, said))
    return found


def _told_missing(name: str, prefix: str, said: Wiring) -> str:
    if said.silent and said == Wiring(silent=said.silent):
        return (
            f"no record below {prefix} answers; `tomostream doctor --prefix {prefix}` "
            "may say why"
        )
    silent = ", ".join(said.silent)
    empty = f" (no answer, or empty: {silent})" if silent else ""
    return (
        f"input.{name}_channel: named neither in the configuration nor by the records "
        f"below {prefix}{empty}"
    )


def needs_records(config: Config) -> bool:
    """Tell whether the records have to be asked for names."""
    given = config.input
    names = [given.image_channel, config.recon_channel]
    if given.has_tomoscan:
        names += [given.dark_channel, given.flat_channel, given.tomoscan_prefix]
        if isinstance(config.angles, TableAngles):
            names.append(given.theta_channel)
    return config.use_records and None in names


def ask_records(config: Config, *, timeout_s: float) -> Wiring:
    """Ask the records for names."""
    return resolve_wiring(config.prefix, SystemClock(), timeout_s=timeout_s)


def build_server(config: Config, said: Wiring | None = None) -> Server:
    """Make a server, which is not started yet.

    Parameters
    ----------
    config
        The wiring.
    said
        What the records say; None: they were not asked.

    Raises
    ------
    ConfigurationError
        A name is missing.
    ReconstructionError
        The backend does not work on this machine.
    """
    names = connections(config, said)
    clock = SystemClock()
    limits = config.limits
    arrivals = ArrivalQueue(
        capacity_frames=limits.queue_frames,
        capacity_bytes=limits.queue_megabytes * 1_000_000,
    )
    records = CaControls(config.prefix, clock) if config.use_records else None
    controls = ObservedControls(records or FixedControls())
    channels = NtNdArrayPublisher(names.recon)
    publisher = ObservedPublisher(channels)
    backend = _backend(config)
    corrections = Errands[Found]()
    engine = Engine(
        backend=backend, raw_slots=config.engine.raw_ring_frames, errand=corrections
    )
    settings = replace(
        service_settings(config),
        sources=names.by_record(),
        hardware={
            "Backend": backend.name, "Device": backend.device, "Isa": backend.isa
        },
    )  # fmt: skip
    loop = StreamLoop(
        arrivals, engine, publisher=publisher, controls=controls, clock=clock,
        settings=settings,
    )  # fmt: skip
    sources = _sources(config, names, clock)
    if config.lens_change:
        motors = RemoteRecords(f"{config.prefix} lens change", clock)
        loop.accompany(LensChangeCompanion(config.prefix, motors.open, clock))
        sources.append(motors)
    taken: list[TakeClicks] = [] if records is None else [records.clicks]
    if config.clicks.file is not None:
        clicks = ClickFile(config.clicks.file)
        taken.append(clicks.take)
        sources.append(clicks)
    if taken:
        loop.accompany(ClickedPlanes(taken))
    views = Views(
        channels, clock, make_engine=lambda: small_engine(config),
        preview_edge=config.limits.preview_voxels,
    )  # fmt: skip
    beside = Beside(
        loop.handover,
        [
            corrections.task("correction of rings"),
            AxisWatch(loop.handover).task(), *views.tasks(),
        ],
        parameters=controls.parameters, clock=clock,
    )  # fmt: skip
    parts = Parts(
        engine=engine, beside=beside, loop=loop, arrivals=arrivals, records=records,
        sources=sources, controls=controls,
        publisher=publisher, channels=channels,
    )  # fmt: skip
    return Server(parts)


def _backend(config: Config) -> Backend:
    engine = config.engine
    return select_backend(
        engine.backend, isa=engine.isa, threads=engine.threads or 0,
        ring_dtype=engine.ring,
    )  # fmt: skip


def small_engine(config: Config) -> Engine:
    """Give an engine that leaves the cores to the slices."""
    return Engine(backend="cpu", isa=config.engine.isa, threads=1)


def service_settings(config: Config) -> ServiceSettings:
    """Give what the configuration says of the loop: all but sources and hardware."""
    settings = ServiceSettings(
        angle_source=AngleSource(config.angles.source),
        id_origin=config.ids.origin,
        id_wrap=config.ids.wrap,
        frame_type_guard_s=config.frame_type_guard_ms / 1e3,
        orientation=_orientation(config.orientation),
        require_fields=config.require_fields,
        auto_start=config.start_at_once and config.use_records,
        batch_frames=config.limits.batch_frames,
        max_lag_s=config.limits.lag_ms / 1e3,
    )
    angles, sign = config.angles, config.orientation.rotation_sign
    if isinstance(angles, FixedStepAngles):
        return replace(
            settings,
            angle_step_deg=sign * angles.step_deg,
            angle_start_deg=sign * angles.start_deg,
        )
    if isinstance(angles, AttributeAngles):
        return replace(settings, angle_bins=angles.bins)
    return settings


def _sources(config: Config, names: Connections, clock: Clock) -> list[Source]:
    angles = config.angles
    reader = ImageReader(
        orientation=_orientation(config.orientation),
        angle_attribute=(
            angles.attribute if isinstance(angles, AttributeAngles) else None
        ),
    )
    sources: list[Source] = []
    if names.theta:
        sign = config.orientation.rotation_sign
        sources.append(ThetaSubscriber(names.theta, clock, rotation_sign=sign))
    if names.tomoscan:
        sources.append(TomoScanSource(names.tomoscan, clock))
    if names.dark:
        sources.append(FieldSubscriber(names.dark, clock, kind=FrameKind.DARK))
    if names.flat:
        sources.append(FieldSubscriber(names.flat, clock, kind=FrameKind.FLAT))
    # Last: what tells a frame's angle and kind had better be there before it.
    sources.append(ImageSubscriber(names.image, clock, reader=reader))
    return sources


def _orientation(section: OrientationSection) -> Orientation:
    return Orientation(
        axis=section.axis, flip_x=section.flip_x, flip_z=section.flip_z,
        rotation_sign=section.rotation_sign, roll_deg=section.roll_deg,
    )  # fmt: skip
