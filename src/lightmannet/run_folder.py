"""A separate folder for each run, even if two start simultaneously."""

from pathlib import Path

from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.utilities import rank_zero_only


class RunFolder(CSVLogger):
    """Logs scalars to ``metrics.csv`` in a folder that no other run has.

    Lightning's logger chooses the next free version and creates its folder later, so runs that start together choose
    the same one. This logger creates the folder immediately.

    Args:
        save_dir: Folder in which ``lightning_logs/version_0``, ``version_1`` and so on are made.
    """

    def __init__(self, save_dir: str = ".") -> None:
        # Flushed immediately, so that a killed run keeps its scalars.
        super().__init__(save_dir, flush_logs_every_n_steps=1)
        self._made: int | str | None = None

    @property
    def version(self) -> int | str:
        """Number of the run's folder, which the first process makes."""
        if self._made is None:
            self._made = super().version
            while self._is_first and not self._make(self._made):
                self._made = int(self._made) + 1
        return self._made

    @property
    def _is_first(self) -> bool:
        return bool(getattr(rank_zero_only, "rank", 0) == 0)

    def _make(self, version: int | str) -> bool:
        try:
            (Path(self.root_dir) / f"version_{version}").mkdir(parents=True)
        except FileExistsError:
            return False
        return True
