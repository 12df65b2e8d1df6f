"""Intervals, paired test and correction beside slow computations that share no code with them."""

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor

from lightmannet.metrics.resampling import holm, interval, mean_interval, paired_p_value, resample
from lightmannet.metrics.scores import SCORES, ScoreName, score


def made_counts(people: int, seeds: int = 2, skill: float = 1.0, seed: int = 0) -> Tensor:
    """Return confusion matrices of people who each show all classes, better than chance by ``skill``."""
    random = np.random.default_rng(seed)
    counts = random.integers(1, 4, (seeds, people, 3, 3)) + (skill * 3 * np.eye(3)).astype(int)
    return torch.from_numpy(counts)


def slow_score(matrix: np.ndarray, name: ScoreName) -> float:
    if name == "accuracy":
        return float(sum(matrix[c][c] for c in range(3)) / matrix.sum())
    terms = []
    for c in range(3):
        hits, shown, said = matrix[c][c], sum(matrix[c]), sum(row[c] for row in matrix)
        if name == "uf1" and shown + said:
            terms.append(2 * hits / (shown + said))
        if name == "uar" and shown:
            terms.append(hits / shown)
    return float(sum(terms) / len(terms))


@pytest.mark.parametrize("name", SCORES)
def test_the_interval_is_that_of_all_ways_to_draw_people(name: ScoreName) -> None:
    counts = made_counts(5)
    every = [
        np.mean([slow_score(np.sum([counts[s, p].numpy() for p in people], 0), name) for s in range(2)])
        for people in itertools.product(range(5), repeat=5)
    ]
    drawn = score(resample(counts), name)
    # 10,000 draws of 3,125 equally likely ones: a quantile is off by its own sampling error alone.
    spread = float(np.std(every))
    assert interval(drawn) == pytest.approx(tuple(np.quantile(every, [0.025, 0.975])), abs=0.1 * spread)
    assert drawn.mean().item() == pytest.approx(np.mean(every), abs=5 * spread / 100)


def test_drawing_one_person_again_and_again_leaves_no_interval() -> None:
    alike = made_counts(1).repeat(1, 7, 1, 1)
    low, high = interval(score(resample(alike), "uf1"))
    assert low == pytest.approx(high, abs=1e-12)


def test_a_draw_without_a_class_leaves_the_class_out() -> None:
    counts = torch.zeros(1, 2, 3, 3, dtype=torch.int64)
    counts[0, 0, 0, 0] = counts[0, 1, 1, 1] = 4
    assert torch.equal(score(resample(counts), "uf1"), torch.ones(1, 10_000, dtype=torch.float64))


@pytest.mark.parametrize("seed", range(3))
def test_the_p_value_is_that_of_all_ways_to_swap(seed: int) -> None:
    ours, theirs = made_counts(9, skill=1.0, seed=seed), made_counts(9, skill=0.7, seed=seed + 100)

    def difference(swapped: tuple[int, ...]) -> float:
        first = [np.sum([(theirs if p in swapped else ours)[s, p].numpy() for p in range(9)], 0) for s in range(2)]
        second = [np.sum([(ours if p in swapped else theirs)[s, p].numpy() for p in range(9)], 0) for s in range(2)]
        return float(np.mean([slow_score(a, "uf1") - slow_score(b, "uf1") for a, b in zip(first, second, strict=True)]))

    observed = abs(difference(()))
    every = [swap for k in range(10) for swap in itertools.combinations(range(9), k)]
    exact = np.mean([abs(difference(swap)) >= observed - 1e-12 for swap in every])
    assert paired_p_value(ours, theirs, "uf1") == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 10_000))


def test_equal_methods_are_told_apart_in_one_of_twenty_tables_only() -> None:
    p_values = [
        paired_p_value(made_counts(12, 1, 1.0, seed), made_counts(12, 1, 1.0, 1000 + seed), "uf1", draws=400)
        for seed in range(400)
    ]
    # Of 400, 20 are expected, give or take 4.4.
    assert 7 <= sum(p <= 0.05 for p in p_values) <= 34


def test_the_same_answers_give_no_evidence_and_very_different_ones_much() -> None:
    good, bad = made_counts(20, skill=3.0), made_counts(20, skill=0.0)
    assert paired_p_value(good, good, "uf1") == 1
    assert paired_p_value(good, bad, "uf1") == pytest.approx(1 / 10_001)


def test_holm_corrects_as_in_its_definition() -> None:
    p_values = [0.01, 0.04, 0.03, 0.005]
    assert holm(p_values) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.6]) == [1.0, 1.0]
    assert holm([]) == []


def test_the_mean_of_tasks_has_the_interval_of_few_shot_papers() -> None:
    values = torch.tensor([0.2, 0.4, 0.6, 0.8], dtype=torch.float64)
    half = 1.96 * np.std(values.numpy(), ddof=1) / 2
    assert mean_interval(values) == pytest.approx((0.5 - half, 0.5 + half))
