"""Arrays that took long to compute, kept as checked files."""

import contextlib
import hashlib
import logging
import re
import time
from pathlib import Path

import numpy as np

from lightmannet.errors import DataError
from lightmannet.files import write_bytes_atomically

_LOG = logging.getLogger(__name__)
_CHECKSUM = hashlib.sha256().digest_size
_KEY = re.compile("[0-9a-f]{64}")
_ABANDONED = 24 * 3600.0
"""Age in seconds at which the temporary file of a killed writer is removed: no write takes that long."""


def digest(*parts: str) -> str:
    """Return a key for what ``parts`` describe: 64 hexadecimal digits, different for other parts or another split.

    Args:
        parts: Texts that say all that the array depends on.
    """
    # The length before each part: ("ab", "c") and ("a", "bc") are different keys. File names may hold lone surrogates.
    encoded = (part.encode("utf-8", "surrogatepass") for part in parts)
    return hashlib.sha256(b"".join(b"%d:%b" % (len(part), part) for part in encoded)).hexdigest()


class ArrayCache:
    """Arrays in a folder, one file a key, shared by any number of processes.

    A file is a SHA-256 checksum over key and content, then the content: a line with type and shape, and the numbers.
    (The header of NumPy's own format takes longer to read than all the rest of a small array.) A file that is damaged,
    cut short or not this key's counts as missing and is removed. Writers of one key replace each other's whole files.

    Args:
        folder: Where the files lie, in subfolders by the first two digits of the key; made when first written to.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._swept = False

    def __contains__(self, key: str) -> bool:
        """Return whether there is a file for ``key``; only reading tells whether it is sound."""
        return self._path(key).is_file()

    def read(self, key: str) -> np.ndarray | None:
        """Return the array of ``key``, the caller's own copy, or None if there is none.

        A file that cannot be read or is not what was written is removed, and a log message names it.

        Args:
            key: As ``digest`` makes them.
        """
        path = self._path(key)
        try:
            content = path.read_bytes()
            if content[:_CHECKSUM] != _checksum(key, memoryview(content)[_CHECKSUM:]):
                raise ValueError("its checksum is wrong")
            end = content.index(b"\n", _CHECKSUM)
            kind, *shape = content[_CHECKSUM:end].decode().split()
            return np.frombuffer(content, kind, offset=end + 1).reshape([int(length) for length in shape]).copy()
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            _LOG.warning("%s is dropped from the cache and will be computed again: %s", path, error)
            with contextlib.suppress(OSError):
                path.unlink()
            return None

    def write(self, key: str, array: np.ndarray) -> None:
        """Keep ``array`` for ``key``, in place of what was there.

        Args:
            key: As ``digest`` makes them.
            array: Numbers of any shape.

        Raises:
            DataError: The file cannot be written: a full disk, a folder that may not be written to.
            ValueError: An array of other things than numbers.
        """
        path = self._path(key)
        if array.dtype.kind not in "biufc":
            raise ValueError(f"an array of {array.dtype}: the cache holds numbers only")
        content = " ".join([array.dtype.str, *map(str, array.shape)]).encode() + b"\n" + array.tobytes()
        try:
            self._sweep()
            write_bytes_atomically(path, _checksum(key, content) + content)
        except OSError as error:
            raise DataError(
                f"{path}: the cache cannot be written ({error.strerror or error}). Free space or permit writing there, "
                "or name another folder for the cache"
            ) from error

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError(f"{key!r} is no key: make keys with digest()")
        return self.folder / key[:2] / key[2:]

    def _sweep(self) -> None:
        """Once an instance, remove temporary files that killed writers left long ago."""
        if self._swept:
            return
        self._swept = True
        for leftover in self.folder.glob("??/.*.part"):
            with contextlib.suppress(OSError):  # another process sweeps too, or it is another user's
                if time.time() - leftover.stat().st_mtime > _ABANDONED:
                    leftover.unlink()


def _checksum(key: str, content: bytes | memoryview) -> bytes:
    # Over the key too, so that a file which was moved or copied to another key's name is found out.
    checksum = hashlib.sha256(key.encode())
    checksum.update(content)
    return checksum.digest()
