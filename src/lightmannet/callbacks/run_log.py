"""The log file of a run, and a list of its files at the end."""

import logging
import traceback
import warnings
from pathlib import Path
from typing import Any, TextIO

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_only

_OURS = ("lightmannet", "data_modules")
_LISTENED_TO = ("lightning.pytorch", "lightning.fabric", *_OURS)
_FILES = {
    "predictions": "predictions.csv",
    "scalars": "metrics.csv",
    "options": "config.yaml",
    "log": "run.log",
}


class RunLog(Callback):
    """Writes messages, warnings and failures to ``run.log`` in the run's folder, and lists the run's files at the end.

    It listens from its creation, before data are read; messages are buffered until the folder is known. Repeated
    warnings are printed once.
    """

    def __init__(self) -> None:
        self._waiting: list[str] = []
        self._file: Path | None = None
        self._seen: set[str] = set()
        self._handler = _Lines(self._write)
        for name in _LISTENED_TO:
            logging.getLogger(name).addHandler(self._handler)
        # With our handler, Python no longer prints these loggers' warnings itself; Lightning prints its own.
        self._console = _console()
        for name in _OURS:
            logging.getLogger(name).addHandler(self._console)
        # Their default level is the root's, WARNING; Lightning sets its own.
        self._levels = {name: logging.getLogger(name).level for name in _OURS}
        for name in _OURS:
            logging.getLogger(name).setLevel(logging.INFO)
        self._show, self._own = warnings.showwarning, self._warn
        warnings.showwarning = self._own

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Start the file with the messages so far."""
        # log_dir is a collective operation: all processes have to take part.
        folder = Path(trainer.log_dir or trainer.default_root_dir)
        if not trainer.is_global_zero or not trainer.loggers:
            return
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / "run.log"
        self._write(f"the run is in {folder}")
        waiting, self._waiting = self._waiting, []
        for line in waiting:
            self._write(line)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Print the paths of the run's files and stop listening."""
        if self._file is not None:
            folder = self._file.parent
            checkpoint = getattr(trainer.checkpoint_callback, "best_model_path", "") if stage == "fit" else ""
            found = {"checkpoint": checkpoint} if checkpoint else {}
            found |= {what: str(folder / name) for what, name in _FILES.items() if (folder / name).is_file()}
            lines = "\n".join(f"  {what:<12}{path}" for what, path in found.items())
            print(f"The run is in {folder}:\n{lines}", flush=True)
        self._stop()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Write the traceback and stop listening."""
        self._write("".join(traceback.format_exception(exception)))
        self._stop()

    def _warn(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        text = f"{category.__name__}: {message}"
        if text in self._seen:
            return
        self._seen.add(text)
        self._write(text)
        self._show(message, category, filename, lineno, file, line)

    def _write(self, line: str) -> None:
        if self._file is None:
            self._waiting.append(line)
            return
        with self._file.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def _stop(self) -> None:
        for name in _LISTENED_TO:
            logging.getLogger(name).removeHandler(self._handler)
            logging.getLogger(name).removeHandler(self._console)
        for name, level in self._levels.items():
            logging.getLogger(name).setLevel(level)
        if warnings.showwarning is self._own:
            warnings.showwarning = self._show
        self._file, self._waiting = None, []


def _console() -> logging.Handler:
    """Return a handler that prints each warning once, in the first process."""
    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    handler.setFormatter(logging.Formatter("warning: %(message)s"))
    seen: set[str] = set()

    def is_new(record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if text in seen or getattr(rank_zero_only, "rank", 0) != 0:
            return False
        seen.add(text)
        return True

    handler.addFilter(is_new)
    return handler


class _Lines(logging.Handler):
    """Passes on each record as a line with its time."""

    def __init__(self, write: Any) -> None:
        super().__init__(logging.INFO)
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        self._write = write

    def emit(self, record: logging.LogRecord) -> None:
        self._write(self.format(record))
