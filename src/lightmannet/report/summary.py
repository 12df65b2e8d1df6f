"""Summarise the results of a table: scores pooled over folds, comparisons with the baseline, costs, missing runs."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Callable

from lightmannet.errors import LightmanNetError
from lightmannet.metrics.resampling import holm, interval, paired_p_value, resample
from lightmannet.metrics.scores import FULL, score
from lightmannet.report.pooling import PooledCounts, accuracies, pool, scores_by_column, stack_seeds
from lightmannet.report.rows import Comparison, Cost, CurvePoint, Estimates, Floor, Row, Summary
from lightmannet.table.plan import Plan
from lightmannet.table.store import Result, TestedClip

_Key = tuple[str, str]
"""Method and condition."""
_Seeds = dict[int, PooledCounts]
"""Counts of each complete seed."""
_Answers = Callable[[Result], list[TestedClip] | None]


def summarize(plan: Plan, results: list[Result]) -> Summary:
    """Pool the results of a table.

    Raises:
        LightmanNetError: The results of a seed do not hold each tested clip exactly once (or, with tasks, hold others),
            or a person was both trained on and tested.
    """
    found: defaultdict[_Key, list[Result]] = defaultdict(list)
    for result in results:
        found[result.cell.method, result.cell.condition].append(result)
    answers = {key: _complete_seeds(plan, key, runs) for key, runs in found.items()}
    pooled = {key: _pool_seeds(plan, seeds, lambda run: run.answers) for key, seeds in answers.items()}
    plain = {key: _pool_seeds(plan, seeds, lambda run: run.unadapted) for key, seeds in answers.items()}
    with_baseline = _compare(
        plan,
        {
            key: (its, pooled.get((plan.table.baseline, key[1]), {}))
            for key, its in pooled.items()
            if key[0] != plan.table.baseline
        },
    )
    with_unadapted = _compare(plan, {key: (its, plain[key]) for key, its in pooled.items()})
    rows = []
    for method in plan.table.methods:
        for condition, setting in plan.table.conditions.items():
            key = method, condition
            runs, complete = found.get(key, []), answers.get(key, {})
            counts = stack_seeds([*pooled[key].values()]) if complete else None
            rows.append(
                Row(
                    method=method,
                    condition=condition,
                    value=setting.value,
                    seeds=len(complete),
                    missing=sum((cell.method, cell.condition) == key for cell in plan.cells) - len(runs),
                    columns=scores_by_column(counts) if counts else {},
                    unadapted=_other_scores(plan, complete, lambda run: run.unadapted),
                    comparison=with_baseline.get(key),
                    adapting=with_unadapted.get(key),
                    oracle=_other_scores(plan, complete, lambda run: run.oracle).get(FULL),
                    confusion=counts.by_person.sum(1).double().mean(0) if counts else None,
                    people=accuracies(counts) if counts else (),
                    cost=_cost(runs) if runs else None,
                    curve=_curve(runs),
                )
            )
    counts_by_seed = [counts for seeds in pooled.values() for counts in seeds.values()]
    tasks = max((counts.by_task.shape[1] for counts in counts_by_seed if counts.by_task is not None), default=None)
    floors = () if tasks else _floors(plan)
    scored = [its for its in (*(row.columns for row in rows), *(floor.columns for floor in floors)) if its]
    # Conditions may test different databases.
    columns = tuple(name for name in scored[0] if all(name in other for other in scored)) if scored else (FULL,)
    return Summary(tuple(rows), floors, columns, tasks)


def _complete_seeds(plan: Plan, key: _Key, runs: list[Result]) -> dict[int, list[Result]]:
    """Return the runs, by fold, of each seed with all folds finished."""
    wanted = Counter(cell.seed for cell in plan.cells if (cell.method, cell.condition) == key)
    complete = {}
    for seed in plan.table.seeds:
        mine = sorted((run for run in runs if run.cell.seed == seed), key=lambda run: run.cell.fold)
        if mine and len(mine) == wanted[seed]:
            _check(plan, mine)
            complete[seed] = mine
    return complete


def _check(plan: Plan, runs: list[Result]) -> None:
    clips = Counter(answer.clip for run in runs for answer in run.answers)
    tested = Counter(plan.tested[runs[0].cell.condition])
    in_tasks = any(answer.episode is not None for run in runs for answer in run.answers)
    if not (clips.keys() <= tested.keys() if in_tasks else clips == tested):
        raise LightmanNetError("The folds do not test each clip of the corpus exactly once. Run with --fresh=true.")
    if any(set(run.train_subjects) & set(run.test_subjects) for run in runs):
        raise LightmanNetError("A person was both trained on and tested. Run with --fresh=true.")


def _pool_seeds(plan: Plan, seeds: dict[int, list[Result]], of: _Answers) -> _Seeds:
    """Return the counts of each seed whose results all have the predictions selected by ``of``."""
    pooled: _Seeds = {}
    for seed, runs in seeds.items():
        folds = [(run.cell.fold, of(run)) for run in runs]
        there = [(fold, answers) for fold, answers in folds if answers is not None]
        if len(there) == len(runs):
            pooled[seed] = pool(there, len(plan.corpus.classes))
    return pooled


def _other_scores(plan: Plan, seeds: dict[int, list[Result]], of: _Answers) -> dict[str, Estimates]:
    """Return the scores of additional predictions, if all seeds have them."""
    pooled = _pool_seeds(plan, seeds, of)
    return scores_by_column(stack_seeds([*pooled.values()])) if pooled and set(pooled) == set(seeds) else {}


def _compare(plan: Plan, pairs: dict[_Key, tuple[_Seeds, _Seeds]]) -> dict[_Key, Comparison]:
    """Compare the first of each pair with the second over common seeds, corrected for all pairs."""
    found: dict[_Key, tuple[float, float, float, float]] = {}
    for key, (ours, theirs) in pairs.items():
        seeds = [seed for seed in plan.table.seeds if seed in ours and seed in theirs]
        if not seeds:
            continue
        a, b = stack_seeds([ours[seed] for seed in seeds]), stack_seeds([theirs[seed] for seed in seeds])
        # Own-person tasks may exclude a person for one method and not for another.
        both = sorted(set(a.people) & set(b.people))
        a_counts = a.by_person[:, [a.people.index(name) for name in both]]
        b_counts = b.by_person[:, [b.people.index(name) for name in both]]
        difference = (score(a_counts.sum(1), "uf1") - score(b_counts.sum(1), "uf1")).mean().item()
        low, high = interval(score(resample(a_counts), "uf1") - score(resample(b_counts), "uf1"))
        found[key] = difference, low, high, paired_p_value(a_counts, b_counts, "uf1")
    corrected = holm([values[-1] for values in found.values()])
    return {key: Comparison(*values, c) for (key, values), c in zip(found.items(), corrected, strict=True)}


def _cost(runs: list[Result]) -> Cost:
    drawn = [run.drawn_clips for run in runs if run.drawn_clips is not None]
    return Cost(
        parameters=statistics.median(run.parameters for run in runs),
        multiply_adds=statistics.median(run.multiply_adds for run in runs),
        training=statistics.median(run.seconds["training"] for run in runs),
        adapting=statistics.median(run.seconds["adapting"] for run in runs),
        predicting=statistics.median(run.seconds["predicting"] / len(run.answers) for run in runs),
        peak_memory_mb=max(run.peak_memory_mb for run in runs),
        micro_clips=statistics.median(its["micro"] for its in drawn) if drawn else None,
        macro_clips=statistics.median(its["macro"] for its in drawn) if drawn else None,
    )


def _curve(runs: list[Result]) -> tuple[CurvePoint, ...]:
    losses: defaultdict[int, list[float]] = defaultdict(list)
    for run in runs:
        for point in run.curve:
            losses[int(point["epoch"])].append(point["train_loss"])
    return tuple(
        CurvePoint(epoch, statistics.mean(some), min(some), max(some)) for epoch, some in sorted(losses.items())
    )


def _floors(plan: Plan) -> tuple[Floor, ...]:
    """Return the scores of always naming the most frequent class: once if all conditions test the same clips."""
    label = dict(zip(plan.corpus.micro.ids, plan.corpus.micro.labels.tolist(), strict=True))
    # The plan lacks the labels of a condition with another corpus.
    own = {condition: clips for condition, clips in plan.tested.items() if label.keys() >= set(clips)}
    single = len({frozenset(clips) for clips in own.values()}) == 1
    floors = []
    for condition, clips in [*own.items()][: 1 if single else None]:
        counts = Counter(label[clip] for clip in clips)
        commonest = min(c for c, n in counts.items() if n == max(counts.values()))  # the first of equals
        sure = [float(c == commonest) for c in range(len(plan.corpus.classes))]
        pooled = pool([(0, [TestedClip(clip, label[clip], sure) for clip in clips])], len(plan.corpus.classes))
        floors.append(Floor("" if single else condition, scores_by_column(pooled)))
    return tuple(floors)
