"""A folder for each run, also for two that start at the same moment."""

from pathlib import Path

from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.utilities import rank_zero_only


class RunFolder(CSVLogger):
    """Logs scalars to ``metrics.csv`` in a folder that no other run has.

    Lightning's logger looks for the next free version and makes its folder later, so two runs that start together take
    the same one. This one makes the folder when it chooses it.

    Args:
        save_dir: Folder in which ``lightning_logs/version_0``, ``version_1`` and so on are made.
    """

    def __init__(self, save_dir: str = ".") -> None:
        # Written at once, so that a killed run keeps its scalars.
        super().__init__(save_dir, flush_logs_every_n_steps=1)
        self._claimed: int | str | None = None

    @property
    def version(self) -> int | str:
        """Number of the run's folder; the first process makes it."""
        if self._claimed is None:
            self._claimed = super().version
            while self._is_first and not self._claim(self._claimed):
                self._claimed = int(self._claimed) + 1
        return self._claimed

    @property
    def _is_first(self) -> bool:
        return bool(getattr(rank_zero_only, "rank", 0) == 0)

    def _claim(self, version: int | str) -> bool:
        try:
            (Path(self.root_dir) / f"version_{version}").mkdir(parents=True)
        except FileExistsError:
            return False
        return True
