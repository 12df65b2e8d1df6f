"""What picture, page and film say alike."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightmannet.pictures.captions import bars, model_caption
from tests.examinations import examination

ANSWER = examination().answer


@given(st.lists(st.floats(0.001, 1), min_size=2, max_size=7))
def test_percentages_add_up_to_100_and_are_off_by_less_than_one(weights: list[float]) -> None:
    shares = tuple(weight / sum(weights) for weight in weights)
    answer = replace(ANSWER, classes=tuple(map(str, range(len(shares)))), probabilities=shares)
    drawn = bars(answer)
    assert sum(bar.percent for bar in drawn) == 100
    assert all(bar.percent == pytest.approx(100 * bar.share, abs=1) for bar in drawn)


def test_only_the_class_named_stands_out() -> None:
    assert [bar.named for bar in bars(ANSWER)] == [False, True, False]
    assert not any(bar.named for bar in bars(replace(ANSWER, decision=None)))
    assert bars(replace(ANSWER, probabilities=())) == []


def test_the_model_is_described_by_what_it_learned_from_and_its_score() -> None:
    assert model_caption(ANSWER) == f"{ANSWER.learned_from} {ANSWER.score}"
