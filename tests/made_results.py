"""Results of runs that never were: made-up answers in the shape of real ones, for tests of what is made of results."""

from typing import Any

import numpy as np
import torch

from data_modules.corpus import CLASSES, Corpus
from data_modules.protocols import Protocol, SubjectKFold
from lightmannet.episode import Clips
from lightmannet.table.plan import Cell, Condition, Method, Plan, Table
from lightmannet.table.store import Answer, Result

SKILL = {"weak": 0.2, "middling": 0.5, "LightmanNet": 0.9}
"""How much more the true class weighs than chance, by method."""


def made_corpus(sizes: dict[str, int], people: int = 6, name: str = "made", synthetic: bool = True) -> Corpus:
    """Return a corpus of black pixels: so many clips a database, of so many people who each show 0, 0, 1, 2 in turn."""
    numbers = [clip for size in sizes.values() for clip in range(size)]
    subjects = [f"{database}/p{clip % people:02d}" for database, size in sizes.items() for clip in range(size)]
    clips = Clips(
        inputs=torch.zeros(len(subjects), 1, 3, 1, 1),
        labels=torch.tensor([(0, 0, 1, 2)[clip // people % 4] for clip in numbers]),
        subjects=tuple(subjects),
        ids=tuple(f"{subject}/c{clip:03d}" for clip, subject in enumerate(subjects)),
    )
    return Corpus(name=name, classes=CLASSES, micro=clips, macro=None, scaling=None, synthetic=synthetic)


def made_plan(
    methods: tuple[str, ...] = tuple(SKILL),
    conditions: dict[str, Condition] | None = None,
    axis: str = "",
    baseline: str = "weak",
    oracle_epoch: bool = False,
    corpus: Corpus | None = None,
    seeds: tuple[int, ...] = (0, 1, 2),
    protocol: Protocol | None = None,
) -> Plan:
    """Return a plan whose cells have made-up keys."""
    corpus = corpus or made_corpus({"made_a": 48, "made_b": 36})
    protocol = protocol or SubjectKFold(3)
    table = Table(
        title="Made-up results",
        data="made.yaml",
        methods={name: Method("made.yaml") for name in methods},
        protocol=protocol,
        seeds=list(seeds),
        axis=axis,
        conditions=conditions or {"": Condition()},
        baseline=baseline,
        oracle_epoch=oracle_epoch,
    )
    cells = [
        Cell(method, name, condition.value, fold, seed, (), oracle_epoch, f"{method} {name} {fold} {seed}")
        for seed in seeds
        for name, condition in table.conditions.items()
        for fold in range(len(protocol.groups(corpus.micro)))
        for method in methods
    ]
    tested = {name: protocol.tested(corpus.micro) for name in table.conditions}
    return Plan(table, protocol, corpus, tested, {}, cells, {})


def made_results(plan: Plan, tasks: int | None = None) -> list[Result]:
    """Return a result for each cell, the same whenever it is asked for; with ``tasks``, so many test tasks a fold."""
    return [_result(plan, cell, tasks) for cell in plan.cells]


def _result(plan: Plan, cell: Cell, tasks: int | None) -> Result:
    micro = plan.corpus.micro
    random = np.random.default_rng([ord(sign) for sign in cell.key])
    test = plan.protocol.groups(micro)[cell.fold]
    own = [clip for clip in range(len(micro)) if micro.subjects[clip] in test]
    skill = SKILL.get(cell.method, 0.4) * (1 - (cell.value or 0.0))

    def answer(clip: int, more: float, episode: int | None) -> Answer:
        label = int(micro.labels[clip])
        weights = random.random(len(plan.corpus.classes)) + more * np.eye(len(plan.corpus.classes))[label]
        return Answer(micro.ids[clip], label, [round(float(p), 6) for p in weights / weights.sum()], episode)

    if tasks is None:
        answers = [answer(clip, skill, None) for clip in own]
    else:
        # Two clips of each class a task.
        by_class = [[clip for clip in own if int(micro.labels[clip]) == c] for c in range(len(plan.corpus.classes))]
        answers = [
            answer(int(clip), skill, task)
            for task in range(tasks)
            for some in by_class
            for clip in random.choice(some, 2, replace=False)
        ]
    oracle = [answer(clip, skill + 0.3, None) for clip in own] if cell.oracle_epoch else None
    size = 1000 * (1 + list(plan.table.methods).index(cell.method))
    return Result(
        method=cell.method,
        condition=cell.condition,
        value=cell.value,
        fold=cell.fold,
        seed=cell.seed,
        key=cell.key,
        words=[],
        config="",
        versions={"torch": "made up"},
        git="made up",
        train_subjects=sorted(set(micro.subjects) - set(test)),
        test_subjects=sorted(test),
        parameters=size,
        multiply_adds=20 * size,
        peak_memory_mb=500.0,
        seconds={"training": size / 200 + cell.fold, "predicting": 0.5, "adapting": 0.01},
        curve=[{"epoch": e, "train_loss": 1.1 * 0.9**e + 0.05 * float(random.random())} for e in range(12)],
        answers=answers,
        oracle=oracle,
        embedding=_embedding(random) if cell.method == "LightmanNet" and cell.fold == 0 else None,
    )


def _embedding(random: np.random.Generator) -> dict[str, Any]:
    points = [
        {"x": float(random.normal()), "y": float(random.normal()), "label": label, "kind": kind, "state": state}
        for state in ("before", "after")
        for kind in ("micro", "macro")
        for label in (0, 1, 2)
        for _ in range(5)
    ]
    return {"before": 0.5, "after": 0.25, "points": points}


def without(results: list[Result], method: str, fold: int, seed: int) -> list[Result]:
    """Return the results but one."""
    return [r for r in results if (r.method, r.fold, r.seed) != (method, fold, seed)]
