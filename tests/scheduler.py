"""A scheduler that is played: SLURM's variables, an ``scontrol`` that only notes, signals at a chosen batch."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from lightning.pytorch import Callback, LightningModule, Trainer

from lightmannet.lightning_cli import Lightning


class NodeFailure(BaseException):
    """The process is gone, without a signal."""


class Scheduler:
    """Plays SLURM for commands that are run in this process.

    Args:
        folder: Where the played ``scontrol`` lies and notes what it was called with.
        patch: Undoes everything at the end of the test.
    """

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.patch, self.notes = patch, folder / "requeued"
        program = write_scontrol(folder)
        patch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
        self.event: tuple[str, int] | None = None
        scheduler, make = self, Lightning.after_instantiate_classes

        def with_events(cli: Lightning) -> None:
            make(cli)
            if cli.subcommand is not None:
                cli.trainer.callbacks.insert(0, _Events(scheduler))  # type: ignore[attr-defined]

        patch.setattr(Lightning, "after_instantiate_classes", with_events)

    def enter(self, job: str) -> None:
        """Run what follows as a task of this job, ``7`` or, in an array, ``7_1``."""
        for name, value in variables(job).items():
            self.patch.setenv(name, value)

    def leave(self) -> None:
        """Run what follows outside of any job."""
        for name in variables("1_1"):
            self.patch.delenv(name, raising=False)

    @property
    def requeued(self) -> list[str]:
        """The jobs that were requeued so far."""
        return self.notes.read_text().split() if self.notes.is_file() else []


def write_scontrol(folder: Path) -> Path:
    """Write an ``scontrol`` that notes each job it requeues in ``folder/requeued``, and return its path."""
    program = folder / "bin" / "scontrol"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f'#!/bin/sh\ntest "$1" = requeue && echo "$2" >> {folder / "requeued"}\n')
    program.chmod(0o755)
    return program


def variables(job: str) -> dict[str, str]:
    """Return what SLURM sets in the environment of a task of this job."""
    number, _, task = job.partition("_")
    array = {"SLURM_ARRAY_JOB_ID": number, "SLURM_ARRAY_TASK_ID": task} if task else {}
    ranks = dict.fromkeys(("SLURM_PROCID", "SLURM_LOCALID", "SLURM_NODEID"), "0")
    own = str(int(number) + int(task or 0))  # each task of an array has a number of its own, too
    return {"SLURM_JOB_ID": own, "SLURM_NTASKS": "1", "SLURM_JOB_NAME": "train", **ranks, **array}


class _Events(Callback):
    """Lets the scheduler's event happen in the batch that it names, counted from the start of training."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler, self.seen = scheduler, len(scheduler.requeued)

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        if len(self.scheduler.requeued) > self.seen:
            raise NodeFailure  # a requeued job is killed
        kind, number = self.scheduler.event or ("", -1)
        if trainer.fit_loop.total_batch_idx != number:
            return
        if kind == "failure":
            raise NodeFailure
        if kind:
            os.kill(os.getpid(), getattr(signal, kind))

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if len(self.scheduler.requeued) > self.seen:
            raise NodeFailure


class Signalled(Callback):
    """Sends this process the signal that ``TEST_SIGNAL`` names, once; after SIGUSR1 the process is gone."""

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        if name := os.environ.pop("TEST_SIGNAL", ""):
            os.kill(os.getpid(), getattr(signal, name))
            if name == "SIGUSR1":
                raise NodeFailure
