"""Scores of spotted intervals, counted by hand."""

import pytest

from lightmannet.metrics.spotting import SpottingScore, overlap, spotting_score


def test_an_interval_counts_that_shares_half_of_the_union() -> None:
    assert overlap((0, 10), (5, 15)) == pytest.approx(1 / 3)
    assert overlap((0, 10), (20, 30)) == 0
    assert overlap((1, 1), (1, 1)) == 0
    assert spotting_score([(0, 10)], [(0, 20)]).found == 1
    assert spotting_score([(0, 9)], [(0, 20)]).found == 0


def test_a_true_interval_is_met_once_and_a_spotted_one_meets_one() -> None:
    assert spotting_score([(0, 10), (1, 10)], [(0, 10)]) == SpottingScore(1, 2, 1)
    assert spotting_score([(0, 20)], [(0, 10), (10, 20)]) == SpottingScore(1, 1, 2)


def test_counts_of_videos_add_up_before_shares_are_taken() -> None:
    score = SpottingScore(1, 2, 4) + SpottingScore(2, 2, 2)
    assert (score.precision, score.recall, score.f1) == (3 / 4, 3 / 6, 2 * 3 / 10)
    nothing = SpottingScore()
    assert (nothing.precision, nothing.recall, nothing.f1) == (0, 0, 0)
