"""Who runs which cell, where several runners share a folder of results."""

import errno
import fcntl
import os
from pathlib import Path

# What a file system answers that knows no locks.
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}


class Claims:
    """Locks of single bytes in one file, a byte a cell; the kernel drops them when their process ends, however it does.

    So nothing stale is left by a runner that was killed. They belong to the process that took them: its workers, and
    other runners within it, do not count. On a file system without locks each claim is granted; two runners then
    repeat each other's work, but results are written whole or not at all.

    Args:
        folder: Folder of the results, which exists.
    """

    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / "claims", os.O_RDWR | os.O_CREAT, 0o666)

    def take(self, key: str) -> bool:
        """Claim the cell of this key, unless another runner has it; return whether it is ours."""
        return self._locked(1, _place(key))

    def give_back(self, key: str) -> None:
        """Let others have the cell."""
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _place(key))

    def others_at_work(self) -> bool:
        """Return whether another runner holds a claim."""
        free = self._locked(0, 0)
        fcntl.lockf(self._file, fcntl.LOCK_UN, 0, 0)
        return not free

    def close(self) -> None:
        """Give everything back."""
        os.close(self._file)

    def _locked(self, length: int, start: int) -> bool:
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, length, start)
        except (BlockingIOError, PermissionError):
            return False
        except OSError as error:
            return error.errno in _NO_LOCKS
        return True


def _place(key: str) -> int:
    return int(key[:12], 16)
