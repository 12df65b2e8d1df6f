"""A cache on disk for arrays that are slow to compute."""

import contextlib
import hashlib
import logging
import os
import re
import time
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path

from lightmannet.errors import DataError
from lightmannet.files import write_bytes_atomically

_LOG = logging.getLogger(__name__)
_CHECKSUM = hashlib.sha256().digest_size
_KEY = re.compile("[0-9a-f]{64}")
_ABANDONED = 24 * 3600.0
"""Age in seconds at which a temporary file is removed as that of a killed writer: no write takes that long."""


def cache_folder(given: str | None = None) -> Path:
    """Return the folder for what was computed.

    Args:
        given: A folder; None takes the environment variable ``LIGHTMANNET_CACHE``, or ``lightmannet`` in the user's
            folder for caches.
    """
    folder = given or os.environ.get("LIGHTMANNET_CACHE")
    return Path(folder).expanduser() if folder else user_cache_path("lightmannet")


def digest(*parts: str) -> str:
    """Return a key of 64 hexadecimal digits, different for other texts and for the same text divided differently.

    Args:
        parts: Texts that describe everything that the array depends on.
    """
    # The length before each part: ("ab", "c") and ("a", "bc") are different keys. File names may hold lone surrogates.
    encoded = (part.encode("utf-8", "surrogatepass") for part in parts)
    return hashlib.sha256(b"".join(b"%d:%b" % (len(part), part) for part in encoded)).hexdigest()


class ArrayCache:
    """Arrays in a folder, one file per key, shared by any number of processes.

    A file is a SHA-256 checksum over key and content, then the content: a line with type and shape, and the numbers.
    (Reading the header of NumPy's own format takes longer than reading a small array.) A file that is damaged,
    truncated or of another key is treated as missing and removed. Writers of the same key replace whole files.

    Args:
        folder: Folder of the files, in subfolders by the first two digits of the key; created when first written to.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._swept = False

    def __contains__(self, key: str) -> bool:
        """Return whether there is a file for ``key``; whether it is intact is checked when it is read."""
        return self._path(key).is_file()

    def read(self, key: str) -> np.ndarray | None:
        """Return a copy of the array of ``key``, or None if there is none.

        A file that cannot be read or has changed is removed, with a log message.

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
            _LOG.warning("%s is removed from the cache and will be computed again: %s", path, error)
            with contextlib.suppress(OSError):
                path.unlink()
            return None

    def write(self, key: str, array: np.ndarray) -> None:
        """Store ``array`` under ``key``, replacing what was there.

        Args:
            key: As ``digest`` makes them.
            array: Numbers of any shape.

        Raises:
            DataError: The file cannot be written: a full disk, a folder that may not be written to.
            ValueError: An array of other things than numbers.
        """
        path = self._path(key)
        if array.dtype.kind not in "biufc":
            raise ValueError(f"an array of {array.dtype}: the cache stores only numbers")
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
            raise ValueError(f"{key!r} is not a key: make keys with digest()")
        return self.folder / key[:2] / key[2:]

    def _sweep(self) -> None:
        """Remove, once per instance, old temporary files of writers that were killed."""
        if self._swept:
            return
        self._swept = True
        for leftover in self.folder.glob("??/.*.part"):
            with contextlib.suppress(OSError):  # another process removes it too, or it is another user's
                if time.time() - leftover.stat().st_mtime > _ABANDONED:
                    leftover.unlink()


def _checksum(key: str, content: bytes | memoryview) -> bytes:
    # Over the key too, so that a file that was renamed to another key is detected.
    checksum = hashlib.sha256(key.encode())
    checksum.update(content)
    return checksum.digest()
