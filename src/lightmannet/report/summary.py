"""What the results of a table come to: scores pooled over folds with spread and interval, comparisons, costs, holes."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from lightmannet.errors import LightmanNetError
from lightmannet.metrics.resampling import holm, interval, mean_interval, paired_p_value, resample
from lightmannet.metrics.scores import FULL, SCORES, ScoreName, counts_by_group, person_of, score
from lightmannet.table.plan import Plan
from lightmannet.table.store import Answer, Result

CONSTANT = "always the commonest class"


@dataclass(frozen=True)
class Estimate:
    """A score over seeds.

    Attributes:
        values: One a seed, in [0, 1].
        low: Lower end of the 95 % interval of their mean: over people, or over tasks where answers have a task.
        high: Its upper end.
    """

    values: tuple[float, ...]
    low: float
    high: float

    @property
    def mean(self) -> float:
        """Mean over seeds."""
        return statistics.mean(self.values)

    @property
    def deviation(self) -> float | None:
        """Standard deviation over seeds; None for one seed."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None


Column = dict[ScoreName, Estimate]


@dataclass(frozen=True)
class Comparison:
    """UF1 of a method beside the baseline's under the same condition, from counts pooled over all tested people.

    Attributes:
        difference: UF1 minus that of the baseline, mean over the seeds that both have.
        low: Lower end of its 95 % interval over people.
        high: Its upper end.
        p_value: Of the paired randomisation test.
        corrected: The same, corrected for the number of comparisons in the table (Holm).
    """

    difference: float
    low: float
    high: float
    p_value: float
    corrected: float


@dataclass(frozen=True)
class Person:
    """How often a method was right on one person.

    Attributes:
        subject: As ``database/subject``.
        clips: Number of answers a seed.
        accuracy: Share that was right, over all seeds, in [0, 1].
    """

    subject: str
    clips: int
    accuracy: float


@dataclass(frozen=True)
class Cost:
    """What a method takes, medians over its runs.

    Attributes:
        parameters: Number of parameters.
        multiply_adds: Of one forward pass for one clip.
        training: Seconds a fold.
        adapting: Seconds to adapt to one support.
        predicting: Seconds a test clip, adaptation and several draws of the support included.
        peak_memory_mb: Largest memory of a run, in MB.
    """

    parameters: float
    multiply_adds: float
    training: float
    adapting: float
    predicting: float
    peak_memory_mb: float


@dataclass(frozen=True)
class CurvePoint:
    """Training loss of one epoch: mean, least and largest over folds and seeds."""

    epoch: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Row:
    """A method under one condition.

    Attributes:
        method: Name.
        condition: Name of the condition; empty where the table has none.
        value: Place of the condition on the table's axis, or None.
        seeds: Number of seeds all of whose folds are there; only these are scored.
        missing: Number of runs that are not there.
        columns: Scores by column, a database or ``Full``; empty if no seed is whole.
        comparison: Beside the baseline; None for the baseline itself, and where either has no seed.
        oracle: Scores of the epoch that was best on the test people, ``Full``; None without one.
        confusion: Answers by true and predicted class, a mean over seeds; None if no seed is whole.
        people: The people tested, by name.
        cost: None if no run is there.
        curve: Training losses.
    """

    method: str
    condition: str
    value: float | None
    seeds: int
    missing: int
    columns: dict[str, Column]
    comparison: Comparison | None
    oracle: Column | None
    confusion: Float[Tensor, "truth prediction"] | None
    people: tuple[Person, ...]
    cost: Cost | None
    curve: tuple[CurvePoint, ...]


@dataclass(frozen=True)
class Summary:
    """A table's rows, in its order, and what they share.

    Attributes:
        rows: Every method under every condition; a hole where nothing is finished.
        floors: What always naming the commonest class would score, ``""`` or one a condition.
        columns: Databases, then ``Full``; ``Full`` alone where there is one database or answers have tasks.
        tasks: Number of test tasks a seed, or None where each clip is recognised once.
    """

    rows: tuple[Row, ...]
    floors: tuple[Row, ...]
    columns: tuple[str, ...]
    tasks: int | None


@dataclass(frozen=True)
class _Pooled:
    """The answers of a method's whole seeds under one condition, as counts."""

    people: tuple[str, ...]
    by_person: Int64[Tensor, "seed person truth prediction"]
    by_task: Int64[Tensor, "seed task truth prediction"] | None


