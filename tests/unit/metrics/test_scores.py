"""Scores of many confusion matrices at once."""

import pytest
import torch

from lightmannet.metrics.scores import SCORES, counts_by_group, pooled_scores, score


def test_many_matrices_score_as_one_by_one() -> None:
    counts = torch.randint(0, 9, (4, 5, 3, 3), generator=torch.Generator().manual_seed(0))
    for name in SCORES:
        many = score(counts, name)
        for index in torch.cartesian_prod(torch.arange(4), torch.arange(5)).tolist():
            assert many[tuple(index)].item() == pytest.approx(score(counts[tuple(index)], name).item(), abs=1e-12)


def test_counts_by_group_add_up_to_the_pooled_scores() -> None:
    random = torch.Generator().manual_seed(1)
    labels, predictions, groups = (torch.randint(0, 3, (60,), generator=random).tolist() for _ in range(3))
    counts = counts_by_group(labels, predictions, groups, 4, 3)
    assert counts.shape == (4, 3, 3)
    assert counts[3].sum() == 0
    for group in range(3):
        for truth in range(3):
            for said in range(3):
                there = sum(t == (truth, said, group) for t in zip(labels, predictions, groups, strict=True))
                assert counts[group, truth, said] == there
    pooled = pooled_scores(labels, predictions, 3)
    assert pooled.uf1 == pytest.approx(score(counts.sum(0), "uf1").item())
    assert pooled.accuracy == pytest.approx(sum(a == b for a, b in zip(labels, predictions, strict=True)) / 60)
