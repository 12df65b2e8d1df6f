"""MAML's relatives against steps written out by hand and against learn2learn's own classes, float64."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from lightmannet.adaptation.reference import learn2learn_module
from lightmannet.episode import Clips, Episode
from lightmannet.learners import ANIL, MAML, FineTuning, LightmanNet, MAMLPlusPlus, MetaSGD, Reptile
from lightmannet.learners.base import Learner
from lightmannet.learners.inner_loop import InnerLoopLearner
from lightmannet.learners.inner_loop_options import InnerLoop
from lightmannet.learners.inner_loss import InnerLoss
from lightmannet.networks import Flatten, TwoBranchNetwork
from tests.clips import make_clips

ALPHA = 0.25  # exact in float32, in which learned rates are made
Weights = dict[str, Tensor]


class Hidden(Flatten):
    """One hidden layer of four on 2 x 2 pixels."""

    def __init__(self) -> None:
        super().__init__(size=2)
        self.layer, self.features = nn.Linear(12, 4), 4

    def _encode(self, inputs: Tensor) -> Tensor:
        return torch.tanh(self.layer(inputs.flatten(1)))


def network() -> TwoBranchNetwork:
    torch.manual_seed(0)
    made = TwoBranchNetwork(Hidden())
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.5)
    return made.double()


def clips(count: int, seed: int) -> Clips:
    made = make_clips(count, seed, size=6)
    inputs = torch.randn(count, 1, 3, 2, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return Clips(inputs, made.labels, made.subjects, made.ids)


EPISODE = Episode(clips(6, 2), clips(9, 3), None, n_way=3, n_shot=2, index=0)
HEAD = ("mer_head.weight", "mer_head.bias")


def loss(made: nn.Module, weights: Weights, task: Clips) -> Tensor:
    return F.cross_entropy(functional_call(made, weights, (task.inputs,)), task.labels)


def step(
    made: nn.Module, weights: Weights, task: Clips, rates: Sequence[Tensor | float], names: Sequence[str], second: bool
) -> Weights:
    """Return the weights after one gradient step of those named."""
    gradients = torch.autograd.grad(loss(made, weights, task), [weights[name] for name in names], create_graph=second)
    return weights | {n: weights[n] - a * g for n, a, g in zip(names, rates, gradients, strict=True)}


def meta_gradient(learner: Learner) -> Weights:
    learner.train().double().training_step(EPISODE, 0).backward()
    return {name: p.grad for name, p in learner.named_parameters() if p.grad is not None}


def close(found: Weights, expected: dict[str, Tensor | None]) -> None:
    """Compare gradients; a parameter without one expects zero."""
    assert found.keys() == expected.keys()
    for name, gradient in found.items():
        wanted = expected[name]
        torch.testing.assert_close(
            gradient, torch.zeros_like(gradient) if wanted is None else wanted, rtol=0, atol=1e-12
        )


def by_hand(
    made: TwoBranchNetwork, steps: int, names: Sequence[str] | None, second: bool, prefix: str = "network."
) -> dict[str, Tensor | None]:
    """Return the gradient of the query's loss after ``steps`` steps of one α, by ``prefix`` and parameter."""
    theta = {name: p.detach().clone().requires_grad_() for name, p in made.named_parameters()}
    weights: Weights = dict(theta)
    chosen = list(names or theta)
    for _ in range(steps):
        weights = step(made, weights, EPISODE.support, [ALPHA] * len(chosen), chosen, second)
    gradients = torch.autograd.grad(loss(made, weights, EPISODE.query), list(theta.values()), allow_unused=True)
    return {f"{prefix}{name}": gradient for name, gradient in zip(theta, gradients, strict=True)}


pytestmark = pytest.mark.filterwarnings("ignore:You are trying to `self.log")


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("first_order", [False, True])
def test_maml_and_fomaml_equal_the_steps_by_hand(steps: int, first_order: bool) -> None:
    made = network()
    learner = MAML(made, InnerLoop(steps=steps, learning_rate=ALPHA, first_order=first_order))
    close(meta_gradient(learner), by_hand(made, steps, None, second=not first_order))


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("first_order", [False, True])
def test_anil_equals_steps_of_the_head_by_hand(steps: int, first_order: bool) -> None:
    made = network()
    learner = ANIL(made, InnerLoop(steps=steps, learning_rate=ALPHA, first_order=first_order))
    close(meta_gradient(learner), by_hand(made, steps, HEAD, second=not first_order))


def test_lightmannet_that_moves_its_heads_without_alignment_is_anil() -> None:
    inner = InnerLoop(steps=2, learning_rate=ALPHA, parameters="heads")
    learner = LightmanNet(network(), inner, InnerLoss(auxiliary_weight=0.0))
    close(meta_gradient(learner), by_hand(network(), 2, HEAD, second=True))


