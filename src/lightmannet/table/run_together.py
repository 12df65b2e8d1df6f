"""Run several cells of one method, which differ in fold and seed alone, as one batched training."""

import copy
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from lightning.pytorch import Trainer
from torch import nn

from data_modules.base import SubjectDisjointDataModule
from lightmannet.batched.objective import make_objective
from lightmannet.batched.train import Run, Training, train
from lightmannet.callbacks.monitor import Monitor
from lightmannet.callbacks.schedule import Schedule
from lightmannet.learners.base import Learner
from lightmannet.lightning_cli import Lightning
from lightmannet.silence import silence_lightning
from lightmannet.table.cell import Cell
from lightmannet.table.costs import forget_peak_memory
from lightmannet.table.oracle import OracleEpoch
from lightmannet.table.run_cell import FinishedCell, TrainedCell, finish_cell, test_cell

Job = tuple[Cell, ...]
"""Cells that are run together; one alone is run as ever."""

_ON_A_CPU = 16
_ANY_FOLD = 987654321  # stands for the number of the fold in options that are written once a seed


@dataclass
class _Made:
    """A cell that is ready to be trained."""

    cell: Cell
    config: str
    trainer: Trainer
    run: Run


def why_alone(made: Lightning) -> str | None:
    """Return why cells like this one have to be trained one by one, or None where they can be batched."""
    trainer, learner = made.trainer, made.model
    if make_objective(learner) is None:
        return f"{type(learner).__name__} has no batched training"
    odd = [type(callback).__name__ for callback in trainer.callbacks if type(callback) not in (Schedule, Monitor)]  # type: ignore[attr-defined]
    if odd:
        return f"the callback {odd[0]} looks at one run"
    if trainer.precision != "32-true":
        return f"trainer.precision is {trainer.precision}"
    limits = {
        "max_steps": trainer.max_steps != -1,
        "max_epochs": trainer.max_epochs in (None, -1),
        "max_time": trainer.max_time is not None if hasattr(trainer, "max_time") else False,
        "gradient_clip_val": trainer.gradient_clip_val is not None,
        "limit_train_batches": trainer.limit_train_batches != 1.0,
    }
    if any(limits.values()):
        return f"trainer.{next(name for name, given in limits.items() if given)} is set"
    for name, module in learner.named_modules():
        if isinstance(module, nn.modules.dropout._DropoutNd) and type(module) is not nn.Dropout:
            return f"{name} is a {type(module).__name__}"
        if not isinstance(module, nn.modules.batchnorm._BatchNorm):
            continue
        if trainer.strategy.root_device.type != "cpu":
            return f"{name} is batch normalisation, which PyTorch does not vectorize on a GPU"
        if trainer.accumulate_grad_batches > 1:
            return f"{name} is batch normalisation, and trainer.accumulate_grad_batches is more than 1"
    return None


def plan_jobs(cells: Sequence[Cell], together: int | None, slots: int) -> tuple[list[Job], list[str]]:
    """Return the cells as jobs of cells that can be trained together, and a line for each method that cannot be.

    Args:
        cells: Cells to run.
        together: Most cells of a job; None takes all of a method on a GPU, and on a CPU 16, or fewer so that all
            processes have some.
        slots: Jobs that are run at the same time.

    Raises:
        LightmanNetError: A cell's options are wrong.
    """
    groups: dict[tuple[Any, ...], list[Cell]] = {}
    for cell in cells:
        # All but fold and seed, which come last.
        groups.setdefault((cell.method, cell.condition, cell.oracle_epoch, cell.arguments[:-2]), []).append(cell)
    jobs: list[Job] = []
    reasons: dict[str, str] = {}
    for group in groups.values():
        size, reason = _size(group, together, slots)
        if reason is not None:
            reasons.setdefault(group[0].method, f"{group[0].method} is run one by one: {reason}.")
        jobs += [tuple(group[start : start + size]) for start in range(0, len(group), size)]
    return jobs, list(reasons.values())


