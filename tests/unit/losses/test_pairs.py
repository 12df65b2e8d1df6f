from dataclasses import replace

import pytest
import torch

from lightmannet.episode import Clips
from lightmannet.errors import ConfigurationError
from lightmannet.losses import ActionUnitOverlap, AllPairs, LearnedPairs, SameClass, SameObjectiveClass
from lightmannet.losses.pairs import Pairs
from tests.clips import annotated, clips_of


def clips(labels: list[int], objective: list[int], units: list[set[int]]) -> Clips:
    shown = torch.zeros(len(labels), 46, dtype=torch.bool)
    for row, of_clip in enumerate(units):
        shown[row, [unit - 1 for unit in of_clip]] = True
    made = clips_of([(0, label) for label in labels])
    return replace(made, objective_classes=torch.tensor(objective), action_units=shown)


MICRO = clips([0, 1, 2], [1, 0, 7], [{6, 12}, {4}, set()])
MACRO = clips([1, 1, 0, 2], [1, 7, 0, 2], [{6, 12, 25}, {4}, set(), {1, 12}])


def test_all_pairs_are_all() -> None:
    assert AllPairs()(MICRO, MACRO).all()


def test_pairs_of_the_same_class_are_those() -> None:
    expected = [[False, False, True, False], [True, True, False, False], [False, False, False, True]]
    assert SameClass()(MICRO, MACRO).tolist() == expected


def test_objective_classes_that_are_not_known_or_others_have_no_partner() -> None:
    expected = [[True, False, False, False], [False] * 4, [False] * 4]
    assert SameObjectiveClass()(MICRO, MACRO).tolist() == expected


def test_action_units_weigh_by_the_share_that_both_show() -> None:
    expected = torch.tensor([[2 / 3, 0, 0, 1 / 3], [0, 1, 0, 0], [0, 0, 0, 0]])
    torch.testing.assert_close(ActionUnitOverlap()(MICRO, MACRO), expected)


def test_no_common_class_is_an_error_that_names_the_classes() -> None:
    with pytest.raises(ConfigurationError, match=r"support has classes \[0, 1, 2\] and the auxiliary set \[3\]"):
        SameClass().check(MICRO, clips_of([(0, 3), (0, 3)]))


@pytest.mark.parametrize(
    ("pairs", "what"), [(SameObjectiveClass(), "objective classes"), (ActionUnitOverlap(), "action units")]
)
def test_clips_without_the_annotation_are_an_error_that_names_it(pairs: Pairs, what: str) -> None:
    plain, name = clips_of([(0, 0)]), type(pairs).__name__
    with pytest.raises(ConfigurationError, match=f"pairs: {name} needs {what}, and the support clips have none"):
        pairs(plain, annotated(plain))
    with pytest.raises(ConfigurationError, match=f"pairs: {name} needs {what}, and the auxiliary clips have none"):
        pairs(annotated(plain), plain)


def test_learned_pairs_are_before_learning_those_of_their_rule() -> None:
    assert torch.equal(LearnedPairs(SameClass())(MICRO, MACRO), SameClass()(MICRO, MACRO))
    assert LearnedPairs(AllPairs()).all_positive
    assert not LearnedPairs(SameClass()).all_positive


def test_learned_pairs_need_a_hidden_feature() -> None:
    with pytest.raises(ConfigurationError, match="LearnedPairs needs width >= 1, but it is 0"):
        LearnedPairs(width=0)
