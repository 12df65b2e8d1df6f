"""Step sizes over training."""

import math
from typing import Any, Literal

from lightning.pytorch import Callback, LightningModule, Trainer
from torch.optim import Optimizer

from lightmannet.errors import ConfigurationError


class Schedule(Callback):
    """Keeps a method's step sizes constant, or lets them decay to 0 along half a cosine.

    With ``cosine``, update t of T, from 0, has the step size ``η_t = η (1 + cos(π t / T)) / 2``, where η is that of the
    method: that of the warm start during the warm start, β afterwards. Only the update itself sees η_t, so optimiser,
    scheduler and checkpoint hold η.

    Args:
        shape: ``constant`` or ``cosine``.

    Raises:
        ConfigurationError: ``cosine`` without an end of training.

    Reference: Loshchilov, Hutter 2017, "SGDR: Stochastic Gradient Descent with Warm Restarts", arXiv 1608.03983, eq. 5,
    without restarts.
    """

    def __init__(self, shape: Literal["constant", "cosine"] = "constant") -> None:
        self.shape = shape
        self._own: list[tuple[float, float]] = []  # original and scheduled step size

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Check that training has an end."""
        if self.shape == "cosine" and not math.isfinite(trainer.estimated_stepping_batches):
            raise ConfigurationError(
                "schedule.shape: cosine needs to know when training ends. Set trainer.max_epochs or trainer.max_steps."
            )

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer) -> None:
        """Set the step sizes of this update."""
        if self.shape == "cosine":
            factor = (1 + math.cos(math.pi * trainer.global_step / trainer.estimated_stepping_batches)) / 2
            self._own = [(group["lr"], group["lr"] * factor) for group in optimizer.param_groups]
            for group, (_, now) in zip(optimizer.param_groups, self._own, strict=True):
                group["lr"] = now

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Restore the step sizes after an update."""
        for group, (before, now) in zip(trainer.optimizers[0].param_groups, self._own, strict=False):
            # At the end of an epoch the method's own scheduler may have changed it already.
            if group["lr"] == now:
                group["lr"] = before
        self._own = []
