"""Run one cell: train, test, and collect everything that is kept of it."""

import time
from dataclasses import dataclass, field
from typing import Any

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.utilities.exceptions import SIGTERMException
from torch import Tensor

from data_modules.base import SubjectDisjointDataModule
from data_modules.episodic import EpisodicDataModule
from lightmannet.episode import Clips, Episode, MetaBatch, without_views
from lightmannet.errors import ConfigurationError
from lightmannet.learners.base import Learner, tested_clips
from lightmannet.lightning_cli import Lightning
from lightmannet.silence import silence_lightning
from lightmannet.table.cell import Cell, versions
from lightmannet.table.costs import (
    Curve,
    DrawnClips,
    adapting_seconds,
    forget_peak_memory,
    git_state,
    multiply_adds,
    parameter_count,
    peak_memory_mb,
)
from lightmannet.table.embedding import alignment_embedding
from lightmannet.table.oracle import OracleEpoch
from lightmannet.table.scalars import LoggedValues, Scalars
from lightmannet.table.store import Result, TestedClip

Answers = list[tuple[Clips, Tensor]]
"""Clips with their class probabilities, batch by batch."""


@dataclass(frozen=True)
class FinishedCell:
    """The outcome of a cell.

    Attributes:
        result: What is kept.
        logged: What was logged during the run; empty unless that was wanted.
    """

    result: Result
    logged: list[LoggedValues] = field(default_factory=list)


def finish_cell(cell: Cell, log: bool) -> FinishedCell:
    """Run a cell in this process; its answers are the same whether or not it is logged.

    Args:
        cell: What is to be run.
        log: Keep what the methods and ``Monitor`` log, which takes some of the time that is measured.

    Raises:
        LightmanNetError: As ``run_cell``.
    """
    if not log:
        return FinishedCell(run_cell(cell))
    scalars = Scalars()
    return FinishedCell(run_cell(cell, scalars), scalars.lines)


def run_cell(cell: Cell, scalars: Scalars | None = None) -> Result:
    """Train and test one cell in this process and return its result.

    Args:
        cell: What is to be run.
        scalars: Takes what is logged during the run; None logs nothing.

    Raises:
        LightmanNetError: The cell's options or data are wrong.
    """
    silence_lightning()
    forget_peak_memory()
    cli = Lightning(list(cell.arguments), run=False)
    trainer, model, data = cli.trainer, cli.model, cli.datamodule
    trainer.loggers = [] if scalars is None else [scalars]
    curve, drawn, oracle = Curve(), DrawnClips(), OracleEpoch(data)
    trainer.callbacks += [curve, drawn, *([oracle] if cell.oracle_epoch else [])]  # type: ignore[attr-defined]
    start = time.perf_counter()
    trainer.fit(model, datamodule=data)
    seconds = time.perf_counter() - start
    trained = TrainedCell(
        config=cli.parser.dump(cli.config, skip_unset=False),
        seconds=seconds,
        curve=curve.epochs,
        drawn_clips={"micro": drawn.micro, "macro": drawn.macro},
        oracle=oracle.best if cell.oracle_epoch else None,
    )
    return test_cell(cell, trained, trainer, model, data)


@dataclass(frozen=True)
class TrainedCell:
    """What is kept of a cell's training, beside the learner itself.

    Attributes:
        config: As in ``Result``, and so are curve and drawn_clips.
        seconds: Time of training.
        curve: Mean loss of each epoch.
        drawn_clips: Clips drawn.
        oracle: The answers of the epoch that was best on the test people, where the table asks for it.
    """

    config: str
    seconds: float
    curve: list[dict[str, float]]
    drawn_clips: dict[str, int]
    oracle: Answers | None


def test_cell(
    cell: Cell, trained: TrainedCell, trainer: Trainer, model: Learner, data: SubjectDisjointDataModule
) -> Result:
    """Test a trained cell and return its result.

    Args:
        cell: What was trained.
        trained: Its training.
        trainer: What tests it.
        model: The trained learner.
        data: The cell's data module.
    """
    start = time.perf_counter()
    predicted: Any = trainer.predict(model, datamodule=data)
    end = time.perf_counter()
    if trainer.received_sigterm:
        raise SIGTERMException  # which Lightning notes, and does only in a fit
    memory = peak_memory_mb()
    model.eval()
    batch: Any = next(iter(data.predict_dataloader())).to(model.device)
    in_tasks = isinstance(data, EpisodicDataModule) and data.evaluation.in_tasks
    with trainer.precision_plugin.forward_context():
        unadapted = _without_adapting(model, data)
    return Result(
        cell=cell,
        config=trained.config,
        versions=versions(),
        git=git_state(),
        train_subjects=sorted(set(data.training.subjects)),
        test_subjects=list(data.fold.test),
        parameters=parameter_count(model),
        multiply_adds=multiply_adds(model, tested_clips(batch).select([0])),
        peak_memory_mb=memory,
        seconds={
            "training": round(trained.seconds, 3),
            "predicting": round(end - start, 3),
            "adapting": round(adapting_seconds(model, batch), 6),
        },
        curve=trained.curve,
        answers=_kept(predicted, in_tasks),
        oracle=None if trained.oracle is None else _kept(trained.oracle, in_tasks),
        # One fold is enough to look at.
        embedding=alignment_embedding(model, batch) if cell.fold == 0 else None,
        drawn_clips=trained.drawn_clips,
        unadapted=None if unadapted is None else _kept(unadapted, in_tasks),
    )


def _without_adapting(model: Learner, data: SubjectDisjointDataModule) -> Answers | None:
    """Return the answers of θ itself; None for a method that does not adapt, or cannot answer without a support."""
    if not model.adapts:
        return None
    answers: Answers = []
    with torch.no_grad():
        for batch in data.predict_dataloader():
            # Tasks are for training; test clips come as clips or trials.
            assert not isinstance(batch, Episode | MetaBatch)
            if isinstance(without_views(batch), Clips):
                return None  # the answers above did without adapting, too
            here = batch.to(model.device)
            try:
                answers.append((tested_clips(here), model.recognise(here, adapt=False)))
            except ConfigurationError:
                return None
    return answers


def _kept(answers: Answers, in_tasks: bool) -> list[TestedClip]:
    """Return an answer per clip, or per clip and task; a task of fewer classes is answered among its own."""
    kept = []
    for number, (clips, probabilities) in enumerate(answers):
        if in_tasks:
            own = probabilities.new_zeros(probabilities.shape[1])
            own[clips.labels] = 1
            probabilities = probabilities * own / (probabilities * own).sum(1, keepdim=True).clamp(min=1e-12)
        for clip, label, row in zip(clips.ids, clips.labels, probabilities, strict=True):
            rounded = [round(float(p), 6) for p in row]
            kept.append(TestedClip(clip, int(label), rounded, number if in_tasks else None))
    return kept
