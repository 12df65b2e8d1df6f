"""Locks that keep runners sharing a folder of results from running the same cell."""

import errno
import fcntl
import os
from pathlib import Path

# Errors of a file system that has no locks.
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}


class CellLocks:
    """Kernel locks on single bytes of one file, one byte per cell, released by the kernel when their process ends.

    A runner that is killed therefore leaves nothing stale. (Libraries such as filelock need a file per lock: thousands,
    which nobody removes.) Locks belong to a process: other runners within it are not kept out. On a file system
    without locks each lock is granted; two runners then repeat each other's work, but results are still written whole.

    Args:
        folder: Folder of the results, which exists.
    """

    def __init__(self, folder: Path) -> None:
        # Under its first name, so that runners of an older version are kept out, too.
        self._file = os.open(folder / "claims", os.O_RDWR | os.O_CREAT, 0o666)

    def acquire(self, key: str) -> bool:
        """Lock the cell of this key unless another runner has locked it; return whether it is ours."""
        return self._lock(1, _byte(key))

    def release(self, key: str) -> None:
        """Unlock the cell of this key."""
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _byte(key))

    def held_by_others(self) -> bool:
        """Return whether another runner has locked any cell."""
        free = self._lock(0, 0)
        fcntl.lockf(self._file, fcntl.LOCK_UN, 0, 0)
        return not free

    def close(self) -> None:
        """Release all locks."""
        os.close(self._file)

    def _lock(self, length: int, start: int) -> bool:
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, length, start)
        except (BlockingIOError, PermissionError):
            return False
        except OSError as error:
            return error.errno in _NO_LOCKS
        return True


def _byte(key: str) -> int:
    return int(key[:12], 16)
