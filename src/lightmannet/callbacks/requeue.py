"""Resuming a run that SLURM stopped and queued again, from its own state only."""

import hashlib
import json
import signal
import time
from pathlib import Path
from types import FrameType
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.utilities.exceptions import SIGTERMException

from lightmannet.scheduler import REQUEUE_SIGNAL, requeue

EVERY = 60.0
"""Minimum seconds between saves at epoch ends; without a signal, because a node may fail without one."""


def state_file(folder: Path, job: str, config: dict[str, Any]) -> Path:
    """Return the file in which the run of this configuration in this job stores its state.

    Args:
        folder: Folder of the runs.
        job: SLURM's number of the job; a requeued job keeps it.
        config: The complete configuration. A job may run several, sequentially or in parallel.
    """
    digest = hashlib.sha256(json.dumps(config, sort_keys=True, default=str).encode()).hexdigest()
    return folder / "requeue" / job / f"{digest[:16]}.ckpt"


class Requeue(Callback):
    """Saves the state of a fit when SLURM signals that the job's time is over, and requeues the job.

    SIGUSR1 (``sbatch --signal=SIGUSR1@90``) saves and requeues. SIGTERM, which comes before a preempted job is killed,
    saves. States are saved between batches, so that the run resumes as if it had not stopped. The file is
    removed when the fit is complete.

    Args:
        state: File of the run's state.
        job: SLURM's number of the job.
    """

    def __init__(self, state: Path, job: str) -> None:
        self.state, self.job = state, job
        self._signalled = self._training = self._requeued = False
        self._saved_at = time.monotonic()
        self._before: Any = None

    def listen(self) -> None:
        """Start listening for the signal."""
        if REQUEUE_SIGNAL is not None:
            self._before = signal.signal(REQUEUE_SIGNAL, self._hear)

    def stop_listening(self) -> None:
        """Restore the previous signal handler."""
        if REQUEUE_SIGNAL is not None:
            signal.signal(REQUEUE_SIGNAL, self._before)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self._training:
            self._signalled = True
        else:  # there is nothing to save before training, or in a test
            requeue(self.job)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Remember that there is now a state to save."""
        self._training = True

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save after a signal; before validation, during which saving is impossible, also when it is due."""
        last = batch_idx + 1 >= trainer.num_training_batches
        stepped = last or (batch_idx + 1) % trainer.accumulate_grad_batches == 0
        if trainer.world_size > 1 and not stepped:
            return  # each process has its own gradients, and a checkpoint holds only one's
        ending = self._agreed(trainer, trainer.received_sigterm)
        if last:
            # Validation comes next; a state saved after it includes its scores.
            self._save_if(trainer, ending or self._is_time(trainer))
        elif self._agreed(trainer, self._signalled):
            self._save_if(trainer, True)
            self._queue_again(trainer)
        else:
            self._save_if(trainer, ending)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save after a signal or when it is due."""
        signalled = self._agreed(trainer, self._signalled)
        self._save_if(trainer, signalled or self._is_time(trainer))
        if signalled:
            self._queue_again(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Remove the state of a complete fit, unless the job was requeued."""
        self._training = False
        if trainer.is_global_zero and not self._requeued:
            self.state.unlink(missing_ok=True)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Print where a terminated run will resume from."""
        self._training = False
        if isinstance(exception, SIGTERMException) and trainer.is_global_zero and self.state.is_file():
            print(
                f"The run was terminated. If SLURM requeues job {self.job}, it resumes from {self.state}.", flush=True
            )

    def _save_if(self, trainer: Trainer, wanted: bool) -> None:
        if wanted:
            trainer.save_checkpoint(self.state, weights_only=False)
            self._saved_at = time.monotonic()

    def _queue_again(self, trainer: Trainer) -> None:
        self._signalled = False
        if trainer.is_global_zero:
            self._requeued = requeue(self.job) or self._requeued

    def _is_time(self, trainer: Trainer) -> bool:
        return self._agreed(trainer, time.monotonic() - self._saved_at > EVERY)

    def _agreed(self, trainer: Trainer, wanted: bool) -> bool:
        """Return whether any process wants it: signals arrive at different batches, but all must save the same one."""
        if trainer.world_size == 1:
            return wanted
        return bool(trainer.strategy.reduce_boolean_decision(wanted, all=False))
