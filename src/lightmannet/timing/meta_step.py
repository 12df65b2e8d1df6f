"""The command ``lightmannet bench``: a meta-step through Lightning compared with a bare learn2learn loop.

Both take the same network, loss, inner steps, dtype and number of tasks. They take turns step by step within one run,
so a machine that slows down slows both, and the ratio is what counts. Ours includes drawing and augmenting the tasks.
"""

import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch.nn import functional as F

from data_modules import EpisodicDataModule, SyntheticMotion
from lightmannet.adaptation.reference import learn2learn_maml
from lightmannet.episode import Episode
from lightmannet.learners import LightmanNet
from lightmannet.networks import TwoBranchNetwork
from lightmannet.silence import silence_lightning
from lightmannet.timing.engines import Load, time_engines

_WARM_UP = 3


def bench(steps: int = 30, tasks: int = 4, threads: int = 1, size: int = 28) -> None:
    """Time a second-order meta-step of LightmanNet and of a bare loop, and measure the memory of each.

    Args:
        steps: Number of timed meta-steps, after three for warming up.
        tasks: Tasks per meta-step.
        threads: Threads of torch.
        size: Height and width in pixels of the images for comparing the engines.
    """
    torch.set_num_threads(threads)
    console = Console()
    for inner_steps in (1, 5):
        console.print(f"timing the engines: {inner_steps} inner step(s), {tasks} tasks, {size} × {size} pixels …")
        console.print(_engines_table(time_engines(Load(tasks, inner_steps, size=size), max(3, steps // inner_steps))))
    console.print(f"timing {steps} meta-steps of {tasks} tasks, in turns with a bare learn2learn loop …")
    ours, bare = time_in_turns(steps, tasks)
    ratios = [a / b for a, b in zip(ours, bare, strict=True)]
    table = Table(
        "", "median", "min – max", title=f"second-order meta-step, {tasks} tasks, {threads} thread(s), float32"
    )
    table.add_row("LightmanNet in Lightning, tasks drawn and augmented", *_figures(ours, 1000, "ms"))
    table.add_row("bare learn2learn loop on tasks at hand", *_figures(bare, 1000, "ms"))
    table.add_row("ratio, pair by pair", *_figures(ratios, 1, ""))
    console.print(table)
    memory = Table(
        "tasks a meta-step", "LightmanNet in Lightning", "bare loop", title="memory that 48 tasks add to the process"
    )
    for number in track((1, 4, 16), "measuring memory in fresh processes", console=console, transient=True):
        found = [_in_fresh_process(_peak_memory, kind, number) for kind in ("ours", "bare")]
        memory.add_row(str(number), *(f"{mebibytes:.0f} MiB" for mebibytes in found))
    console.print(memory)


def _engines_table(seconds: dict[str, list[float]]) -> Table:
    table = Table("engine", "median", "min – max", "times as fast as the bare loop", "min – max", title="tasks at hand")
    for name, values in seconds.items():
        ratios = [bare / own for bare, own in zip(seconds["bare"], values, strict=True)]
        table.add_row(name, *_figures(values, 1000, "ms"), *_figures(ratios, 1, ""))
    return table


def time_in_turns(steps: int, tasks: int) -> tuple[list[float], list[float]]:
    """Return the seconds of each meta-step of LightmanNet in Lightning and of the bare loop, taken in turns."""
    turns = _Turns(tasks)
    _fit(steps + _WARM_UP, tasks, turns)
    return turns.ours[_WARM_UP:], turns.bare[_WARM_UP:]


class BareLoop:
    """Plain MAML with learn2learn.

    Args:
        episodes: The tasks of each meta-step.
    """

    def __init__(self, episodes: list[Episode]) -> None:
        self.episodes = episodes
        learner = _learner().train()
        self.inner_loss, self.inner = learner.inner_loss, learner.inner
        self.maml = learn2learn_maml()(learner.network, lr=self.inner.learning_rate, first_order=False)
        self.optimizer = torch.optim.AdamW(self.maml.parameters(), learner.learning_rate)

    def step(self) -> None:
        """Take one meta-step."""
        self.optimizer.zero_grad()
        for episode in self.episodes:
            task = self.maml.clone()
            for _ in range(self.inner.steps):
                task.adapt(self.inner_loss(task.module, episode.support, episode.auxiliary))
            loss = F.cross_entropy(task(episode.query.inputs), episode.query.labels) / len(self.episodes)
            loss.backward()
        self.optimizer.step()


class _Turns(Callback):
    """Times each meta-step of a fit, followed by a bare one."""

    def __init__(self, tasks: int) -> None:
        self.tasks = tasks
        self.ours: list[float] = []
        self.bare: list[float] = []
        self.start = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        sampler = trainer.datamodule.sampler  # type: ignore[attr-defined]
        self.loop = BareLoop([sampler.episode(0, index) for index in range(self.tasks)])
        self.start = time.perf_counter()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: object, batch: object, batch_idx: int
    ) -> None:
        if (batch_idx + 1) % self.tasks:
            return
        between = time.perf_counter()
        self.loop.step()
        end = time.perf_counter()
        self.ours.append(between - self.start)
        self.bare.append(end - between)
        self.start = time.perf_counter()


def _learner() -> LightmanNet:
    torch.manual_seed(0)
    return LightmanNet(TwoBranchNetwork(alignment_features=64))


def _data(tasks: int) -> EpisodicDataModule:
    return EpisodicDataModule(SyntheticMotion(), validation_fraction=0, episodes_per_epoch=tasks)


def _fit(steps: int, tasks: int, callback: Callback | None) -> None:
    silence_lightning()
    trainer = Trainer(
        accelerator="cpu",
        devices=1,
        max_epochs=1,
        accumulate_grad_batches=tasks,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        callbacks=[callback] if callback else None,
    )
    trainer.fit(_learner(), datamodule=_data(steps * tasks))


def _peak_memory(kind: str, tasks: int) -> float:
    """Return by how many MiB 48 tasks, in meta-steps of ``tasks``, raise the peak of resident memory."""
    torch.set_num_threads(1)
    # One small run of each kind first, so that loading does not count.
    _fit(1, 1, None)
    data = _data(tasks)
    data.setup("fit")
    loop = BareLoop([data.sampler.episode(0, index) for index in range(tasks)])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if kind == "ours":
        _fit(48 // tasks, tasks, None)
    else:
        for _ in range(48 // tasks):
            loop.step()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def _in_fresh_process(function: Callable[[str, int], float], kind: str, tasks: int) -> float:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, (kind, tasks))


def _figures(values: list[float], factor: float, unit: str) -> tuple[str, str]:
    digits = 0 if unit else 3
    low, middle, high = (factor * f(values) for f in (min, statistics.median, max))
    return f"{middle:.{digits}f} {unit}".strip(), f"{low:.{digits}f} – {high:.{digits}f} {unit}".strip()
