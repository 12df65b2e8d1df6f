"""What a checkpoint needs beside weights and optimiser for a run to go on as if it had never stopped."""

from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from lightmannet.checkpoint import OPTIONS


class RunState(Callback):
    """Stores and restores the random state, and stores the run's options.

    Batches need no state: each is a function of seed, epoch and number. Dropout does: it draws from torch's generators.

    Args:
        options: Name and value of each option of the run, as text.
    """

    def __init__(self, options: dict[str, str]) -> None:
        self.options = options
        self._restored: dict[str, Any] | None = None

    def state_dict(self) -> dict[str, Any]:
        """Return the states of torch's generators."""
        cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
        return {"cpu": torch.get_rng_state(), "cuda": cuda}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Keep the states until training starts: setting up may draw numbers."""
        self._restored = state_dict

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Put the options beside the weights."""
        checkpoint[OPTIONS] = self.options

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Set torch's generators to where they were when the checkpoint was written."""
        if self._restored is None:
            return
        torch.set_rng_state(self._restored["cpu"].cpu())
        # With another number of devices there is no state to go on from.
        if len(self._restored["cuda"]) == torch.cuda.device_count() > 0:
            torch.cuda.set_rng_state_all([state.cpu() for state in self._restored["cuda"]])
        self._restored = None
