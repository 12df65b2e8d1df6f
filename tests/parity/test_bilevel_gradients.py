"""LightmanNet's inner and outer gradients against formulas written out by hand in NumPy, float64.

The network has two layers, ``h = tanh(W1 x + b1)`` and ``logits = W2 h + b2``, and an alignment head ``z = Wa h + ba``.
The inner gradient is derived on paper. The outer one needs products of the inner loss's Hessian with a vector; they
come from the hand-written gradient at a complex argument, ``H v = Im g(θ + i ε v) / ε``, exact to rounding for analytic
functions.
"""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lightmannet.episode import Clips, Episode
from lightmannet.learners import MAML, LightmanNet
from lightmannet.learners.episodic import WarmStart
from lightmannet.learners.inner_loop_options import InnerLoop
from lightmannet.learners.inner_loss import InnerLoss
from lightmannet.losses import AllPairs, SquaredEuclidean
from lightmannet.networks import TwoBranchNetwork
from tests.clips import make_clips

LAMBDA_1, LAMBDA_2, ALPHA = 0.7, 0.3, 0.2
Parameters = list[np.ndarray]


class TwoLayers(TwoBranchNetwork):
    def __init__(self) -> None:
        nn.Module.__init__(self)
        generator = torch.Generator().manual_seed(1)
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.Tanh())  # type: ignore[assignment]
        self.mer_head, self.alignment_head = nn.Linear(5, 3), nn.Linear(5, 4)
        for parameter in self.parameters():
            nn.init.normal_(parameter, std=0.5, generator=generator)
        self.double()


