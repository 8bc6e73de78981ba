"""The log: few lines, none per frame, a file that does not grow without end."""

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

from tomostream.core.errors import ConfigurationError

_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


def set_up_log(
    file: Path | None = None,
    level: str = "info",
    *,
    megabytes: float = 5.0,
    kept: int = 3,
    to_terminal: bool = True,
) -> None:
    """Send tomostream's log to the terminal, and to a file that rotates.

    Raises
    ------
    ConfigurationError
        The file cannot be written.
    """
    handlers: list[logging.Handler] = []
    if to_terminal:
        handlers.append(logging.StreamHandler())
    if file is not None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            handlers.append(
                RotatingFileHandler(
                    file, maxBytes=int(megabytes * 1e6), backupCount=kept
                )
            )
        except OSError as exc:
            raise ConfigurationError(
                f"log.file: {file} cannot be written: {exc.strerror}"
            ) from exc
    root = logging.getLogger("tomostream")
    for old in root.handlers[:]:
        root.removeHandler(old)
        old.close()
    root.setLevel(level.upper())
    root.propagate = False
    for handler in handlers or [logging.NullHandler()]:
        handler.setFormatter(logging.Formatter(_FORMAT))
        root.addHandler(handler)