def summarize(plan: Plan, results: list[Result]) -> Summary:
    """Pool the results of a table.

    Raises:
        LightmanNetError: The results of a seed do not hold each tested clip exactly once (or, with tasks, not at
            all), or a person was both trained on and tested.
    """
    n_classes = len(plan.corpus.classes)
    wanted = Counter((cell.method, cell.condition, cell.seed) for cell in plan.cells)
    found: defaultdict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in results:
        found[result.method, result.condition].append(result)
    pooled: dict[tuple[str, str], dict[int, _Pooled]] = {}
    oracle: dict[tuple[str, str], dict[int, _Pooled]] = {}
    for key, mine in found.items():
        for seed in plan.table.seeds:
            runs = sorted((result for result in mine if result.seed == seed), key=lambda result: result.fold)
            if not runs or len(runs) < wanted[(*key, seed)]:
                continue
            _check(plan, runs)
            pooled.setdefault(key, {})[seed] = _pool([(run.fold, run.answers) for run in runs], n_classes)
            best = [(run.fold, run.oracle) for run in runs if run.oracle is not None]
            if len(best) == len(runs):
                oracle.setdefault(key, {})[seed] = _pool(best, n_classes)
    compared = _compare(plan, pooled)
    rows = tuple(
        _row(plan, method, condition, found, pooled, oracle, compared)
        for method in plan.table.methods
        for condition in plan.table.conditions
    )
    tasks = max(
        (p.by_task.shape[1] for by in pooled.values() for p in by.values() if p.by_task is not None), default=None
    )
    floors = () if tasks else tuple(_floor(plan, condition) for condition in _different_tests(plan))
    scored = [row.columns for row in (*rows, *floors) if row.columns]
    # A condition may test other databases than the next.
    columns = tuple(name for name in scored[0] if all(name in other for other in scored)) if scored else (FULL,)
    return Summary(rows, floors, columns, tasks)


def _check(plan: Plan, runs: list[Result]) -> None:
    clips = Counter(answer.clip for run in runs for answer in run.answers)
    tested = Counter(plan.tested[runs[0].condition])
    in_tasks = any(answer.episode is not None for run in runs for answer in run.answers)
    if not (clips.keys() <= tested.keys() if in_tasks else clips == tested):
        raise LightmanNetError("The folds do not hold each clip of the corpus exactly once; run with --fresh.")
    if any(set(run.train_subjects) & set(run.test_subjects) for run in runs):
        raise LightmanNetError("A person was both trained on and tested; run with --fresh.")


def _pool(folds: list[tuple[int, list[Answer]]], n_classes: int) -> _Pooled:
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
    return _Pooled(tuple(names), by_person[None], by_task)


def _stack(by_seed: dict[int, _Pooled], seeds: Sequence[int]) -> _Pooled:
    parts = [by_seed[seed] for seed in seeds]
    people = sorted({name for part in parts for name in part.people})
    counts = torch.zeros(len(parts), len(people), *parts[0].by_person.shape[2:], dtype=torch.int64)
    for index, part in enumerate(parts):
        counts[index, [people.index(name) for name in part.people]] = part.by_person[0]
    tasks = [part.by_task for part in parts if part.by_task is not None]
    least = min((part.shape[1] for part in tasks), default=0)
    return _Pooled(tuple(people), counts, torch.cat([part[:, :least] for part in tasks]) if tasks else None)


def _columns(pooled: _Pooled) -> dict[str, Column]:
    if pooled.by_task is not None:
        return {FULL: {name: _over_tasks(score(pooled.by_task, name)) for name in SCORES}}
    databases = [person.split("/", 1)[0] for person in pooled.people]
    names = sorted(set(databases))
    parts = {name: [i for i, database in enumerate(databases) if database == name] for name in names}
    chosen = {**(parts if len(names) > 1 else {}), FULL: list(range(len(databases)))}
    return {name: _over_people(pooled.by_person[:, people]) for name, people in chosen.items()}


def _over_people(counts: Int64[Tensor, "seed person truth prediction"]) -> Column:
    drawn = resample(counts)
    return {
        name: Estimate(tuple(score(counts.sum(1), name).tolist()), *interval(score(drawn, name))) for name in SCORES
    }


def _over_tasks(values: Float[Tensor, "seed task"]) -> Estimate:
    return Estimate(tuple(values.mean(1).tolist()), *mean_interval(values.mean(0)))


