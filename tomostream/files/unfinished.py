"""Output that is there when it is complete, and not before."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tomostream.core.errors import ConfigurationError

_MARK = ".unfinished-"


@contextmanager
def unfinished_file(target: Path, *, replaces: bool) -> Iterator[Path]:
    """Give the name to write a file under; it gets its own when all went well.

    Parameters
    ----------
    target
        The file's own name.
    replaces
        Whether a file of that name may be there already.

    Raises
    ------
    ConfigurationError
        It is there, or its folder is not.
    """
    check_target(target, replaces=replaces, is_ours=Path.is_file)
    number, name = tempfile.mkstemp(
        prefix=f".{target.name}{_MARK}", suffix=target.suffix, dir=target.parent
    )
    os.close(number)
    path = Path(name)
    path.chmod(0o666 & ~_umask())
    try:
        yield path
        path.replace(target)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


@contextmanager
def unfinished_folder(
    target: Path, *, replaces: bool, is_ours: Callable[[Path], bool]
) -> Iterator[Path]:
    """Give a folder to write into; it gets its own name when all went well.

    Parameters
    ----------
    target
        The folder's own name.
    replaces
        Whether a folder of that name may be there already.
    is_ours
        Tells of what is there whether it may be replaced; what somebody else has put
        there never is.

    Raises
    ------
    ConfigurationError
        It is there, or the folder above it is not.
    """
    check_target(target, replaces=replaces, is_ours=is_ours)
    path = Path(tempfile.mkdtemp(prefix=f".{target.name}{_MARK}", dir=target.parent))
    path.chmod(0o777 & ~_umask())
    try:
        yield path
        if target.exists():
            _swap(path, target)
        else:
            path.rename(target)
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise


def check_target(
    target: Path, *, replaces: bool, is_ours: Callable[[Path], bool]
) -> None:
    """Make sure that output may have this name.

    Raises
    ------
    ConfigurationError
        Says why it must not.
    """
    if not target.absolute().parent.is_dir():
        raise ConfigurationError(f"{target}: cannot be written: no such folder")
    if not (target.exists() or target.is_symlink()) or _is_empty_folder(target):
        return
    if not replaces:
        raise ConfigurationError(f"{target}: is there already; --force replaces it")
    if not is_ours(target):
        raise ConfigurationError(
            f"{target}: is there already and holds something else, which --force does "
            "not replace; give another name"
        )


def _is_empty_folder(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def _swap(path: Path, target: Path) -> None:
    """Put a folder in the place of another; at no moment is a part of one there."""
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}{_MARK}", dir=target.parent))
    target.rename(old / "old")
    path.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
