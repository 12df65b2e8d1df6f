import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lightmannet.metrics import UnweightedAverageRecall, UnweightedF1

PAIRS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=40)


def by_hand(pairs: list[tuple[int, int]]) -> tuple[float, float]:
    """UF1 and UAR from their definitions, counting one class at a time."""
    f1, recall = [], []
    for label in range(3):
        hits = sum(t == p == label for t, p in pairs)
        missed = sum(t == label != p for t, p in pairs)
        wrong = sum(p == label != t for t, p in pairs)
        if hits + missed + wrong:
            f1.append(2 * hits / (2 * hits + wrong + missed))
        if hits + missed:
            recall.append(hits / (hits + missed))
    return sum(f1) / len(f1), sum(recall) / len(recall)


@given(PAIRS)
def test_scores_equal_their_definition(pairs: list[tuple[int, int]]) -> None:
    truth, predicted = (torch.tensor(column) for column in zip(*pairs, strict=True))
    scores = []
    for metric in (UnweightedF1(3), UnweightedAverageRecall(3)):
        metric.update(predicted, truth)
        scores.append(metric.compute().item())
    assert scores == pytest.approx(by_hand(pairs), abs=1e-6)


def test_counts_are_pooled_over_folds_before_averaging() -> None:
    folds = [(torch.tensor([0, 0, 0]), torch.tensor([0, 0, 1])), (torch.tensor([1]), torch.tensor([1]))]
    pooled, mean_of_folds = UnweightedF1(2), []
    for truth, predicted in folds:
        pooled.update(predicted, truth)
        one = UnweightedF1(2)
        one.update(predicted, truth)
        mean_of_folds.append(one.compute().item())
    assert pooled.compute().item() == pytest.approx((4 / 5 + 2 / 3) / 2)
    assert sum(mean_of_folds) / 2 != pytest.approx(pooled.compute().item(), abs=0.01)


def test_the_constant_answer_scores_what_the_challenge_says_of_it() -> None:
    truth = torch.tensor([0] * 250 + [1] * 109 + [2] * 83)
    f1, recall = UnweightedF1(3), UnweightedAverageRecall(3)
    f1.update(torch.zeros_like(truth), truth)
    recall.update(torch.zeros_like(truth), truth)
    assert f1.compute().item() == pytest.approx(0.2408, abs=5e-5)
    assert recall.compute().item() == pytest.approx(1 / 3)


def test_probabilities_count_as_their_largest_class() -> None:
    metric = UnweightedF1(3)
    metric.update(torch.tensor([[0.2, 0.7, 0.1], [0.5, 0.2, 0.3]]), torch.tensor([1, 0]))
    assert metric.compute().item() == 1.0


@pytest.mark.filterwarnings("ignore:The ``compute`` method of metric")
def test_without_clips_there_is_no_score() -> None:
    assert math.isnan(UnweightedF1(3).compute().item())
    assert math.isnan(UnweightedAverageRecall(3).compute().item())
