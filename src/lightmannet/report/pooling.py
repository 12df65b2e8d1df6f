"""Pool the predictions of all folds into counts, and compute scores from counts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from lightmannet.metrics.resampling import interval, mean_interval, resample
from lightmannet.metrics.scores import FULL, SCORES, counts_by_group, person_of, score
from lightmannet.report.rows import Estimate, Estimates, PersonAccuracy
from lightmannet.table.store import TestedClip


@dataclass(frozen=True)
class PooledCounts:
    """The answers of one or more seeds as confusion matrices.

    Attributes:
        people: Names of the people tested.
        by_person: Counts per seed and person.
        by_task: Counts per seed and test task; None where clips are recognised once.
    """

    people: tuple[str, ...]
    by_person: Int64[Tensor, "seed person truth prediction"]
    by_task: Int64[Tensor, "seed task truth prediction"] | None


def pool(folds: Iterable[tuple[int, list[TestedClip]]], n_classes: int) -> PooledCounts:
    """Return the counts of one seed.

    Args:
        folds: Number and answers of each fold.
        n_classes: Number of classes.
    """
    answers = [(fold, answer) for fold, some in folds for answer in some]
    labels, predictions = [a.label for _, a in answers], [a.prediction for _, a in answers]
    people = [person_of(a.clip) for _, a in answers]
    names = sorted(set(people))
    number = {name: index for index, name in enumerate(names)}
    by_person = counts_by_group(labels, predictions, [number[name] for name in people], len(names), n_classes)
    by_task = None
    if any(a.episode is not None for _, a in answers):
        tasks = [(fold, -1 if a.episode is None else a.episode) for fold, a in answers]
        order = {task: index for index, task in enumerate(sorted(set(tasks)))}
        by_task = counts_by_group(labels, predictions, [order[task] for task in tasks], len(order), n_classes)[None]
    return PooledCounts(tuple(names), by_person[None], by_task)


def stack_seeds(seeds: Sequence[PooledCounts]) -> PooledCounts:
    """Return the counts of several seeds as one; people missing in a seed have no counts there."""
    people = sorted({name for part in seeds for name in part.people})
    counts = torch.zeros(len(seeds), len(people), *seeds[0].by_person.shape[2:], dtype=torch.int64)
    for index, part in enumerate(seeds):
        counts[index, [people.index(name) for name in part.people]] = part.by_person[0]
    tasks = [part.by_task for part in seeds if part.by_task is not None]
    least = min((part.shape[1] for part in tasks), default=0)
    return PooledCounts(tuple(people), counts, torch.cat([part[:, :least] for part in tasks]) if tasks else None)


def scores_by_column(counts: PooledCounts) -> dict[str, Estimates]:
    """Return the scores of each database, if there are several, and of all together (``Full``)."""
    if counts.by_task is not None:
        return {FULL: {name: _over_tasks(score(counts.by_task, name)) for name in SCORES}}
    databases = [person.split("/", 1)[0] for person in counts.people]
    names = sorted(set(databases))
    parts = {name: [i for i, database in enumerate(databases) if database == name] for name in names}
    chosen = {**(parts if len(names) > 1 else {}), FULL: list(range(len(databases)))}
    return {name: _over_people(counts.by_person[:, people]) for name, people in chosen.items()}


def accuracies(counts: PooledCounts) -> tuple[PersonAccuracy, ...]:
    """Return how often each person was recognised."""
    seeds = len(counts.by_person)
    clips = counts.by_person.sum((0, 2, 3)).tolist()
    right = counts.by_person.diagonal(dim1=2, dim2=3).sum((0, 2)).tolist()
    return tuple(
        PersonAccuracy(name, round(answers / seeds), hits / answers)
        for name, answers, hits in zip(counts.people, clips, right, strict=True)
    )


def _over_people(counts: Int64[Tensor, "seed person truth prediction"]) -> Estimates:
    drawn = resample(counts)
    return {
        name: Estimate(tuple(score(counts.sum(1), name).tolist()), *interval(score(drawn, name))) for name in SCORES
    }


def _over_tasks(values: Float[Tensor, "seed task"]) -> Estimate:
    return Estimate(tuple(values.mean(1).tolist()), *mean_interval(values.mean(0)))
