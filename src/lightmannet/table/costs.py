"""What a run costs: parameters, operations, memory, time to adapt, clips drawn; and its training curve and commit."""

import subprocess
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch.utils.flop_counter import FlopCounterMode

from lightmannet.episode import Clips, Episode, MetaBatch, Trial, Views, without_views
from lightmannet.learners.base import Learner

_RESET, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


class Curve(Callback):
    """Keeps the mean training loss of each epoch."""

    def __init__(self) -> None:
        self.epochs: list[dict[str, float]] = []

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keep the epoch's loss; a method that minimises nothing has none."""
        if (loss := trainer.callback_metrics.get("train/loss")) is not None:
            self.epochs.append({"epoch": trainer.current_epoch, "train_loss": round(float(loss), 6)})


class DrawnClips(Callback):
    """Counts the clips that training draws: batches of clips, or support, query and D^aux of each task.

    A clip counts as often as it is drawn, also where the method makes no use of it (D^aux in a warm start).

    Attributes:
        micro: Micro-expressions drawn.
        macro: Macro-expressions drawn, as D^aux.
    """

    def __init__(self) -> None:
        self.micro, self.macro = 0, 0

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Clips | Episode | MetaBatch, batch_idx: int
    ) -> None:
        """Count a batch."""
        if isinstance(batch, Clips):
            self.micro += len(batch)
            return
        for task in batch.episodes if isinstance(batch, MetaBatch) else (batch,):
            self.micro += len(task.support) + len(task.query)
            self.macro += 0 if task.auxiliary is None else len(task.auxiliary)


def forget_peak_memory() -> None:
    """Start a new measurement of the peak: a worker runs many cells one after another."""
    with suppress(OSError):
        _RESET.write_text("5")
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def peak_memory_mb() -> float:
    """Return the largest memory since ``forget_peak_memory``, MiB: of the process, libraries included, plus the GPU."""
    host = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    device = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0
    return round(int(host.split()[1]) / 1024 + device / 2**20, 1)


def parameter_count(learner: Learner) -> int:
    """Return the number of parameters, including those that a method learns beside its network."""
    return sum(parameter.numel() for parameter in learner.parameters())


def multiply_adds(learner: Learner, clip: Clips) -> int:
    """Return the multiply-adds of one forward pass of the network for one clip.

    As usual, only matrix products and convolutions count; element-wise operations do not.
    """
    # The network itself: a method that compares clips with a support refuses to predict without one.
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        learner.network(clip.inputs)
    return int(counter.get_total_flops()) // 2


def adapting_seconds(learner: Learner, batch: Clips | Trial | Views) -> float:
    """Return the mean seconds of one ``adapt`` over a trial's draws; 0 for a method that is tested on plain clips."""
    batch = without_views(batch)
    if isinstance(batch, Clips):
        return 0.0
    start = time.perf_counter()
    for episode in batch.episodes:
        learner.adapt(episode.support, episode.auxiliary)
    return (time.perf_counter() - start) / len(batch.episodes)


@cache
def git_state() -> str:
    """Return the commit of the code, followed by ``dirty`` if files differ; empty outside git."""

    def git(*arguments: str) -> str:
        here = Path(__file__).parent
        done: Any = subprocess.run(["git", *arguments], cwd=here, capture_output=True, text=True, check=True)
        return str(done.stdout).strip()

    try:
        commit = git("rev-parse", "--short=12", "HEAD")
        return f"{commit} dirty" if git("status", "--porcelain") else commit
    except (OSError, subprocess.CalledProcessError):
        return ""
