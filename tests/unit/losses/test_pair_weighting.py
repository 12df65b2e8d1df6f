import torch

from lightmannet.losses.pair_weighting import PairWeighting

LABELS = torch.tensor([0, 1, 2]), torch.tensor([2, 0])


def test_all_pairs_weigh_the_same_at_the_start() -> None:
    weights = PairWeighting(3)(torch.randn(3, 4), torch.randn(2, 4), *LABELS)
    torch.testing.assert_close(weights, torch.full((3, 2), 0.5))


def test_later_a_pair_weighs_by_its_classes_and_its_cosine() -> None:
    weighting = PairWeighting(3)
    torch.nn.init.normal_(weighting.output.weight)
    micro, macro = torch.randn(3, 4), torch.randn(2, 4)
    weights = weighting(micro, macro, *LABELS)
    assert ((weights > 0) & (weights < 1)).all()
    assert not torch.allclose(weights, weighting(micro, macro, LABELS[0].flip(0), LABELS[1]))
    assert not torch.allclose(weights, weighting(micro.flip(0), macro, *LABELS))
    torch.testing.assert_close(weights, weighting(2 * micro, 3 * macro, *LABELS))
