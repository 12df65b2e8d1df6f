"""A callback that fails in the middle of a run."""

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer


class Broken(Callback):
    """Fails after the first batch."""

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        raise RuntimeError("broke on the way")
