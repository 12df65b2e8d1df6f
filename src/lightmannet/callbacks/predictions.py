"""The file that ``lightning predict`` writes: one line per clip."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import BasePredictionWriter
from torch import Tensor

from lightmannet.episode import Clips
from lightmannet.files import write_atomically
from lightmannet.wandb_run import WandbRun


class PredictionsFile(BasePredictionWriter):
    """Writes ``predictions.csv`` into the run's folder: clip, subject, label, prediction and probability per class."""

    def __init__(self) -> None:
        super().__init__(write_interval="epoch")

    def write_on_epoch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        predictions: Sequence[tuple[Clips, Tensor]],
        batch_indices: Sequence[Any],
    ) -> None:
        """Gather the rows of all processes and write them, sorted by clip, from the first one."""
        rows = [row for clips, probabilities in predictions for row in prediction_rows(clips, probabilities)]
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            gathered: list[list[list[str]]] = [[] for _ in range(trainer.world_size)]
            torch.distributed.all_gather_object(gathered, rows)
            rows = [row for part in gathered for row in part]
        # log_dir is a collective operation: all processes have to take part.
        path = Path(trainer.log_dir or trainer.default_root_dir) / "predictions.csv"
        if not trainer.is_global_zero:
            return
        classes = len(rows[0]) - 4 if rows else 0
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        header = ["clip", "subject", "label", "prediction", *(f"probability_{c}" for c in range(classes))]
        writer.writerow(header)
        writer.writerows(sorted(rows))
        write_atomically(path, text.getvalue())
        print(f"{len(rows)} predictions written to {path}")
        for logger in trainer.loggers:
            if isinstance(logger, WandbRun):
                logger.log_predictions(header, sorted(rows))


def prediction_rows(clips: Clips, probabilities: Tensor) -> list[list[str]]:
    """Return clip, subject, label, prediction and the class probabilities (6 digits) of each clip."""
    return [
        [clip, subject, str(int(label)), str(int(row.argmax())), *(f"{float(p):.6f}" for p in row)]
        for clip, subject, label, row in zip(clips.ids, clips.subjects, clips.labels, probabilities.cpu(), strict=True)
    ]
