"""The operator's records, served by an IOC; runs in a process of its own.

softioc brings its own copy of the EPICS base: together with pyepics in one process
neither connects, so nothing here may import the rest of this package's clients.
"""

import ctypes
import logging
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from softioc import asyncio_dispatcher, fields, imports, softioc

from tomostream.core.controls import CONTROLS, LENS_CHANGE, Control, prefix_fault
from tomostream.core.errors import ConfigurationError
from tomostream.epics.database import LONG_TEXT_SIZE, Saved, database_text
from tomostream.epics.settings import SAVED_CONTROLS, SettingsFile

logger = logging.getLogger(__name__)

_DBF = {name: getattr(fields, f"DBF_{name}") for name in ("CHAR", "DOUBLE")}


@dataclass(frozen=True, slots=True, kw_only=True)
class LensChangeMacros:
    """First values of the records that say what a lens change moves."""

    mct_optics: str
    """Prefix of mctOptics."""
    tomo_0_deg: str
    tomo_90_deg: str
    sample_y: str
    roi_plugin: str
    """Prefix of the areaDetector ROI plugin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IocConfig:
    """What the records are called and what the wiring records first say."""

    prefix: str = "sim:TomoStream:"
    """P and R together."""
    tomo_scan: str = "sim:TomoScanStream:"
    """Prefix of the tomoScan instance."""
    image_p: str = "sim:TomoScanStream:ImagePVAPrefix"
    """PV whose value is the prefix of areaDetector's PVA plugin."""
    dark_pva: str = "sim:TomoScanStream:StreamDarkFields"
    flat_pva: str = "sim:TomoScanStream:StreamFlatFields"
    theta_pva: str = "sim:TomoScanStream:StreamTheta"
    recon_pva: str = "sim:TomoStream:StreamRecon"
    lens_change: LensChangeMacros | None = None
    """What 2-BM's lens change moves; None: without its records."""
    settings_file: Path | None = None
    """Where the operator's values are kept; None: nowhere.

    What was saved counts more than the wiring given here, as with autosave.
    """

    def __post_init__(self) -> None:
        if fault := prefix_fault(self.prefix):
            raise ConfigurationError(f"prefix: {fault}, got {self.prefix!r}")

    @property
    def controls(self) -> tuple[Control, ...]:
        """What there are records of."""
        return (*CONTROLS, *LENS_CHANGE) if self.lens_change else CONTROLS

    def macros(self) -> dict[str, str]:
        """Give what stands for the macros in the controls' defaults."""
        names = (
            "tomo_scan", "image_p", "dark_pva", "flat_pva", "theta_pva", "recon_pva"
        )  # fmt: skip
        macros = {name.upper(): getattr(self, name) for name in names}
        if self.lens_change:
            macros |= {k.upper(): v for k, v in asdict(self.lens_change).items()}
        return macros


def run(
    config: IocConfig,
    *,
    when_ready: Callable[[], None],
    wait_for_end: Callable[[], object],
) -> None:
    """Serve the records; does not return, but ends the process with status 0.

    Parameters
    ----------
    config
        Names and first values.
    when_ready
        Called once all records are served.
    wait_for_end
        Returns when the process shall end; it stands in the main thread, so that
        signals reach it.

    Raises
    ------
    ConfigurationError
        A name or the settings file is unusable.
    """
    settings = SettingsFile(config.settings_file) if config.settings_file else None
    _start_records(config, settings.load() if settings else {})
    if settings is not None:
        settings.start(lambda: _values(config))
    when_ready()
    try:
        wait_for_end()
    finally:
        if settings is not None:
            settings.stop()
        # Leaving the main thread would hang on threads of the IOC.
        softioc.epicsExit(0)


def _start_records(config: IocConfig, saved: Saved) -> None:
    text = database_text(
        config.prefix, config.controls, macros=config.macros(), saved=saved
    )
    with tempfile.NamedTemporaryFile("w", suffix=".db", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        softioc.dbLoadDatabase(file.name, substitutions="BUSY=bo")
    softioc.iocInit(asyncio_dispatcher.AsyncioDispatcher(), enable_pva=False)


def _values(config: IocConfig) -> Saved:
    served = set(config.controls)
    return {
        control.name: _value(config.prefix, control)
        for control in SAVED_CONTROLS
        if control in served
    }


def _value(prefix: str, control: Control) -> float | int | str:
    name = prefix + control.name
    if control.kind == "long_text":
        text = ctypes.create_string_buffer(LONG_TEXT_SIZE)
        imports.db_get_field(
            f"{name}.VAL$", _DBF["CHAR"], ctypes.addressof(text), LONG_TEXT_SIZE
        )
        return text.value.decode("utf-8", errors="replace")
    number = _number(name)
    if control.choices:
        # A client can write the number of a choice that there is not.
        index = int(number)
        return control.choices[index] if index < len(control.choices) else index
    return int(number) if control.kind == "integer" else number


def _number(name: str) -> float:
    number = ctypes.c_double()
    imports.db_get_field(name, _DBF["DOUBLE"], ctypes.addressof(number), 1)
    return number.value
