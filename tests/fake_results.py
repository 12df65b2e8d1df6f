"""Fake results: invented answers in the shape of real ones, for tests of everything that is made of results."""

from typing import Any

import numpy as np
import torch

from data_modules.corpus import CLASSES, Corpus
from data_modules.protocols import Protocol, SubjectKFold
from lightmannet.episode import Clips
from lightmannet.table.cell import Cell
from lightmannet.table.description import Condition, Method, Table
from lightmannet.table.plan import Plan
from lightmannet.table.store import Result, TestedClip

SKILL = {"weak": 0.2, "middling": 0.5, "LightmanNet": 0.9}
"""How much more the true class weighs than chance, by method."""
ADAPTS = {"middling": 0.6, "LightmanNet": 0.4}
"""Methods that adapt, with their skill before they do: adapting makes the first of them worse."""


def fake_corpus(sizes: dict[str, int], people: int = 6, name: str = "made", synthetic: bool = True) -> Corpus:
    """Return a corpus of black pixels: clips per database, of people who each show the classes 0, 0, 1, 2 in turn."""
    numbers = [clip for size in sizes.values() for clip in range(size)]
    subjects = [f"{database}/p{clip % people:02d}" for database, size in sizes.items() for clip in range(size)]
    clips = Clips(
        inputs=torch.zeros(len(subjects), 1, 3, 1, 1),
        labels=torch.tensor([(0, 0, 1, 2)[clip // people % 4] for clip in numbers]),
        subjects=tuple(subjects),
        ids=tuple(f"{subject}/c{clip:03d}" for clip, subject in enumerate(subjects)),
    )
    return Corpus(name=name, classes=CLASSES, micro=clips, macro=None, scaling=None, synthetic=synthetic)


def fake_plan(
    methods: tuple[str, ...] = tuple(SKILL),
    conditions: dict[str, Condition] | None = None,
    axis: str = "",
    baseline: str = "weak",
    oracle_epoch: bool = False,
    corpus: Corpus | None = None,
    seeds: tuple[int, ...] = (0, 1, 2),
    protocol: Protocol | None = None,
) -> Plan:
    """Return a plan whose cells have invented keys."""
    corpus = corpus or fake_corpus({"made_a": 48, "made_b": 36})
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


def fake_results(plan: Plan, tasks: int | None = None) -> list[Result]:
    """Return a result for each cell, the same at each call; ``tasks`` is the number of test tasks per fold."""
    return [_result(plan, cell, tasks) for cell in plan.cells]


def _result(plan: Plan, cell: Cell, tasks: int | None) -> Result:
    micro = plan.corpus.micro
    random = np.random.default_rng([ord(sign) for sign in cell.key])
    test = plan.protocol.groups(micro)[cell.fold]
    own = [clip for clip in range(len(micro)) if micro.subjects[clip] in test]
    skill = SKILL.get(cell.method, 0.4) * (1 - (cell.value or 0.0))

    def answer(clip: int, more: float, episode: int | None) -> TestedClip:
        label = int(micro.labels[clip])
        weights = random.random(len(plan.corpus.classes)) + more * np.eye(len(plan.corpus.classes))[label]
        return TestedClip(micro.ids[clip], label, [round(float(p), 6) for p in weights / weights.sum()], episode)

    def all_answers(more: float) -> list[TestedClip]:
        if tasks is None:
            return [answer(clip, more, None) for clip in own]
        # Two clips of each class per task.
        by_class = [[clip for clip in own if int(micro.labels[clip]) == c] for c in range(len(plan.corpus.classes))]
        return [
            answer(int(clip), more, task)
            for task in range(tasks)
            for some in by_class
            for clip in random.choice(some, 2, replace=False)
        ]

    answers = all_answers(skill)
    oracle = [answer(clip, skill + 0.3, None) for clip in own] if cell.oracle_epoch else None
    unadapted = all_answers(ADAPTS[cell.method]) if cell.method in ADAPTS else None
    size = 1000 * (1 + list(plan.table.methods).index(cell.method))
    return Result(
        cell=cell,
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
        drawn_clips={"micro": 10 * size, "macro": 5 * size if cell.method in ADAPTS else 0},
        unadapted=unadapted,
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
    """Return the results without one."""
    return [r for r in results if (r.cell.method, r.cell.fold, r.cell.seed) != (method, fold, seed)]
