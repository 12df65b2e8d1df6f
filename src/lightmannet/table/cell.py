"""One cell: train, test, and what came of it."""

import time
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from data_modules.episodic import EpisodicDataModule
from lightmannet.episode import Clips
from lightmannet.learners.base import Learner, tested_clips
from lightmannet.lightning_cli import Lightning
from lightmannet.silence import silence_lightning
from lightmannet.table.costs import (
    Curve,
    adapting_seconds,
    forget_peak_memory,
    git_state,
    multiply_adds,
    parameter_count,
    peak_memory_mb,
)
from lightmannet.table.embedding import alignment_embedding
from lightmannet.table.oracle import OracleEpoch
from lightmannet.table.plan import Cell, versions
from lightmannet.table.scalars import Line, Scalars
from lightmannet.table.store import Answer, Result


@dataclass(frozen=True)
class Finished:
    """What comes of a cell.

    Attributes:
        result: What is kept of it.
        logged: What was logged on the way; nothing if nobody watched.
    """

    result: Result
    logged: list[Line] = field(default_factory=list)


def finish(cell: Cell, watch: bool) -> Finished:
    """Run a cell in this process; its answers are the same whether it is watched or not.

    Args:
        cell: What is to be run.
        watch: Keep what the methods and ``Monitor`` log, which costs some of the time that is measured.

    Raises:
        LightmanNetError: As ``run_cell``.
    """
    if not watch:
        return Finished(run_cell(cell))
    scalars = Scalars()
    return Finished(run_cell(cell, scalars), scalars.lines)


def run_cell(cell: Cell, scalars: Scalars | None = None) -> Result:
    """Train and test one cell in this process and return its result.

    Args:
        cell: What is to be run.
        scalars: Takes what is logged on the way; None logs nothing.

    Raises:
        LightmanNetError: Its options or data are at fault.
    """
    silence_lightning()
    forget_peak_memory()
    cli = Lightning(list(cell.words), run=False)
    trainer, model, data = cli.trainer, cli.model, cli.datamodule
    assert isinstance(model, Learner)
    trainer.loggers = [] if scalars is None else [scalars]
    curve, oracle = Curve(), OracleEpoch(data)
    trainer.callbacks += [curve, oracle] if cell.oracle_epoch else [curve]  # type: ignore[attr-defined]
    start = time.perf_counter()
    trainer.fit(model, datamodule=data)
    trained = time.perf_counter()
    predicted: Any = trainer.predict(model, datamodule=data)
    end = time.perf_counter()
    memory = peak_memory_mb()
    model.eval()
    batch = next(iter(data.predict_dataloader())).to(model.device)
    in_tasks = isinstance(data, EpisodicDataModule) and data.evaluation.in_tasks
    return Result(
        method=cell.method,
        condition=cell.condition,
        value=cell.value,
        fold=cell.fold,
        seed=cell.seed,
        key=cell.key,
        words=list(cell.words),
        config=cli.parser.dump(cli.config, skip_unset=False),
        versions=versions(),
        git=git_state(),
        train_subjects=sorted(set(data.training.subjects)),
        test_subjects=list(data.fold.test),
        parameters=parameter_count(model),
        multiply_adds=multiply_adds(model, tested_clips(batch).select([0])),
        peak_memory_mb=memory,
        seconds={
            "training": round(trained - start, 3),
            "predicting": round(end - trained, 3),
            "adapting": round(adapting_seconds(model, batch), 6),
        },
        curve=curve.epochs,
        answers=_answers(predicted, in_tasks),
        oracle=_answers(oracle.best, in_tasks) if cell.oracle_epoch else None,
        # One fold is enough to look at.
        embedding=alignment_embedding(model, batch) if cell.fold == 0 else None,
    )


def _answers(predicted: list[tuple[Clips, Tensor]], in_tasks: bool) -> list[Answer]:
    """Return an answer a clip, or a clip and task; a task of fewer classes is answered among its own."""
    answers = []
    for number, (clips, probabilities) in enumerate(predicted):
        if in_tasks:
            own = probabilities.new_zeros(probabilities.shape[1])
            own[clips.labels] = 1
            probabilities = probabilities * own / (probabilities * own).sum(1, keepdim=True).clamp(min=1e-12)
        for clip, label, row in zip(clips.ids, clips.labels, probabilities, strict=True):
            rounded = [round(float(p), 6) for p in row]
            answers.append(Answer(clip, int(label), rounded, number if in_tasks else None))
    return answers
