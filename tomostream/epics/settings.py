"""The operator's values, kept in a file across restarts of the IOC."""

import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import yaml

from tomostream.core.controls import CONTROLS, LENS_CHANGE, Control
from tomostream.core.errors import ConfigurationError
from tomostream.core.parameters import decode
from tomostream.epics.database import Saved
from tomostream.runtime import StopSignal, Worker

logger = logging.getLogger(__name__)

SAVED_CONTROLS = tuple(
    control for control in (*CONTROLS, *LENS_CHANGE) if control.is_saved
)

_LOOK_S = 1.0


class SettingsFile:
    """A YAML file of values by record name; choices as text.

    A worker reads the records every second and writes the file when they have
    changed, at one stroke: a file half written is never seen.

    Raises
    ------
    ConfigurationError
        Its folder does not exist or cannot be written to.
    """

    def __init__(self, path: Path) -> None:
        if not os.access(path.parent, os.W_OK):
            raise ConfigurationError(
                f"settings file {path}: its folder does not exist or is not writable"
            )
        self._path = path
        self._worker: Worker | None = None

    def load(self) -> Saved:
        """Give what was saved; a value that a record cannot take is left out."""
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as exc:
            return self._put_aside(str(exc))
        try:
            values: object = yaml.safe_load(text)
        except yaml.YAMLError as exc:
            return self._put_aside(" ".join(str(exc).split()))
        if values is None:
            return {}
        if not isinstance(values, dict):
            return self._put_aside("expected names and values")
        usable, faults = _usable(values)
        for fault in faults:
            logger.warning("setting left out: %s", fault)
        return usable

    def start(self, read: Callable[[], Saved]) -> None:
        """Begin to save; `read` gives the records' values."""

        def watch(stop: StopSignal) -> None:
            last = self.load()
            while True:
                is_last = stop.wait(_LOOK_S)
                # What is refused is not kept: the value before it stays in use.
                values = {**last, **_usable(read())[0]}
                if values != last:
                    self._write(values)
                    last = values
                if is_last:
                    return

        self._worker = Worker("settings", watch)
        self._worker.start()

    def stop(self) -> None:
        """Save once more, and end."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop()
            worker.join(timeout_s=5.0)

    def _write(self, values: Saved) -> None:
        text = yaml.safe_dump(dict(values), sort_keys=True, allow_unicode=True)
        fresh = self._path.with_name(f"{self._path.name}.new")
        try:
            with fresh.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
        except OSError as exc:
            logger.warning("settings not saved: %s: %s", self._path, exc)

    def _put_aside(self, reason: str) -> Saved:
        aside = self._path.with_name(f"{self._path.name}.unreadable")
        logger.warning(
            "settings file unreadable, put aside: %s -> %s: %s",
            self._path, aside, reason,
        )  # fmt: skip
        try:
            self._path.replace(aside)
        except OSError as exc:
            logger.warning("settings file not put aside: %s: %s", self._path, exc)
        return {}


def _usable(values: Mapping[str, object]) -> tuple[Saved, list[str]]:
    """Give what records can take, and what is wrong with the rest."""
    usable: dict[str, float | int | str] = {}
    faults: list[str] = []
    for control in SAVED_CONTROLS:
        value = values.get(control.name)
        if value is None:
            continue
        try:
            usable[control.name] = _checked(control, value)
        except (TypeError, ValueError) as exc:
            faults.append(f"{control.name}: {exc}")
    return usable, faults


def _checked(control: Control, value: object) -> float | int | str:
    if control.kind == "long_text":
        return str(value)
    if not isinstance(value, float | int | str):
        raise TypeError(f"expected a number or text, got {type(value).__name__}")
    decoded = decode(control, value)
    if control.choices:
        # decode gives the meaning; records are made from the choice's own text.
        return control.choices[(control.meanings or control.choices).index(decoded)]
    return decoded
