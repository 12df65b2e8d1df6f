"""Finding files and folders where an archive has them, whatever their case and however often they were packed."""

import os
import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from lightmannet.errors import DataError

_TICK = 2 * 10**9  # nanoseconds; FAT has the coarsest clock


def find(folder: Path, names: Sequence[str]) -> Path | None:
    """Return the first of ``names`` that ``folder`` has, or None.

    Case does not matter. Unpacking often doubles a folder (``Cropped/Cropped``): where the one found holds a folder of
    the same name, that is returned; and where ``folder`` holds nothing but one folder, that is looked into as well.

    Args:
        folder: Where to look.
        names: Names in order of preference, each one file or folder name, or several joined by ``/``.
    """
    for name in names:
        found: Path | None = folder
        for part in name.split("/"):
            found = _child(found, part) if found is not None else None
        if found is not None:
            return found
    visible = _visible(folder)
    return find(folder / visible[0], names) if len(visible) == 1 and os.path.isdir(folder / visible[0]) else None


def require(folder: Path, names: Sequence[str], what: str) -> Path:
    """Return what ``find`` finds.

    Args:
        folder: Where to look.
        names: Names in order of preference.
        what: What they are, e.g. ``the annotation workbook``.

    Raises:
        DataError: There is none, or it is a link out of ``folder``; says what was expected and what is there.
    """
    found = find(folder, names)
    if found is not None and not inside(found, folder):
        raise DataError(f"{what}: {found} is a link that leaves {folder}; put the files themselves there")
    if found is not None:
        return found
    raise DataError(f"{what} is missing: {' or '.join(names)} is expected in {folder}, {listing(folder)}")


def listing(folder: Path, shown: int = 8) -> str:
    """Return what a folder holds, for a message: ``which holds a, b and 3 more``."""
    names = _visible(folder)
    if not names:
        return "which is empty" if os.path.isdir(folder) else "which is no folder"
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return f"which holds {', '.join(names[:shown])}{more}"


def folders(folder: Path) -> list[Path]:
    """Return the folders in ``folder``, by name; hidden ones are left out."""
    return [folder / name for name in _visible(folder) if os.path.isdir(folder / name)]


def files(folder: Path, extensions: Sequence[str]) -> list[Path]:
    """Return the files in ``folder`` with one of these extensions in any case, by name; hidden ones are left out."""
    named = [name for name in _visible(folder) if name.lower().endswith(tuple(extensions))]
    return [folder / name for name in named if os.path.isfile(folder / name)]


def inside(path: Path, root: Path) -> bool:
    """Return whether ``path`` stays in ``root`` once links are followed."""
    # realpath, because Path.resolve raises on links that go in circles.
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))


def _child(folder: Path, name: str) -> Path | None:
    entry = _entry(folder, name)
    if entry is None:
        return None
    path = folder / entry
    doubled = _entry(path, name)
    return path / doubled if doubled is not None and os.path.isdir(path / doubled) else path


def _entry(folder: Path, name: str) -> str | None:
    """Return the name of this spelling in a folder, else the first one that differs from it in case alone."""
    exact, lower = _entries(folder)
    return name if name in exact else lower.get(name.lower())


def _visible(folder: Path) -> list[str]:
    return sorted(name for name in _entries(folder)[0] if not name.startswith("."))


_Names = tuple[frozenset[str], dict[str, str]]
"""The names in a folder, and the first of them by its lower case."""


def _entries(folder: Path) -> _Names:
    """Return the names in a folder; none for what is no readable folder."""
    try:
        changed = os.stat(folder).st_mtime_ns
        # A file system's clock ticks in milliseconds: what changed just now may change again and look the same.
        fresh = abs(time.time_ns() - changed) < _TICK
        return _list(folder) if fresh else _listed(folder, changed)
    except (OSError, ValueError):  # ValueError: a NUL byte
        return frozenset(), {}


def _list(folder: Path) -> _Names:
    names = sorted(os.listdir(folder), reverse=True)
    return frozenset(names), {name.lower(): name for name in names}


@lru_cache(maxsize=4096)
def _listed(folder: Path, changed: int) -> _Names:
    # A database's rows ask for the same folders again and again; `changed` makes a new listing after a change.
    return _list(folder)
