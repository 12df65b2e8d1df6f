from dataclasses import replace

import torch

from lightmannet.losses import ActionUnitOverlap, AllPairs, SameClass
from lightmannet.losses.pair_weighting import PairWeighting
from tests.clips import annotated, make_clips

MICRO, MACRO = annotated(make_clips(3, 0, size=4)), annotated(make_clips(2, 1, size=4), 1)


def test_all_pairs_weigh_the_same_at_the_start() -> None:
    torch.testing.assert_close(PairWeighting(AllPairs(), 3)(MICRO, MACRO), torch.full((3, 2), 0.5))


def test_learned_weights_multiply_those_of_the_rule() -> None:
    for rule in (SameClass(), ActionUnitOverlap()):
        torch.testing.assert_close(PairWeighting(rule, 3)(MICRO, MACRO), 0.5 * rule(MICRO, MACRO))


def test_later_a_pair_weighs_by_its_classes_and_its_cosine() -> None:
    weighting = PairWeighting(AllPairs(), 3)
    torch.nn.init.normal_(weighting.output.weight)
    weights = weighting(MICRO, MACRO)
    assert ((weights > 0) & (weights < 1)).all()
    assert not torch.allclose(weights, weighting(replace(MICRO, labels=MICRO.labels.flip(0)), MACRO))
    assert not torch.allclose(weights, weighting(replace(MICRO, inputs=MICRO.inputs.flip(0)), MACRO))
    scaled = (replace(clips, inputs=scale * clips.inputs) for clips, scale in ((MICRO, 2), (MACRO, 3)))
    torch.testing.assert_close(weights, weighting(*scaled))
