"""A beamline's records, out of its autosave request files.

A line names a record; ``#controlPV`` before it means that it is used and not saved; any
other line with # is a comment; ``file other.req P=$(P)`` takes another file in.
"""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tomostream.core.controls import CONTROLS, LENS_CHANGE
from tomostream.core.errors import ConfigurationError

logger = logging.getLogger(__name__)

_MACRO = re.compile(r"\$[({](\w+)(?:=([^)}]*))?[)}]")
_INCLUDE = re.compile(r'file\s+"?([^\s",]+)"?\s*,?\s*(.*)')
_FIELD = re.compile(r"\.[A-Z]+\$?$")
_DEEPEST = 8


def parse_macros(text: str) -> dict[str, str]:
    """Read ``P=2bmb:,R=TomoStream:``.

    Raises
    ------
    ConfigurationError
        A part is not NAME=VALUE.
    """
    macros: dict[str, str] = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        name, equals, value = part.partition("=")
        if not equals or not name.strip().isidentifier():
            raise ConfigurationError(f"macros: expected NAME=VALUE, got {part!r}")
        macros[name.strip()] = value.strip().strip('"')
    return macros


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """What request files say."""

    prefix: str
    """P and R together."""
    has_lens_change: bool
    """Whether records of 2-BM's lens change are among them."""


def read_requests(paths: Sequence[Path], macros: Mapping[str, str]) -> Requested:
    """Give what a beamline's request files say of its records.

    Raises
    ------
    ConfigurationError
        A file cannot be read, a macro has no value, or the records have not one prefix.
    """
    names = [name for path in paths for name in _names(path, macros, depth=0)]
    known = {c.name for c in (*CONTROLS, *LENS_CHANGE)}
    prefixes: dict[str, str] = {}
    unknown: list[str] = []
    for name in names:
        suffix = name[name.rfind(":") + 1 :]
        if suffix in known:
            prefixes.setdefault(name.removesuffix(suffix), name)
        else:
            unknown.append(name)
    files = ", ".join(map(str, paths))
    if len(prefixes) != 1:
        found = " and ".join(prefixes.values()) or "none"
        raise ConfigurationError(
            f"{files}: expected records of this service below one prefix, got {found}"
        )
    if unknown:
        logger.info("%s: records not used: %s", files, ", ".join(unknown))
    prefix = next(iter(prefixes))
    return Requested(
        prefix=prefix, has_lens_change=f"{prefix}{LENS_CHANGE[0].name}" in names
    )


def _names(path: Path, macros: Mapping[str, str], *, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        raise ConfigurationError(f"{path}: request files take each other in")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "it is no UTF-8 text"
        raise ConfigurationError(f"{path}: cannot be read: {reason}") from exc
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if text.startswith("#controlPV"):
            text = text.removeprefix("#controlPV").strip()
        if not text or text.startswith("#"):
            continue
        text = _expanded(text, macros, where=f"{path}, line {number}")
        if include := _INCLUDE.fullmatch(text):
            inner = {**macros, **parse_macros(include[2])}
            yield from _names(path.parent / include[1], inner, depth=depth + 1)
        else:
            yield _FIELD.sub("", text)


def _expanded(text: str, macros: Mapping[str, str], *, where: str) -> str:
    def value(match: re.Match[str]) -> str:
        name: str = match[1]
        default: str | None = match[2]
        if name in macros:
            return macros[name]
        if default is not None:
            return default
        raise ConfigurationError(
            f"{where}: macro {name} has no value; give it by --macros {name}=..."
        )

    return _MACRO.sub(value, text)