def clips(count: int, seed: int) -> Clips:
    made = make_clips(count, seed, size=6)
    inputs = torch.randn(count, 1, 3, 2, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return Clips(inputs, made.labels, made.subjects, made.ids)


EPISODE = Episode(clips(6, 2), clips(9, 3), clips(7, 4), n_way=3, n_shot=2, index=0)


def flat(part: Clips) -> np.ndarray:
    return part.inputs.flatten(1).numpy()


def primary(theta: Parameters, x: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the hidden layer and the gradient of the cross-entropy with respect to the logits."""
    w1, b1, w2, b2, _, _ = theta
    hidden = np.tanh(x @ w1.T + b1)
    logits = hidden @ w2.T + b2
    exponentials = np.exp(logits - logits.real.max(1, keepdims=True))
    probabilities = exponentials / exponentials.sum(1, keepdims=True)
    return hidden, (probabilities - np.eye(3)[labels]) / len(x)


def query_gradient(theta: Parameters) -> Parameters:
    x = flat(EPISODE.query)
    hidden, residual = primary(theta, x, EPISODE.query.labels.numpy())
    into_hidden = residual @ theta[2] * (1 - hidden**2)
    return [into_hidden.T @ x, into_hidden.sum(0), residual.T @ hidden, residual.sum(0), 0 * theta[4], 0 * theta[5]]


def inner_gradient(theta: Parameters) -> Parameters:
    """∇ {λ1 L_pri + λ2 L_aux} with L_aux the mean of |z_i - z'_j|² over all micro × macro pairs."""
    w1, b1, w2, _, wa, ba = theta
    x, x_macro = flat(EPISODE.support), flat(EPISODE.auxiliary)  # type: ignore[arg-type]
    hidden, residual = primary(theta, x, EPISODE.support.labels.numpy())
    residual = LAMBDA_1 * residual
    hidden_macro = np.tanh(x_macro @ w1.T + b1)
    z, z_macro = hidden @ wa.T + ba, hidden_macro @ wa.T + ba
    into_z = LAMBDA_2 * 2 * (z - z_macro.mean(0)) / len(z)
    into_z_macro = LAMBDA_2 * 2 * (z_macro - z.mean(0)) / len(z_macro)
    into = (residual @ w2 + into_z @ wa) * (1 - hidden**2)
    into_macro = (into_z_macro @ wa) * (1 - hidden_macro**2)
    return [
        into.T @ x + into_macro.T @ x_macro,
        into.sum(0) + into_macro.sum(0),
        residual.T @ hidden,
        residual.sum(0),
        into_z.T @ hidden + into_z_macro.T @ hidden_macro,
        into_z.sum(0) + into_z_macro.sum(0),
    ]


def warm_gradient(theta: Parameters, smoothing: float, macro_labels: bool, both_branches: bool) -> Parameters:
    """∇ {λ1 L_pri + λ2 L_aux} at θ over support, query and D^aux; of L_pri alone without both branches."""
    w1, b1, w2, b2, wa, ba = theta
    assert EPISODE.auxiliary is not None
    parts = [EPISODE.support, EPISODE.query, EPISODE.auxiliary]
    x, labels = np.concatenate([flat(part) for part in parts]), np.concatenate([part.labels.numpy() for part in parts])
    micro = len(EPISODE.support) + len(EPISODE.query)
    counted = len(x) if macro_labels else micro
    hidden = np.tanh(x @ w1.T + b1)
    exponentials = np.exp(hidden @ w2.T + b2)
    targets = (1 - smoothing) * np.eye(3)[labels] + smoothing / 3
    residual = (exponentials / exponentials.sum(1, keepdims=True) - targets) / counted
    residual[counted:] = 0
    residual = (LAMBDA_1 if both_branches else 1.0) * residual
    z = hidden @ wa.T + ba
    into_z = np.zeros_like(z)
    if both_branches:
        into_z[:micro] = LAMBDA_2 * 2 * (z[:micro] - z[micro:].mean(0)) / micro
        into_z[micro:] = LAMBDA_2 * 2 * (z[micro:] - z[:micro].mean(0)) / (len(z) - micro)
    into = (residual @ w2 + into_z @ wa) * (1 - hidden**2)
    heads = [residual.T @ hidden, residual.sum(0), into_z.T @ hidden, into_z.sum(0)]
    return [into.T @ x, into.sum(0), *heads]


def hessian_times(theta: Parameters, vector: Parameters) -> Parameters:
    step = 1e-30
    return [g.imag / step for g in inner_gradient([p + 1j * step * v for p, v in zip(theta, vector, strict=True)])]


def by_hand(theta: Parameters, steps: int, first_order: bool) -> tuple[Parameters, Parameters, float]:
    """Return the adapted parameters, the outer gradient and the outer derivative with respect to log α."""
    path = [theta]
    for _ in range(steps):
        path.append([p - ALPHA * g for p, g in zip(path[-1], inner_gradient(path[-1]), strict=True)])
    vector, rate = query_gradient(path[-1]), 0.0
    for before in reversed(path[:-1]):
        rate -= ALPHA * sum((g * v).sum() for g, v in zip(inner_gradient(before), vector, strict=True))
        if not first_order:
            vector = [v - ALPHA * h for v, h in zip(vector, hessian_times(before, vector), strict=True)]
    return path[-1], vector, rate


def learner(steps: int, first_order: bool, learn: bool = False, warm_start: WarmStart = WarmStart()) -> LightmanNet:
    made = LightmanNet(
        TwoLayers(),
        InnerLoop(steps=steps, learning_rate=ALPHA, first_order=first_order, learn_learning_rate=learn),
        InnerLoss(LAMBDA_1, LAMBDA_2, SquaredEuclidean(), AllPairs()),
        warm_start,
    )
    return made.double().train()


def parameters(network: nn.Module) -> list[Tensor]:
    return [dict(network.named_parameters())[name] for name in NAMES]


NAMES = [f"{layer}.{kind}" for layer in ("encoder.1", "mer_head", "alignment_head") for kind in ("weight", "bias")]


@pytest.mark.parametrize("steps", [1, 3])
def test_the_inner_steps_equal_the_formulas(steps: int) -> None:
    made = learner(steps, first_order=False)
    expected, _, _ = by_hand([p.detach().numpy() for p in parameters(made.network)], steps, False)
    adapted = made.adapt(EPISODE.support, EPISODE.auxiliary).network
    for found, wanted in zip(parameters(adapted), expected, strict=True):
        np.testing.assert_allclose(found.detach().numpy(), wanted, rtol=0, atol=1e-10)


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("first_order", [False, True])
@pytest.mark.filterwarnings("ignore:You are trying to `self.log")
def test_the_outer_gradient_equals_the_formulas(steps: int, first_order: bool) -> None:
    made = learner(steps, first_order)
    _, expected, _ = by_hand([p.detach().numpy() for p in parameters(made.network)], steps, first_order)
    made.training_step(EPISODE, 0).backward()
    for found, wanted in zip(parameters(made.network), expected, strict=True):
        assert found.grad is not None
        np.testing.assert_allclose(found.grad.numpy(), wanted, rtol=0, atol=1e-10)


def test_first_and_second_order_differ_so_that_the_parity_means_something() -> None:
    theta = [p.detach().numpy() for p in parameters(TwoLayers())]
    _, second, _ = by_hand(theta, 1, False)
    _, first, _ = by_hand(theta, 1, True)
    assert max(np.abs(a - b).max() for a, b in zip(first, second, strict=True)) > 1e-3


@pytest.mark.filterwarnings("ignore:You are trying to `self.log")
def test_the_derivative_with_respect_to_the_learned_inner_rate_equals_the_formula() -> None:
    made = learner(2, first_order=False, learn=True)
    _, _, expected = by_hand([p.detach().numpy() for p in parameters(made.network)], 2, False)
    made.training_step(EPISODE, 0).backward()
    assert made.log_inner_rate is not None
    assert made.log_inner_rate.grad is not None
    # log α was stored in float32 before the learner became float64.
    assert made.log_inner_rate.grad.item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("macro_labels", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("both_branches", [False, True])
@pytest.mark.filterwarnings("ignore:You are trying to `self.log")
def test_the_gradient_of_the_warm_start_equals_the_formulas(
    smoothing: float, macro_labels: bool, both_branches: bool
) -> None:
    made = learner(1, False, warm_start=WarmStart(1, 1e-3, smoothing, macro_labels, both_branches))
    expected = warm_gradient(
        [p.detach().numpy() for p in parameters(made.network)], smoothing, macro_labels, both_branches
    )
    made.training_step(EPISODE, 0).backward()
    for found, wanted in zip(parameters(made.network), expected, strict=True):
        assert found.grad is not None
        np.testing.assert_allclose(found.grad.numpy(), wanted, rtol=0, atol=1e-12)


@pytest.mark.filterwarnings("ignore:You are trying to `self.log")
def test_mamls_warm_start_learns_from_macro_labels_too() -> None:
    made = MAML(TwoLayers(), warm_start=WarmStart(1, 1e-3, 0.1, macro_labels=True)).double().train()
    expected = warm_gradient([p.detach().numpy() for p in parameters(made.network)], 0.1, True, False)
    made.training_step(EPISODE, 0).backward()
    for found, wanted in zip(parameters(made.network), expected, strict=True):
        assert found.grad is not None
        np.testing.assert_allclose(found.grad.numpy(), wanted, rtol=0, atol=1e-12)


@pytest.mark.filterwarnings("ignore:You are trying to `self.log")
def test_what_is_kept_of_the_warm_start_weighs_beside_the_outer_loss() -> None:
    made = learner(1, False, warm_start=WarmStart(0, 1e-3, 0.1, True, True, kept_weight=0.3))
    theta = [p.detach().numpy() for p in parameters(made.network)]
    _, outer, _ = by_hand(theta, 1, False)
    expected = [0.7 * a + 0.3 * b for a, b in zip(outer, warm_gradient(theta, 0.1, True, True), strict=True)]
    made.training_step(EPISODE, 0).backward()
    for found, wanted in zip(parameters(made.network), expected, strict=True):
        assert found.grad is not None
        np.testing.assert_allclose(found.grad.numpy(), wanted, rtol=0, atol=1e-10)
