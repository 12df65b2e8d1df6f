"""Files: written atomically, with the usual permissions, and a digest of several."""

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


def write_atomically(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` atomically: readers see the old or the complete new file, even after a power cut.

    Args:
        path: Target; its folder is created if missing.
        text: Content, written as UTF-8.
    """
    write_bytes_atomically(path, text.encode())


def write_bytes_atomically(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` as ``written_atomically`` does.

    Args:
        path: Target; its folder is created if missing.
        content: Content.
    """
    with written_atomically(path) as file:
        file.write(content)


@contextmanager
def written_atomically(path: Path) -> Iterator[IO[bytes]]:
    """Yield an empty file that replaces ``path`` at the end: readers see either the old or the complete new file.

    Until then it is a hidden file ``.<name>.….part`` in the same folder, which stays if the process is killed and is
    removed after an error. A power cut leaves one of the two files, too.

    Args:
        path: Target; its folder is created if missing.

    Raises:
        OSError: It cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "r+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        set_default_permissions(Path(name))
        os.replace(name, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(name)
        raise


def set_default_permissions(path: Path) -> None:
    """Give a file or folder created by ``tempfile``, which is private, the default permissions."""
    mask = os.umask(0)
    os.umask(mask)
    path.chmod((0o777 if path.is_dir() else 0o666) & ~mask)


def digest_of_files(files: Iterable[Path], root: Path) -> str:
    """Return a SHA-256 digest, in hexadecimal, of the names and content of files, in any order.

    Args:
        files: Files below ``root``.
        root: Folder that their names are relative to.
    """
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.relative_to(root).as_posix().encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
