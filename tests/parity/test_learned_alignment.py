"""The outer gradient of what LightmanNet learns of its alignment, against formulas and finite differences, float64."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from lightmannet.episode import Clips, Episode
from lightmannet.learners import LightmanNet
from lightmannet.learners.inner_loop_options import InnerLoop
from lightmannet.learners.inner_loss import InnerLoss
from lightmannet.losses import LearnedPairs, SameClass, SquaredEuclidean
from lightmannet.losses.pair_weighting import PairWeighting
from lightmannet.losses.pairs import Pairs
from lightmannet.networks import Conv4, TwoBranchNetwork
from tests.clips import make_clips

ALPHA = 0.3


def clips(count: int, seed: int) -> Clips:
    made = make_clips(count, seed, size=16)
    return Clips(made.inputs.double(), made.labels, made.subjects, made.ids)


EPISODE = Episode(clips(6, 2), clips(9, 3), clips(7, 4), n_way=3, n_shot=2, index=0)


def learner(steps: int, pairs: Pairs, learn_weight: bool = False) -> LightmanNet:
    torch.manual_seed(0)
    network = TwoBranchNetwork(Conv4(size=16, width=8, dropout=0.0), alignment_features=4)
    loss = InnerLoss(0.7, 0.4, SquaredEuclidean(), pairs, learn_auxiliary_weight=learn_weight)
    made = LightmanNet(network, InnerLoop(steps=steps, learning_rate=ALPHA), loss).double().train()
    if isinstance(made.pair_weighting, PairWeighting):
        torch.nn.init.normal_(made.pair_weighting.output.weight)
    return made


def test_the_gradient_of_the_learned_weight_is_minus_alpha_times_the_product_of_both_gradients() -> None:
    made = learner(1, SameClass(), learn_weight=True)
    raw = made.raw_auxiliary_weight
    assert raw is not None
    assert F.softplus(raw).item() == pytest.approx(0.4, abs=1e-7)
    made.meta_loss(EPISODE).backward()

    network, support, macro = made.network, EPISODE.support, EPISODE.auxiliary
    assert macro is not None
    parameters = list(network.parameters())
    aligned = network.alignment_head(network.encode(torch.cat([support.inputs, macro.inputs])))
    pairs = SameClass()(support, macro)
    auxiliary = torch.autograd.grad(SquaredEuclidean()(aligned[:6], aligned[6:], pairs), parameters, allow_unused=True)
    adapted = made.adapt(support, macro).network
    query = F.cross_entropy(adapted(EPISODE.query.inputs), EPISODE.query.labels)
    primary = torch.autograd.grad(query, list(adapted.parameters()), allow_unused=True)
    both = [(a * b).sum() for a, b in zip(auxiliary, primary, strict=True) if a is not None and b is not None]
    expected = -ALPHA * torch.sigmoid(raw) * torch.stack(both).sum()
    torch.testing.assert_close(raw.grad, expected, rtol=0, atol=1e-12)
    assert abs(expected) > 1e-5


@pytest.mark.parametrize("steps", [1, 2])
def test_the_gradient_of_the_learned_pair_weights_is_that_of_finite_differences(steps: int) -> None:
    made = learner(steps, LearnedPairs())
    assert isinstance(made.pair_weighting, PairWeighting)
    made.meta_loss(EPISODE).backward()

    def value_at(parameter: Tensor, index: int, step: float) -> float:
        parameter.data.view(-1)[index] += step
        value = made.meta_loss(EPISODE).item()
        parameter.data.view(-1)[index] -= step
        return value

    largest = 0.0
    for parameter in made.pair_weighting.parameters():
        assert parameter.grad is not None
        for index in range(0, parameter.numel(), 7):
            slope = (value_at(parameter, index, 1e-4) - value_at(parameter, index, -1e-4)) / 2e-4
            assert parameter.grad.view(-1)[index].item() == pytest.approx(slope, rel=1e-4, abs=1e-9)
            largest = max(largest, abs(slope))
    assert largest > 1e-4


def test_the_inner_loop_leaves_the_pair_weights_alone() -> None:
    made = learner(2, LearnedPairs())
    assert isinstance(made.pair_weighting, PairWeighting)
    names = {name for name, _ in made.adapt(EPISODE.support, EPISODE.auxiliary).network.named_parameters()}
    assert names == {name for name, _ in made.network.named_parameters()}
