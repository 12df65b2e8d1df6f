"""Finding files and folders of an archive, whatever their case and however many folders they were packed into."""

import os
import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from lightmannet.errors import DataError

_TICK = 2 * 10**9  # nanoseconds; FAT has the coarsest clock


def find(folder: Path, names: Sequence[str]) -> Path | None:
    """Return the first of ``names`` that ``folder`` has, or None.

    Case does not matter. Unpacking often nests a folder in one of the same name (``Cropped/Cropped``), and then the
    inner one is returned. If ``folder`` contains nothing but one folder, that one is searched as well.

    Args:
        folder: Where to look.
        names: Paths below ``folder`` in order of preference, with ``/`` as the separator.
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
    """Return what ``find`` finds, which must not be a link out of ``folder``.

    Args:
        folder: Where to look.
        names: Paths below ``folder`` in order of preference.
        what: What they are, for messages, e.g. ``the annotation workbook``.

    Raises:
        DataError: There is none, or it links out of ``folder``; the message says what was expected and found.
    """
    found = find_frames(folder, names, what)
    if not inside(found, folder):
        raise DataError(f"{what}: {found} is a link that leaves {folder}; put the files themselves there")
    return found


def find_frames(
    folder: Path, names: Sequence[str], what: str = "its folder of frames", expected: str | None = None
) -> Path:
    """Return what ``find`` finds; whether frames are within the database's root is checked when they are opened.

    Args:
        folder: Where to look.
        names: Paths below ``folder`` in order of preference.
        what: What they are, for messages.
        expected: What the message names as expected; None for all of ``names``.

    Raises:
        DataError: There is none; the message says what was expected and found.
    """
    found = find(folder, names)
    if found is None:
        raise missing(what, expected or " or ".join(names), folder)
    return found


def missing(what: str, expected: str, folder: Path) -> DataError:
    """Return the error for files that are not where they should be.

    Args:
        what: What is missing, e.g. ``its folder of frames``.
        expected: The expected name or names.
        folder: Where.
    """
    return DataError(f"{what} is missing: {expected} is expected in {folder}, {listing(folder)}")


def listing(folder: Path, shown: int = 8) -> str:
    """Return the content of a folder for a message: ``which holds a, b and 3 more``.

    Args:
        folder: Any path.
        shown: Number of names that are listed.
    """
    names = _visible(folder)
    if not names:
        return "which is empty" if os.path.isdir(folder) else "which is not a folder"
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return f"which holds {', '.join(names[:shown])}{more}"


def folders(folder: Path) -> list[Path]:
    """Return the folders in ``folder``, sorted by name, without hidden ones."""
    return [folder / name for name in _visible(folder) if os.path.isdir(folder / name)]


def files(folder: Path, extensions: Sequence[str]) -> list[Path]:
    """Return the files in ``folder`` with one of these extensions in any case, sorted by name, without hidden ones."""
    named = [name for name in _visible(folder) if name.lower().endswith(tuple(extensions))]
    return [folder / name for name in named if os.path.isfile(folder / name)]


def inside(path: Path, root: Path) -> bool:
    """Return whether ``path`` is within ``root`` once links are followed."""
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
    """Return the entry of exactly this name in a folder, else the first one that differs only in case."""
    exact, lower = _entries(folder)
    return name if name in exact else lower.get(name.lower())


def _visible(folder: Path) -> list[str]:
    return sorted(name for name in _entries(folder)[0] if not name.startswith("."))


_Names = tuple[frozenset[str], dict[str, str]]
"""The names in a folder, and the first of each set of names that differ only in case, by its lower case."""


def _entries(folder: Path) -> _Names:
    """Return the names in a folder; none if it is not a readable folder."""
    try:
        changed = os.stat(folder).st_mtime_ns
        # Time stamps are coarse: a folder that changed just now may change again within the same tick.
        fresh = abs(time.time_ns() - changed) < _TICK
        return _list(folder) if fresh else _listed(folder, changed)
    except (OSError, ValueError):  # ValueError: a NUL byte
        return frozenset(), {}


def _list(folder: Path) -> _Names:
    names = sorted(os.listdir(folder), reverse=True)
    return frozenset(names), {name.lower(): name for name in names}


@lru_cache(maxsize=4096)
def _listed(folder: Path, changed: int) -> _Names:
    # The rows of a database look into the same folders again and again; `changed` is part of the key, so that a changed
    # folder is listed again.
    return _list(folder)
