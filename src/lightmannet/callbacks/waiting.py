"""A hint for a process that waits for others, which may never have been started."""

import sys
import threading

from lightning.pytorch import Callback, LightningModule, Trainer

PATIENCE = 15.0
"""Seconds until the hint is printed."""


class WaitingForOthers(Callback):
    """Prints a hint if the processes of a run have not connected after some seconds.

    The time starts at its creation, before Lightning connects them.

    Args:
        trainer: The run's trainer.
    """

    def __init__(self, trainer: Trainer) -> None:
        self._timer = threading.Timer(PATIENCE, _hint, [trainer.world_size])
        self._timer.daemon = True
        if trainer.world_size > 1:
            self._timer.start()

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Stop the timer: Lightning calls this once the processes are connected."""
        self._timer.cancel()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Stop the timer."""
        self._timer.cancel()


def _hint(processes: int) -> None:
    print(
        f"warning: still waiting for others of {processes} processes. If they were not started, "
        "start the command with srun or torchrun, or set --trainer.devices=1 and --ntasks=1.",
        file=sys.stderr,
        flush=True,
    )