def test_fine_tuning_equals_the_steps_by_hand() -> None:
    made = network()
    learner = FineTuning(made, InnerLoop(steps=3, learning_rate=ALPHA)).double().eval()
    weights: Weights = dict(made.named_parameters())
    for _ in range(3):
        weights = step(made, weights, EPISODE.support, [ALPHA] * 4, list(weights), second=False)
    expected = torch.softmax(functional_call(made, weights, (EPISODE.query.inputs,)), 1)
    found = learner.adapt(EPISODE.support, None).predict(EPISODE.query)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("first_order", [False, True])
def test_meta_sgd_equals_learn2learns(steps: int, first_order: bool) -> None:
    made = network()
    learner = MetaSGD(made, InnerLoop(steps=steps, learning_rate=ALPHA, first_order=first_order)).double()
    assert learner.inner_rates is not None
    for number, rates in enumerate(learner.inner_rates):
        # One value for all would hide that rates are taken in another order than the parameters.
        nn.init.normal_(rates, std=0.3, generator=torch.Generator().manual_seed(number))
    theirs = learn2learn_module("algorithms.meta_sgd").MetaSGD(
        network(),
        first_order=first_order,
        lrs=nn.ParameterList(nn.Parameter(rates.detach().clone()) for rates in learner.inner_rates),
    )
    clone = theirs.clone()
    for _ in range(steps):
        clone.adapt(F.cross_entropy(clone(EPISODE.support.inputs), EPISODE.support.labels))
    F.cross_entropy(clone(EPISODE.query.inputs), EPISODE.query.labels).backward()
    expected = {f"network.{name}": p.grad for name, p in theirs.module.named_parameters()}
    expected |= {f"inner_rates.{number}": rates.grad for number, rates in enumerate(theirs.lrs)}
    close(meta_gradient(learner), expected)


def plus_plus(epochs: int) -> MAMLPlusPlus:
    learner = MAMLPlusPlus(network(), InnerLoop(steps=3, learning_rate=ALPHA), multi_step_epochs=epochs).double()
    assert learner.inner_rates is not None
    for number, rates in enumerate(learner.inner_rates):
        nn.init.uniform_(rates, -0.2, 0.4, generator=torch.Generator().manual_seed(number))
    return learner


@pytest.mark.parametrize(("epochs", "weights"), [(0, [0.0, 0.0, 1.0]), (4, [1 / 3, 1 / 3, 1 / 3])])
def test_maml_plus_plus_equals_the_steps_by_hand(epochs: int, weights: list[float]) -> None:
    learner = plus_plus(epochs)
    assert learner.inner_rates is not None
    made = network()
    theta = {name: p.detach().clone().requires_grad_() for name, p in made.named_parameters()}
    rates = [row.detach().clone().requires_grad_() for row in learner.inner_rates]
    moved: Weights = dict(theta)
    total = torch.zeros((), dtype=torch.float64)
    for row, weight in zip(rates, weights, strict=True):
        moved = step(made, moved, EPISODE.support, list(row), list(theta), second=True)
        total = total + weight * loss(made, moved, EPISODE.query)
    gradients = torch.autograd.grad(total, [*theta.values(), *rates])
    names = [*(f"network.{name}" for name in theta), *(f"inner_rates.{number}" for number in range(3))]
    close(meta_gradient(learner), dict(zip(names, gradients, strict=True)))


def test_the_multi_step_weights_move_to_the_last_step() -> None:
    learner = plus_plus(4)
    assert learner.step_weights(0) == pytest.approx([1 / 3, 1 / 3, 1 / 3])
    assert learner.step_weights(1) == pytest.approx([1 / 4, 1 / 4, 1 / 2])
    assert learner.step_weights(4) == learner.step_weights(9) == [0.0, 0.0, 1.0]


def test_reptiles_gradient_is_the_way_back_from_the_adapted_weights() -> None:
    made = network()
    weights: Weights = {name: p.detach().clone().requires_grad_() for name, p in made.named_parameters()}
    for task in (EPISODE.support, EPISODE.query, EPISODE.support):
        weights = step(made, weights, task, [ALPHA] * 4, list(weights), second=False)
    expected = {f"network.{name}": (p - weights[name]).detach() for name, p in made.named_parameters()}
    close(meta_gradient(Reptile(made, InnerLoop(steps=3, learning_rate=ALPHA))), dict(expected))


def test_reptile_adapts_on_the_support_alone_at_test_time() -> None:
    inner = InnerLoop(steps=3, learning_rate=ALPHA)
    answers = [
        learner.double().eval().adapt(EPISODE.support, None).predict(EPISODE.query)
        for learner in (Reptile(network(), inner), MAML(network(), inner))
    ]
    torch.testing.assert_close(*answers, rtol=0, atol=1e-12)


@pytest.mark.parametrize("rates", ["one", "layer_and_step", "weight"])
def test_rates_that_all_have_one_value_take_the_same_steps(rates: str) -> None:
    inner = InnerLoop(steps=2, learning_rate=ALPHA, rates=rates)  # type: ignore[arg-type]
    made: InnerLoopLearner = MAML(network(), inner)
    gradient = meta_gradient(made)
    close({k: v for k, v in gradient.items() if "rates" not in k}, by_hand(network(), 2, None, second=True))
