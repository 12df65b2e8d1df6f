"""A process that waits for others says so: some may never have been started."""

import sys
import threading

from lightning.pytorch import Callback, LightningModule, Trainer

PATIENCE = 15.0
"""Seconds before it is said."""


class WaitingForOthers(Callback):
    """Prints a hint if the processes of a run have not found each other after some seconds.

    It counts from when it is made, which is before Lightning connects them.

    Args:
        trainer: The run's trainer.
    """

    def __init__(self, trainer: Trainer) -> None:
        self._timer = threading.Timer(PATIENCE, _hint, [trainer.world_size])
        self._timer.daemon = True
        if trainer.world_size > 1:
            self._timer.start()

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Stop the clock: Lightning calls this once the processes are connected."""
        self._timer.cancel()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Stop the clock."""
        self._timer.cancel()


def _hint(processes: int) -> None:
    print(
        f"warning: still waiting for others of {processes} processes. If they were never started, they never come: "
        "start the command with srun or torchrun, or set --trainer.devices=1 and --ntasks=1.",
        file=sys.stderr,
        flush=True,
    )