def _size(group: list[Cell], together: int | None, slots: int) -> tuple[int, str | None]:
    """Return how many cells of a group make a job, and why one alone if it has to be so."""
    silence_lightning()
    made = Lightning(list(group[0].arguments), run=False)
    reason = why_alone(made)
    if reason is not None:
        return 1, reason
    if together is None:
        on_gpu = made.trainer.strategy.root_device.type != "cpu"
        together = len(group) if on_gpu else min(_ON_A_CPU, -(-len(group) // slots))
    # As equal as can be.
    return -(-len(group) // -(-len(group) // together)), None


def finish_job(job: Job, log: bool) -> list[FinishedCell]:
    """Run a job in this process: its one cell, or its cells together.

    Args:
        job: What is to be run.
        log: Keep what is logged during the run; of cells that are run together nothing is.

    Raises:
        LightmanNetError: The cells' options or data are wrong.
    """
    return [finish_cell(job[0], log)] if len(job) == 1 else finish_cells(job)


def finish_cells(cells: Sequence[Cell], at_once: int | None = None) -> list[FinishedCell]:
    """Train cells together in this process, then test them one by one.

    Args:
        cells: Cells of one method and condition.
        at_once: Batches that a GPU computes at once; None takes as many as its memory holds.

    Raises:
        LightmanNetError: The cells' options or data are wrong.
    """
    silence_lightning()
    forget_peak_memory()
    made = _make(cells)
    trainer = made[0].trainer
    device = trainer.strategy.root_device
    training = Training(
        epochs=trainer.max_epochs or 0,
        accumulate=trainer.accumulate_grad_batches,
        cosine=any(isinstance(its, Schedule) and its.shape == "cosine" for its in trainer.callbacks),  # type: ignore[attr-defined]
        device=device,
        at_once=at_once,
        # On a CPU they would only wait for each other.
        ahead=0 if device.type == "cpu" else max(len(os.sched_getaffinity(0)) - 1, 0),
    )
    oracles = [OracleEpoch(its.run.data) if its.cell.oracle_epoch else None for its in made]

    def after_epoch(_: int) -> None:
        for its, oracle in zip(made, oracles, strict=True):
            if oracle is not None:
                oracle.on_train_epoch_end(its.trainer, its.run.learner)

    start = time.perf_counter()
    objective = make_objective(made[0].run.learner)
    assert objective is not None  # or there would be a reason to train one by one
    train([its.run for its in made], objective, training, after_epoch if any(oracles) else None)
    share = (time.perf_counter() - start) / len(made)
    finished = []
    for its, oracle in zip(made, oracles, strict=True):
        run = its.run
        trained = TrainedCell(
            config=its.config,
            seconds=share,
            curve=[{"epoch": epoch, "train_loss": round(loss, 6)} for epoch, loss in enumerate(run.losses)],
            drawn_clips={"micro": run.micro, "macro": run.macro},
            oracle=None if oracle is None else oracle.best,
        )
        finished.append(FinishedCell(test_cell(its.cell, trained, its.trainer, run.learner, run.data)))
    return finished


def _make(cells: Sequence[Cell]) -> list[_Made]:
    """Make what each cell would make; cells of one seed begin alike, so that the options are read once a seed."""
    by_seed: dict[int, tuple[Lightning, torch.Tensor, str]] = {}
    made = []
    for cell in cells:
        if cell.seed not in by_seed:
            cli, state = Lightning(list(cell.arguments), run=False), torch.get_rng_state()
            _ = cli.datamodule.corpus  # read now, so that the copies have it
            cli.config["data.init_args.fold"] = _ANY_FOLD
            by_seed[cell.seed] = cli, state, cli.parser.dump(cli.config, skip_unset=False)
        cli, state, config = by_seed[cell.seed]
        cli.trainer.loggers = []
        learner: Learner = copy.deepcopy(cli.model)
        data: SubjectDisjointDataModule = copy.copy(cli.datamodule)
        data.fold_number = cell.fold
        data.setup("fit")
        config = config.replace(f"fold: {_ANY_FOLD}\n", f"fold: {cell.fold}\n")
        made.append(_Made(cell, config, cli.trainer, Run(learner, data, state)))
    return made
