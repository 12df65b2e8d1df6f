"""MAXL's two gradients against formulas written out by hand in NumPy, float64.

The multi-task network is ``h = tanh(W1 x + b1)`` with two linear heads, the generator another such layer with one. The
gradient of the focal losses is derived on paper. That of the label generator needs a derivative through it; it comes
from the hand-written look-ahead at a complex argument, ``∂F = Im F(φ + i ε) / ε``, exact to rounding for analytic
functions.
"""

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
import torch
from jaxtyping import Float
from torch import Tensor, nn

from lightmannet.episode import Clips
from lightmannet.learners import MAXL
from lightmannet.networks import Encoder, TwoBranchNetwork
from tests.clips import make_clips

PSI, GAMMA, WEIGHT, STEP = 2, 2.0, 0.2, 0.7
Parameters = list[np.ndarray]


class Hidden(Encoder):
    def __init__(self, features: int) -> None:
        super().__init__(1, 3, 2)
        self.features = features
        self.layer = nn.Linear(12, features)

    def _encode(self, inputs: Float[Tensor, "clip phase channel height width"]) -> Float[Tensor, "clip feature"]:
        return self.layer(inputs.flatten(1)).tanh()


def clips() -> Clips:
    inputs = torch.randn(7, 1, 3, 2, 2, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    return replace(make_clips(7), inputs=inputs)


CLIPS = clips()
X, Y = CLIPS.inputs.flatten(1).numpy(), np.eye(3)[CLIPS.labels.numpy()]
THETA = ["network.encoder.layer", "network.mer_head", "auxiliary_head"]
PHI = ["generator.0.layer", "generator.1"]


def learner(hypergradient: Literal["exact", "finite_differences"] = "exact", weight: float = WEIGHT) -> MAXL:
    made = MAXL(
        TwoBranchNetwork(Hidden(5)),
        Hidden(4),
        sub_classes=PSI,
        focus=GAMMA,
        entropy_weight=weight,
        step=STEP,
        hypergradient=hypergradient,
    ).double()
    generator = torch.Generator().manual_seed(1)
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.6, generator=generator)
    return made.train()


def values(made: MAXL, layers: list[str]) -> Parameters:
    named = dict(made.named_parameters())
    return [named[f"{layer}.{kind}"].detach().numpy() for layer in layers for kind in ("weight", "bias")]


def gradients(made: MAXL, layers: list[str]) -> list[Tensor]:
    named = dict(made.named_parameters())
    found = [named[f"{layer}.{kind}"].grad for layer in layers for kind in ("weight", "bias")]
    return [gradient for gradient in found if gradient is not None]


def softmax(scores: np.ndarray) -> np.ndarray:
    exponentials = np.exp(scores - scores.real.max(-1, keepdims=True))
    return exponentials / exponentials.sum(-1, keepdims=True)


def labels(phi: Parameters) -> np.ndarray:
    w1, b1, w2, b2 = phi
    scores = (np.tanh(X @ w1.T + b1) @ w2.T + b2).reshape(len(X), 3, PSI)
    return (Y[:, :, None] * softmax(scores)).reshape(len(X), -1)


def focal(p: np.ndarray, targets: np.ndarray) -> complex:
    return complex(-(targets * (1 - p) ** GAMMA * np.log(p)).sum() / len(p))


def into_logits(p: np.ndarray, targets: np.ndarray) -> np.ndarray:
    into_p = targets * (GAMMA * (1 - p) ** (GAMMA - 1) * np.log(p) - (1 - p) ** GAMMA / p) / len(p)
    return np.asarray(p * (into_p - (into_p * p).sum(1, keepdims=True)))


def multi_task_gradient(theta: Parameters, targets: np.ndarray) -> Parameters:
    w1, b1, w2, b2, wa, ba = theta
    hidden = np.tanh(X @ w1.T + b1)
    primary = into_logits(softmax(hidden @ w2.T + b2), Y)
    auxiliary = into_logits(softmax(hidden @ wa.T + ba), targets)
    into = (primary @ w2 + auxiliary @ wa) * (1 - hidden**2)
    return [into.T @ X, into.sum(0), primary.T @ hidden, primary.sum(0), auxiliary.T @ hidden, auxiliary.sum(0)]


def generator_loss(theta: Parameters, phi: Parameters) -> complex:
    targets = labels(phi)
    ahead = [p - STEP * g for p, g in zip(theta, multi_task_gradient(theta, targets), strict=True)]
    p = softmax(np.tanh(X @ ahead[0].T + ahead[1]) @ ahead[2].T + ahead[3])
    mean = targets.mean(0)
    return focal(p, Y) + WEIGHT * complex((mean * np.log(mean)).sum())


def generator_gradient(theta: Parameters, phi: Parameters) -> Parameters:
    found = [np.zeros_like(p) for p in phi]
    for which, parameter in enumerate(phi):
        for index in np.ndindex(parameter.shape):
            moved = [p.astype(complex) for p in phi]
            moved[which][index] += 1e-30j
            found[which][index] = generator_loss(theta, moved).imag / 1e-30
    return found


@pytest.mark.filterwarnings("ignore:You are trying to `self.log")
def test_both_networks_get_the_gradients_of_the_formulas() -> None:
    made = learner()
    theta, phi = values(made, THETA), values(made, PHI)
    made.training_step(CLIPS, 0).backward()
    for found, expected in zip(gradients(made, THETA), multi_task_gradient(theta, labels(phi)), strict=True):
        np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=1e-12)
    for found, expected in zip(gradients(made, PHI), generator_gradient(theta, phi), strict=True):
        np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=1e-12)


@pytest.mark.filterwarnings("ignore:You are trying to `self.log")
def test_the_returned_loss_is_the_multi_task_loss() -> None:
    made = learner()
    theta, phi = values(made, THETA), values(made, PHI)
    hidden = np.tanh(X @ theta[0].T + theta[1])
    expected = focal(softmax(hidden @ theta[2].T + theta[3]), Y)
    expected += focal(softmax(hidden @ theta[4].T + theta[5]), labels(phi))
    assert made.training_step(CLIPS, 0).item() == pytest.approx(expected.real, abs=1e-12)


@pytest.mark.parametrize("weight", [0.0, WEIGHT])
@pytest.mark.filterwarnings("ignore:You are trying to `self.log")
def test_finite_differences_are_close_to_the_exact_gradient_and_leave_the_network_as_it_was(weight: float) -> None:
    exact, approximate = learner("exact", weight), learner("finite_differences", weight)
    exact.training_step(CLIPS, 0).backward()
    approximate.training_step(CLIPS, 0).backward()
    for found, wanted in zip(gradients(approximate, PHI), gradients(exact, PHI), strict=True):
        assert (found - wanted).norm() < 1e-3 * wanted.norm()
        assert not torch.equal(found, wanted)
    for found, wanted in zip(gradients(approximate, THETA), gradients(exact, THETA), strict=True):
        torch.testing.assert_close(found, wanted, rtol=0, atol=0)
    assert all(torch.equal(a, b) for a, b in zip(exact.parameters(), approximate.parameters(), strict=True))
