"""A run slow enough to be killed in the middle."""

import time
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer


class Slow(Callback):
    """Waits after each batch."""

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        time.sleep(0.1)