def _compare(plan: Plan, pooled: dict[tuple[str, str], dict[int, _Pooled]]) -> dict[tuple[str, str], Comparison]:
    found: dict[tuple[str, str], tuple[float, float, float, float]] = {}
    for (method, condition), ours in pooled.items():
        theirs = pooled.get((plan.table.baseline, condition), {})
        seeds = [seed for seed in plan.table.seeds if seed in ours and seed in theirs]
        if method == plan.table.baseline or not seeds:
            continue
        a, b = _stack(ours, seeds), _stack(theirs, seeds)
        # Own-person tasks may leave somebody out for one method and not for another.
        both = sorted(set(a.people) & set(b.people))
        a_counts = a.by_person[:, [a.people.index(name) for name in both]]
        b_counts = b.by_person[:, [b.people.index(name) for name in both]]
        difference = (score(a_counts.sum(1), "uf1") - score(b_counts.sum(1), "uf1")).mean().item()
        low, high = interval(score(resample(a_counts), "uf1") - score(resample(b_counts), "uf1"))
        found[method, condition] = difference, low, high, paired_p_value(a_counts, b_counts, "uf1")
    corrected = holm([values[-1] for values in found.values()])
    return {key: Comparison(*values, c) for (key, values), c in zip(found.items(), corrected, strict=True)}


def _row(
    plan: Plan,
    method: str,
    condition: str,
    found: dict[tuple[str, str], list[Result]],
    pooled: dict[tuple[str, str], dict[int, _Pooled]],
    oracle: dict[tuple[str, str], dict[int, _Pooled]],
    compared: dict[tuple[str, str], Comparison],
) -> Row:
    key = method, condition
    runs, whole, best = found.get(key, []), pooled.get(key, {}), oracle.get(key, {})
    seeds = [seed for seed in plan.table.seeds if seed in whole]
    together = _stack(whole, seeds) if seeds else None
    return Row(
        method=method,
        condition=condition,
        value=plan.table.conditions[condition].value,
        seeds=len(seeds),
        missing=sum((cell.method, cell.condition) == key for cell in plan.cells) - len(runs),
        columns=_columns(together) if together else {},
        comparison=compared.get(key),
        oracle=_columns(_stack(best, list(best)))[FULL] if best and set(best) == set(whole) else None,
        confusion=together.by_person.sum(1).double().mean(0) if together else None,
        people=_people(together) if together else (),
        cost=_cost(runs) if runs else None,
        curve=_curve(runs),
    )


def _people(pooled: _Pooled) -> tuple[Person, ...]:
    seeds = len(pooled.by_person)
    clips = pooled.by_person.sum((0, 2, 3)).tolist()
    right = pooled.by_person.diagonal(dim1=2, dim2=3).sum((0, 2)).tolist()
    return tuple(
        Person(name, round(answers / seeds), hits / answers)
        for name, answers, hits in zip(pooled.people, clips, right, strict=True)
    )


def _cost(runs: list[Result]) -> Cost:
    return Cost(
        parameters=statistics.median(run.parameters for run in runs),
        multiply_adds=statistics.median(run.multiply_adds for run in runs),
        training=statistics.median(run.seconds["training"] for run in runs),
        adapting=statistics.median(run.seconds["adapting"] for run in runs),
        predicting=statistics.median(run.seconds["predicting"] / len(run.answers) for run in runs),
        peak_memory_mb=max(run.peak_memory_mb for run in runs),
    )


def _curve(runs: list[Result]) -> tuple[CurvePoint, ...]:
    losses: defaultdict[int, list[float]] = defaultdict(list)
    for run in runs:
        for point in run.curve:
            losses[int(point["epoch"])].append(point["train_loss"])
    return tuple(
        CurvePoint(epoch, statistics.mean(some), min(some), max(some)) for epoch, some in sorted(losses.items())
    )


def _different_tests(plan: Plan) -> list[str]:
    """Return the conditions, or only the first where all test the same clips; none whose clips are not in the plan."""
    known = set(plan.corpus.micro.ids)
    own = [condition for condition, clips in plan.tested.items() if known.issuperset(clips)]
    same = len({frozenset(plan.tested[condition]) for condition in own}) == 1
    return own[:1] if same else own


def _floor(plan: Plan, condition: str) -> Row:
    """Return the scores of always answering the commonest class, which each method has to leave behind."""
    label = dict(zip(plan.corpus.micro.ids, plan.corpus.micro.labels.tolist(), strict=True))
    labels = {clip: label[clip] for clip in plan.tested[condition]}
    commonest = Counter(labels.values()).most_common(1)[0][0]
    # Ties go to the first class.
    commonest = min(c for c, n in Counter(labels.values()).items() if n == Counter(labels.values())[commonest])
    sure = [float(c == commonest) for c in range(len(plan.corpus.classes))]
    pooled = _pool([(0, [Answer(clip, truth, sure) for clip, truth in labels.items()])], len(plan.corpus.classes))
    single = len(_different_tests(plan)) == 1
    return Row(
        method=CONSTANT,
        condition="" if single else condition,
        value=None,
        seeds=1,
        missing=0,
        columns=_columns(pooled),
        comparison=None,
        oracle=None,
        confusion=None,
        people=(),
        cost=None,
        curve=(),
    )
